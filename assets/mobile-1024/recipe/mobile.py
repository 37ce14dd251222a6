"""MobileStyleGAN for W+ codes (Belousov 2021, arXiv 2104.04767), as the wheel random-face carries it."""
from __future__ import annotations
import torch, torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (512, 512, 512, 512, 256, 128, 64)
N_CODES = 23

def inverse_haar(x: Tensor) -> Tensor:
    """[B,4c,h,w] (LL; then LH, HL, HH a channel) to [B,c,2h,2w]."""
    b, c4, h, w = x.shape
    c = c4 // 4
    ll = x[:, :c]
    lh, hl, hh = x[:, c:].reshape(b, c, 3, h, w).unbind(2)
    s, d = ll + lh, ll - lh
    t, e = hl + hh, hl - hh
    out = torch.stack([s + t, s - t, d + e, d - e], 2) * 0.5
    return F.pixel_shuffle(out.reshape(b, c4, h, w), 2)

def depthwise(x: Tensor, w: Tensor, way: str) -> Tensor:
    if way == "conv":
        return F.conv2d(x, w, padding=1, groups=x.shape[1])
    h, wd = x.shape[-2:]
    p = F.pad(x, (1, 1, 1, 1))
    out = None
    for i in range(3):
        for j in range(3):
            t = p[:, :, i:i + h, j:j + wd] * w[:, 0, i, j][:, None, None]
            out = t if out is None else out + t
    return out

class Affine(nn.Module):
    def __init__(self, n: int, scale: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n, 512)); self.bias = nn.Parameter(torch.empty(n))
        if scale: self.scale = nn.Parameter(torch.ones(()))
        self.has = scale
    def forward(self, w: Tensor) -> Tensor:
        s = F.linear(w, self.weight, self.bias)
        return s * self.scale if self.has else s

class Conv(nn.Module):
    def __init__(self, a: int, b: int, size: int, dense: bool = False) -> None:
        super().__init__()
        self.affine = Affine(a)
        self.dense = dense
        if not dense: self.dw = nn.Parameter(torch.empty(a, 1, 3, 3))
        self.weight = nn.Parameter(torch.empty(b, a, 3 if dense else 1, 3 if dense else 1))
        self.noise = nn.Parameter(torch.empty(1, 1, size, size)); self.bias = nn.Parameter(torch.empty(b))
    def forward(self, x: Tensor, w: Tensor, way: str) -> Tensor:
        x = x * self.affine(w).to(x.dtype)[:, :, None, None]
        if self.dense: x = F.conv2d(x, self.weight.to(x.dtype), padding=1)
        else: x = F.conv2d(depthwise(x, self.dw.to(x.dtype), way), self.weight.to(x.dtype))
        return F.leaky_relu(x + (self.noise + self.bias[:, None, None]).to(x.dtype), 0.2)

class Mobile(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.ModuleList([nn.Linear(512, 512) for _ in range(8)])
        self.const = nn.Parameter(torch.empty(1, 512, 4, 4))
        self.first = Conv(512, 512, 4, dense=True)
        self.ups, self.c1, self.c2 = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        below = 512
        for k, c in enumerate(WIDTHS):
            r = 8 << k
            self.ups.append(Affine(below, False)); self.c1.append(Conv(below // 4, c, r)); self.c2.append(Conv(c, c, r))
            below = c
        self.rgb_affine = Affine(64); self.rgb = nn.Parameter(torch.empty(12, 64, 1, 1)); self.rgb_bias = nn.Parameter(torch.empty(12))
        self.register_buffer("w_avg", torch.zeros(512))
        self.way = "conv"
    def map(self, z: Tensor) -> Tensor:
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for l in self.mapping: x = F.leaky_relu(l(x), 0.2) * 2 ** 0.5
        return x
    def features(self, codes: Tensor, dtype: torch.dtype, blocks: int = 7) -> Tensor:
        x = self.const.to(dtype).expand(len(codes), -1, -1, -1)
        x = self.first(x, codes[:, 0], self.way)
        for k in range(blocks):
            x = inverse_haar(x * self.ups[k](codes[:, 1 + 3 * k]).to(dtype)[:, :, None, None])
            x = self.c1[k](x, codes[:, 2 + 3 * k], self.way)
            x = self.c2[k](x, codes[:, 3 + 3 * k], self.way)
        return x
    def forward(self, codes: Tensor, size: int = 1024, dtype: torch.dtype = torch.float32) -> Tensor:
        """[B,23,512] to [B,3,size,size] float32; 1024, 512 or 256 (area means)."""
        x = self.features(codes, dtype)
        s = self.rgb_affine(codes[:, 22]).to(dtype)[:, :, None, None]
        if size == 1024:
            x = F.conv2d(x * s, self.rgb.to(dtype)).float() + self.rgb_bias[:, None, None]
            return inverse_haar(x)
        if size == 256: x = F.avg_pool2d(x, 2)
        return (F.conv2d(x * s, self.rgb[:3].to(dtype)).float() + self.rgb_bias[:3, None, None]) / 2

class Last:
    """The same generator over channels-last maps, for the compiler: [B,H,W,C] throughout."""
    def __init__(self, m: Mobile, dtype: torch.dtype) -> None:
        self.m, self.dtype = m, dtype
    def conv(self, x: Tensor, c: Conv, w: Tensor) -> Tensor:
        d = self.dtype
        x = x * c.affine(w).to(d)[:, None, None, :]
        if c.dense:
            x = F.conv2d(x.permute(0, 3, 1, 2), c.weight.to(d), padding=1).permute(0, 2, 3, 1)
        else:
            h, wd = x.shape[1:3]
            p = F.pad(x, (0, 0, 1, 1, 1, 1)); k = c.dw.to(d)[:, 0]
            y = None
            for i in range(3):
                for j in range(3):
                    t = p[:, i:i + h, j:j + wd] * k[:, i, j]
                    y = t if y is None else y + t
            x = F.linear(y, c.weight.to(d)[:, :, 0, 0])
        return F.leaky_relu(x + (c.noise[0, 0, :, :, None] + c.bias).to(d), 0.2)
    def haar(self, x: Tensor) -> Tensor:
        b, h, w, c4 = x.shape
        c = c4 // 4
        ll = x[..., :c]
        lh, hl, hh = x[..., c:].reshape(b, h, w, c, 3).unbind(-1)
        s, d, t, e = ll + lh, ll - lh, hl + hh, hl - hh
        rows = [torch.stack([s + t, s - t], 3), torch.stack([d + e, d - e], 3)]
        return (torch.stack(rows, 2) * 0.5).reshape(b, 2 * h, 2 * w, c)
    def __call__(self, codes: Tensor) -> Tensor:
        """[B,23,512] to [B,3,256,256]."""
        m, d = self.m, self.dtype
        x = m.const.to(d).permute(0, 2, 3, 1).expand(len(codes), -1, -1, -1)
        x = self.conv(x, m.first, codes[:, 0])
        for k in range(7):
            x = self.haar(x * m.ups[k](codes[:, 1 + 3 * k]).to(d)[:, None, None, :])
            x = self.conv(x, m.c1[k], codes[:, 2 + 3 * k])
            x = self.conv(x, m.c2[k], codes[:, 3 + 3 * k])
        b, h, w, c = x.shape
        x = x.reshape(b, h // 2, 2, w // 2, 2, c).float().mean((2, 4)) * m.rgb_affine(codes[:, 22])[:, None, None, :]
        return (F.linear(x, m.rgb[:3, :, 0, 0]) + m.rgb_bias[:3]).permute(0, 3, 1, 2) / 2
