"""Codes and pictures to train on: draws from the generator, photos, what real life does to both."""
from __future__ import annotations
import io, math, zipfile
import numpy as np, torch, torch.nn.functional as F
from PIL import Image
from torch import Tensor

def photos(path: str, part: str) -> Tensor:
    with zipfile.ZipFile(path) as z:
        names = sorted(n for n in z.namelist() if n.startswith(part + "/"))
        return torch.from_numpy(np.stack([np.asarray(Image.open(io.BytesIO(z.read(n))).convert("RGB")) for n in names])).permute(0, 3, 1, 2).contiguous()

def draw(model, n: int, device) -> Tensor:
    """Codes [n,23,512]: two w's, psi 1 or 0.6-1, crossed at a layer or in a band for half of them."""
    w = model.map(torch.randn(3 * n, 512, device=device)).view(3, n, 512)
    psi = torch.where(torch.rand(3, n, 1, device=device) < 0.5, 1.0, 0.6 + 0.4 * torch.rand(3, n, 1, device=device))
    w = model.w_avg + psi * (w - model.w_avg)
    at = torch.arange(23, device=device)[None]
    kind = torch.rand(n, 1, device=device)
    a = torch.randint(1, 23, (n, 1), device=device); b = torch.randint(1, 23, (n, 1), device=device)
    lo, hi = torch.minimum(a, b), torch.maximum(a, b)
    second = ((kind < 0.35) & (at >= a)) | ((kind >= 0.35) & (kind < 0.5) & (at >= lo) & (at < hi))
    third = (kind < 0.08) & (at >= hi)
    codes = torch.where(second[..., None], w[1][:, None], w[0][:, None])
    return torch.where(third[..., None], w[2][:, None], codes)

def rand(n: int, lo: float, hi: float, device) -> Tensor: return lo + (hi - lo) * torch.rand(n, device=device)

def warp(x: Tensor, turn: float, zoom: float, shift: float, mirror: bool = False, share: float = 1.0) -> Tensor:
    """Small turns (radians), scales and shifts (shares of the side) of a picture [B,C,H,W]."""
    n, d = len(x), x.device
    on = (torch.rand(n, device=d) < share).float()
    a, z = rand(n, -turn, turn, d) * on, 1 + rand(n, -zoom, zoom, d) * on
    tx, ty = rand(n, -shift, shift, d) * 2 * on, rand(n, -shift, shift, d) * 2 * on
    f = torch.where(torch.rand(n, device=d) < 0.5, -1.0, 1.0) if mirror else torch.ones(n, device=d)
    m = torch.stack([torch.stack([z * torch.cos(a) * f, -z * torch.sin(a), tx], 1), torch.stack([z * torch.sin(a) * f, z * torch.cos(a), ty], 1)], 1)
    return F.grid_sample(x, F.affine_grid(m, list(x.shape), align_corners=False), mode="bilinear", padding_mode="reflection", align_corners=False)

def colour(x: Tensor, strength: float = 1.0) -> Tensor:
    n, d = len(x), x.device
    v = (x + 1) / 2
    v = v.clamp(1e-4, 1) ** torch.exp(rand(n, -0.25, 0.25, d) * strength)[:, None, None, None]
    v = v * (1 + rand(n * 3, -0.06, 0.06, d).view(n, 3, 1, 1) * strength) * (1 + rand(n, -0.15, 0.1, d)[:, None, None, None] * strength)
    grey = v.mean(1, keepdim=True)
    v = grey + (v - grey) * (1 + rand(n, -0.3, 0.25, d)[:, None, None, None] * strength)
    return (v.clamp(0, 1) * 2 - 1)

_Q = torch.tensor([16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]).float().view(8, 8)

def jpeg(x: Tensor) -> Tensor:
    """What JPEG of quality 30 to 95 does to [B,3,H,W] in [-1,1] (blocks of 8x8, chroma three times as coarse)."""
    n, c, h, w = x.shape; d = x.device
    k = torch.arange(8, device=d).float()
    t = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) * 0.5; t[0] = math.sqrt(1 / 8)
    q = rand(n, 30, 95, d); s = torch.where(q < 50, 5000 / q, 200 - 2 * q)[:, None, None, None, None, None] / 100
    table = _Q.to(d)[None, None, None, None] * s * torch.tensor([1.0, 2.5, 2.5], device=d)[None, :, None, None, None, None]
    m = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], device=d)
    y = torch.einsum("ij,bjhw->bihw", m, x) * 127.5
    b = y.view(n, 3, h // 8, 8, w // 8, 8).permute(0, 1, 2, 4, 3, 5)
    f = t @ b @ t.T
    b = t.T @ (torch.round(f / table) * table) @ t
    y = b.permute(0, 1, 2, 4, 3, 5).reshape(n, 3, h, w) / 127.5
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(m), y).clamp(-1, 1)

def scaled(x: Tensor, side: int) -> Tensor:
    return F.interpolate(F.interpolate(x, size=(side, side), mode="bilinear", antialias=True, align_corners=False), size=x.shape[-2:], mode="bicubic", align_corners=False).clamp(-1, 1)

def degrade(x: Tensor) -> Tensor:
    """Scale, JPEG, noise, slight misalignment, for about half of the pictures each."""
    x = warp(x, 0.03, 0.02, 0.012, share=0.5)
    parts = list(x.chunk(8)) if len(x) >= 8 else [x]
    for i, p in enumerate(parts):
        if torch.rand(()) < 0.5: parts[i] = scaled(p, int(torch.randint(64, 225, ())))
    x = torch.cat(parts)
    n, d = len(x), x.device
    x = torch.where((torch.rand(n, device=d) < 0.6)[:, None, None, None], jpeg(x), x)
    return (x + torch.randn_like(x) * (rand(n, -0.05, 0.06, d).clamp_min(0))[:, None, None, None]).clamp(-1, 1)

def tiny(x: Tensor) -> Tensor:
    """Super-resolution's inputs: 8 to 256 px, enlarged again; some with JPEG or noise first."""
    n, d = len(x), x.device
    x = warp(x, 0.02, 0.015, 0.01, share=0.3)
    out = []
    for p in x.chunk(8):
        side = (8, 16, 16, 32, 32, 64, int(torch.randint(8, 128, ())), int(torch.randint(12, 257, ())))[int(torch.randint(8, ()))]
        out.append(scaled(p, side) if side < 256 else p)
    x = torch.cat(out)
    return torch.where((torch.rand(n, device=d) < 0.25)[:, None, None, None], jpeg(x), x)

def drawn(s: Tensor) -> Tensor:
    """Variety of drawings [B,1,H,W] in [0,1]: thicker, fainter, softer, moved."""
    n, d = len(s), s.device
    ink = warp(1 - s, 0.04, 0.04, 0.02, share=0.6)
    out = []
    for p in ink.chunk(8):
        r = float(torch.rand(()))
        if r < 0.25: p = F.max_pool2d(p, 3, 1, 1)
        elif r < 0.35: p = -F.max_pool2d(-p, 2, 1, 0); p = F.pad(p, (0, 1, 0, 1))
        elif r < 0.5: p = F.avg_pool2d(p, 3, 1, 1)
        out.append(p)
    ink = torch.cat(out)
    g, c = rand(n, 0.6, 1.6, d)[:, None, None, None], rand(n, 0, 0.25, d)[:, None, None, None]
    return 1 - ((ink - c).clamp_min(0) * g / (1 - c)).clamp(0, 1)
