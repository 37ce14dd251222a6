"""The fourth window on a GPU, by the clock: the residual of likeness=exact, sharp at 1024 px too.

    python train4.py SECONDS OUT

Adversarial at full size against the generator's own pictures; squared error, LPIPS and dlib at 256 px as before.
"""
from __future__ import annotations
import copy, io, json, math, os, sys, time, traceback
T0 = time.time()
SECONDS, OUT = float(sys.argv[1]), sys.argv[2]
HERE = os.path.dirname(os.path.abspath(__file__)); ROOT = os.path.dirname(HERE)
sys.path[:0] = [ROOT, HERE]
SMALL = bool(os.environ.get("SMALL"))
env = lambda k, v: type(v)(os.environ.get(k, v))
import numpy as np, torch, torch.nn.functional as F
from pathlib import Path
from PIL import Image
from torch import Tensor, nn
from safetensors.torch import save_file
import data
import psp.checkpoints.dlib_file as dlib_module
dlib_module.read_dlib_tensors = lambda p: [t.float() for t in torch.load(f"{HERE}/dlib.pt")]
dlib_module.dlib_file = lambda n: Path(n)
from psp.checkpoints.load import load_psp
from psp.checkpoints.quantize import to_int8, from_int8
from psp.checkpoints.small_networks import load_face_mapper, load_previews, load_residual
from psp.codes.directions import directions_from_bytes
from psp.inference.quality import lpips_weights
from psp.losses.identity import DescriptorLoss
from psp.losses.lpips import LPIPS
from psp.models.haar import inverse_haar
from psp.registry.lookup import BUNDLED

gpu = torch.cuda.is_available(); dev = torch.device("cuda" if gpu else "cpu")
os.makedirs(OUT, exist_ok=True)
torch.manual_seed(41); torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
amp = lambda on=True: torch.autocast(dev.type, torch.bfloat16, enabled=on)
half = torch.bfloat16
K = 4 if SMALL else env("K", 16)
P, N, S = (8, 8, 6) if SMALL else (env("PHOTOS", 6000), env("BANK", 4000), env("LARGE", 2400))
log = open(f"{OUT}/log.txt", "a")
def say(*a): print(f"[{time.time() - T0:6.1f}]", *a, flush=True)
def note(**k): log.write(json.dumps({"t": round(time.time() - T0, 1), **k}) + "\n"); log.flush(); say(k)
def r4(d): return {k: round(float(v), 4) for k, v in d.items()}

psp = load_psp(BUNDLED, task="encode").to(dev).eval().requires_grad_(False)
gen = psp.decoder; mean = psp.w_avg.clone()
heads, parser = load_previews().to(dev), load_face_mapper().to(dev)
lp = LPIPS(lpips_weights()).to(dev); dl = DescriptorLoss(dlib_module.load_face_descriptor()).to(dev)
ways = torch.stack([torch.from_numpy(d.shift) for d in directions_from_bytes(Path(f"{ROOT}/assets/mobile-1024/directions.safetensors").read_bytes(), 23, 512).values()]).to(dev)
say("loaded", len(ways))

# --- the generator in bfloat16, styles in float32, in two parts
def act(m, x: Tensor, code: Tensor) -> Tensor:
    x = x * m.style(code).to(half)[:, :, None, None]
    if m.depthwise is None: x = F.conv2d(x, m.weight.to(half), padding=1)
    else: x = F.conv2d(F.conv2d(x, m.depthwise.to(half), padding=1, groups=x.shape[1]), m.weight.to(half))
    return F.leaky_relu(x + (m.noise + m.bias[:, None, None]).to(half), 0.2)
def block(k: int, x: Tensor, codes: Tensor) -> Tensor:
    b = gen.blocks[k]; x = inverse_haar(x * b.style(codes[:, 3 * k + 1]).to(half)[:, :, None, None])
    return act(b.conv2, act(b.conv1, x, codes[:, 3 * k + 2]), codes[:, 3 * k + 3])
def front(codes: Tensor) -> Tensor:
    x = act(gen.first, gen.input.to(half).expand(len(codes), -1, -1, -1), codes[:, 0])
    for k in range(4): x = block(k, x, codes)
    return x
def later(f: Tensor, codes: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Bands [B,12,512,512] of features at 64 px with what is added there and at 128 px."""
    x = block(4, f + a.to(half), codes) + b.to(half)
    x = block(6, block(5, x, codes), codes); t = gen.to_bands
    return F.conv2d(x * t.style(codes[:, -1]).to(half)[:, :, None, None], t.weight.to(half), t.bias.to(half))
if gpu: torch._dynamo.config.automatic_dynamic_shapes = False
fast = (lambda f: torch.compile(f, dynamic=False)) if gpu and not os.environ.get("EAGER") else (lambda f: f)
front_, later_ = fast(front), fast(later)
def padded(x: Tensor) -> Tensor:
    m = -len(x) % K
    return torch.cat([x, x[-1:].expand(m, *x.shape[1:])]) if m else x
@torch.no_grad()
def fronts(codes: Tensor) -> Tensor: return torch.cat([front_(c.contiguous()) for c in padded(codes.float()).split(K)])[:len(codes)]
def wave(f: Tensor, codes: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.cat([later_(*(t.contiguous() for t in g)) for g in zip(f.split(K), codes.float().split(K), a.float().split(K), b.float().split(K))])
zero = (torch.zeros(K, gen.config.channels[4], 64, 64, device=dev), torch.zeros(K, gen.config.channels[5], 128, 128, device=dev))
@torch.no_grad()
def plainly(codes: Tensor) -> Tensor:
    """Bands of codes alone."""
    out = []
    for c in padded(codes.float()).split(K):
        with torch.enable_grad(): out.append(later_(front_(c.contiguous()), c.contiguous(), zero[0].requires_grad_(), zero[1].requires_grad_()).detach())
    return torch.cat(out)[:len(codes)]
at512 = lambda w: w[:, :3] / 2
at256 = lambda w: F.avg_pool2d(at512(w).float(), 2)
full = lambda w: inverse_haar(w)

rows = (torch.arange(256, device=dev) + 0.5) / 256
bell = torch.exp(-(((rows - 0.55)[:, None] ** 2 + (rows - 0.5)[None] ** 2) / (2 * 0.22**2)))
mild = 1 + 0.5 * bell; mild = mild / mild.mean()
h2 = lambda t: F.avg_pool2d(t, 2)
byte = lambda x: ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
real = lambda x: x.float() / 127.5 - 1
def pick(n: int, m: int) -> Tensor: return torch.randint(0, m, (n,), device=dev)
def energy(t: Tensor, pool: int = 8) -> Tensor: return F.avg_pool2d((t - F.avg_pool2d(F.pad(t, (1, 1, 1, 1), mode="replicate"), 3, 1)).abs(), pool)

# --- pictures
@torch.no_grad()
def labels(x: Tensor) -> Tensor:
    out = []
    for p in x.split(64): out.append(F.interpolate(parser(p).float(), size=(256, 256), mode="bilinear", align_corners=False).argmax(1).byte())
    return torch.cat(out)
@torch.no_grad()
def answer(x: Tensor) -> tuple[Tensor, Tensor]:
    """Codes of photos as the studio answers them, and the previews that the residual is shown."""
    cs, ys = [], []
    for p in x.split(64):
        c = psp.encode(p); cs.append(c); ys.append(heads(gen, c, 256))
    return torch.cat(cs), torch.cat(ys)
def draw(n: int) -> Tensor:
    class m: map = staticmethod(psp.map); w_avg = mean[0]
    with torch.no_grad(): return data.draw(m, n, dev)
train, val = (data.photos(f"{HERE}/photo256.zip", k) for k in ("train", "val"))
if SMALL: train, val = train[:12], val[:2]
train, val = train.to(dev), val.to(dev); vx = real(val)
train_m = labels(real(train))

def far(x: Tensor) -> Tensor:
    n = len(x); a, z = data.rand(n, -3.1, 3.1, dev), torch.exp(data.rand(n, -1.6, 0.1, dev)); tx, ty = data.rand(n, -0.6, 0.6, dev), data.rand(n, -0.6, 0.6, dev)
    m = torch.stack([torch.stack([z * a.cos(), -z * a.sin(), tx], 1), torch.stack([z * a.sin(), z * a.cos(), ty], 1)], 1)
    y = F.grid_sample(x, F.affine_grid(m, list(x.shape), align_corners=False), mode="bilinear", padding_mode="reflection", align_corners=False)
    order = torch.stack([torch.randperm(3, device=dev) for _ in range(n)])
    y = torch.gather(y, 1, order[:, :, None, None].expand_as(y)) * torch.where(torch.rand(n, 3, 1, 1, device=dev) < 0.15, -1.0, 1.0)
    return y * (0.6 + 0.4 * torch.rand(n, 1, 1, 1, device=dev)) + data.rand(n, -0.25, 0.25, dev)[:, None, None, None]
def patterns(n: int, side: int) -> Tensor:
    g = (torch.arange(side, device=dev) + 0.5) / side - 0.5; v, u = torch.meshgrid(g, g, indexing="ij")
    a = data.rand(n, -3.1, 3.1, dev)[:, None, None]; s = u * a.cos() + v * a.sin(); t = v * a.cos() - u * a.sin()
    f = torch.exp(data.rand(n, 1.5, 5.2, dev))[:, None, None]; sharp = torch.exp(data.rand(n, 0, 2.5, dev))[:, None, None]
    stripe = torch.tanh(sharp * torch.sin(f * s)); check = torch.where((torch.rand(n, device=dev) < 0.5)[:, None, None], torch.tanh(sharp * torch.sin(f * t)), 1.0)
    kind = torch.rand(n, 1, 1, device=dev); p = torch.where(kind < 0.45, stripe * check, torch.where(kind < 0.8, 2 * s, 0.0))[:, None]
    c0, c1 = data.rand(n * 3, -0.95, 0.95, dev).view(n, 3, 1, 1), data.rand(n * 3, -0.95, 0.95, dev).view(n, 3, 1, 1)
    return 0.5 * (c0 + c1) + 0.5 * (c0 - c1) * p
def texture(n: int, src: Tensor) -> Tensor:
    side = src.shape[-1]
    return torch.where((torch.rand(n, 1, 1, 1, device=dev) < 0.6), far(src), patterns(n, side)).clamp(-1, 1)
def shapes(n: int, side: int, where: str) -> Tensor:
    g = (torch.arange(side, device=dev) + 0.5) / side; v, u = torch.meshgrid(g, g, indexing="ij"); u, v = u[None], v[None]
    one = lambda lo, hi: data.rand(n, lo, hi, dev)[:, None, None]
    if where == "hat":
        level = one(0.14, 0.36) + one(-0.5, 0.9) * (u - 0.5).square() + one(-0.15, 0.15) * (u - 0.5)
        cut = torch.where(torch.rand(n, 1, 1, device=dev) < 0.5, (u - 0.5).abs() - one(0.28, 0.7), -1.0)
        d = torch.maximum(v - level, cut)
    else:
        a = one(-3.1, 3.1); r = one(0.40, 0.66); cu, cv = 0.5 + r * a.cos(), 0.55 + r * a.sin(); t = one(-3.1, 3.1)
        s, w = (u - cu) * t.cos() + (v - cv) * t.sin(), (v - cv) * t.cos() - (u - cu) * t.sin()
        p = torch.exp(one(0.4, 2.2)); ru, rv = torch.exp(one(-3.2, -1.1)), torch.exp(one(-2.8, -0.9))
        d = (((s.abs() / ru + 1e-4) ** p + (w.abs() / rv + 1e-4) ** p) ** (1 / p) - 1) * torch.minimum(ru, rv)
        d = d + 0.012 * torch.sin(one(10, 60) * s + one(0, 6)) * (torch.rand(n, 1, 1, device=dev) < 0.4)
    return torch.sigmoid(-d / one(0.002, 0.006))[:, None]
@torch.no_grad()
def paste(x: Tensor, m: Tensor) -> Tensor:
    """Pictures with other backgrounds, hats and things at their margins."""
    n, side = len(x), x.shape[-1]; kind = lambda p: (torch.rand(n, 1, 1, 1, device=dev) < p).float()
    behind = F.avg_pool2d((m == 0).float()[:, None], 5, 1, 2)
    if side > 256: behind = F.interpolate(behind, size=(side, side), mode="bicubic", align_corners=False).clamp(0, 1)
    head = 1 - behind; src = x.roll(1, 0)  # pieces of its neighbours: as sharp as itself
    def lay(x, mask): t = texture(n, src); return x + mask * (t - x)
    x = lay(x, behind * kind(0.3))
    hat = shapes(n, side, "hat"); inside = kind(0.5)
    x = lay(x, hat * torch.where(inside > 0, (head * 1.2).clamp(0, 1), 1.0) * kind(0.22))
    for p in (0.4, 0.2): x = lay(x, shapes(n, side, "edge") * kind(p))
    return x
@torch.no_grad()
def live(x: Tensor) -> tuple[Tensor, Tensor]:
    """What an input looks like, and what is wanted of it: cameras' light and colours are to be kept, JPEG and noise are not."""
    n = len(x); one = lambda lo, hi: data.rand(n, lo, hi, dev)[:, None, None, None]
    flag = lambda p: torch.rand(n, 1, 1, 1, device=dev) < p
    g = (rows - 0.5); ramp = one(-0.7, 0.7) * g[None, None, :, None] + one(-0.7, 0.7) * g[None, None, None, :]
    x = torch.where(flag(0.25), ((x + 1) * torch.exp(ramp) - 1).clamp(-1, 1), x)
    x = torch.where(flag(0.2), ((x + 1) * torch.exp(data.rand(n * 3, -0.3, 0.2, dev).view(n, 3, 1, 1)) - 1).clamp(-1, 1), x)
    x = torch.where(flag(0.06), x.mean(1, keepdim=True).expand_as(x), x)
    x = torch.where(flag(0.06), data.scaled(x, int(torch.randint(110, 230, ()))), x)
    y = torch.where(flag(0.2), data.jpeg(x), x); y = y + torch.randn_like(y) * one(-0.06, 0.03).clamp_min(0)
    return y.clamp(-1, 1), x
@torch.no_grad()
def new_photos(n: int) -> tuple[Tensor, Tensor]:
    i = pick(n, len(train)); x = real(train[i]); x = torch.where(torch.rand(n, 1, 1, 1, device=dev) < 0.4, paste(x, train_m[i]), x)
    k = n // 4 * 3
    x = torch.cat([data.warp(x[:k], 0.05, 0.04, 0.03, mirror=True), data.warp(x[k:], 0.15, 0.12, 0.06, mirror=True)])
    return live(data.colour(x.clamp(-1, 1), 0.9))

# --- measuring, on the product's own path in float32
@torch.no_grad()
def exactly(net, x: Tensor, c: Tensor, y: Tensor) -> Tensor:
    out = []
    for p, q, r in zip(x.split(4), c.split(4), y.split(4)):
        a = net.additions(*net.details(p, r, gen.features(q, 64))); out.append(gen(q, None, a).clamp(-1, 1))
    return torch.cat(out)
band = lambda x: (x - F.interpolate(h2(x), scale_factor=2, mode="bilinear", align_corners=False)).abs().mean()
@torch.no_grad()
def measure(name: str, net, n: int = 100, **more) -> None:
    tot = {}; n = min(n, len(vx))
    for i in range(0, n, 4):
        x, c, y = vx[i:i + 4], vc[i:i + 4], vy[i:i + 4]; z = gen(c).clamp(-1, 1) if net is None else exactly(net, x, c, y); s = F.avg_pool2d(z, 4)
        one = {"lpips": lp(s, x).mean(), "dlib": dl(s, x).mean(), "mse": (s - x).square().mean(), "band1024": band(z), "band512": band(h2(z)), "band256": band(s), "photo256": band(x)}
        for k, v in one.items(): tot[k] = tot.get(k, 0.0) + float(v) * len(x) / n
    note(judge=name, **r4(tot), **more)
@torch.no_grad()
def sheet(name: str, nets: list, which: list[int]) -> None:
    """Photo, codes alone, then each network: 1024 px, the middle 560 rows."""
    lines = []
    for i in which:
        x, c, y = vx[i:i + 1], vc[i:i + 1], vy[i:i + 1]
        cells = [F.interpolate(x, size=(1024, 1024), mode="bicubic"), gen(c)] + [exactly(n, x, c, y) for n in nets]
        lines.append(torch.cat([t[0, :, 200:840, 100:924] for t in cells], 2))
    Image.fromarray(byte(torch.cat(lines, 1).clamp(-1, 1)).permute(1, 2, 0).cpu().numpy()).save(f"{OUT}/{name}.jpg", quality=90)
shown = [i for i in (0, 16, 32, 48, 64, 80, 7, 23) if i < len(vx)]

class Disc(nn.Module):
    """Scores of small places of crops, at one size."""
    def __init__(self, w: int = 64) -> None:
        super().__init__()
        self.c = nn.ModuleList([nn.Conv2d(3, w, 4, 2, 1), nn.Conv2d(w, 2 * w, 4, 2, 1), nn.Conv2d(2 * w, 4 * w, 4, 2, 1), nn.Conv2d(4 * w, 4 * w, 3, 1, 1), nn.Conv2d(4 * w, 1, 3, 1, 1)])
        for m in self.c: nn.init.kaiming_normal_(m.weight, 0.2); nn.init.zeros_(m.bias)
        nn.init.normal_(self.c[-1].weight, std=0.01)
    def forward(self, x: Tensor) -> Tensor:
        for m in self.c[:-1]: x = F.leaky_relu(m(x), 0.2)
        return self.c[-1](x).float()
CUT = 64 if SMALL else 256
def crops(x: Tensor, each: int = 2) -> Tensor:
    """``each`` crops of each picture, more of them in the middle."""
    out, m = [], x.shape[-1] - CUT
    for one in x:
        for _ in range(each):
            y, z = (int((m * (0.5 + 0.5 * (2 * a - 1))).round()) for a in torch.rand(2).tolist()) if False else (int(m * (0.15 + 0.7 * a)) for a in torch.rand(2).tolist())
            out.append(one[:, y:y + CUT, z:z + CUT])
    return torch.stack(out)

class Ema:
    def __init__(self, m: nn.Module, decay: float) -> None:
        self.m, self.copy, self.decay, self.n = m, copy.deepcopy(m).eval().requires_grad_(False), decay, 0
        self.a = [t for t in self.copy.parameters()]
    @torch.no_grad()
    def step(self) -> None:
        self.n += 1; torch._foreach_lerp_(self.a, [t.detach() for t in self.m.parameters()], 1 - min(self.decay, (1 + self.n) / (10 + self.n)))

begin = time.time()
vc, vy = answer(vx); old = load_residual().to(dev)
measure("quick", None, 40); measure("old", old)
# banks
bank: dict[str, Tensor] = {k: torch.zeros(P, 3, 256, 256, dtype=torch.uint8, device=dev) for k in ("in", "want", "made")}; bank["codes"] = torch.zeros(P, 23, 512, dtype=torch.float16, device=dev)
@torch.no_grad()
def renew(i: Tensor) -> None:
    x, want = new_photos(len(i)); 
    with amp(): c, y = answer(x)
    bank["in"][i], bank["want"][i], bank["made"][i], bank["codes"][i] = byte(x), byte(want), byte(y.float()), c.half()
for a in range(0, P, 64):
    renew(torch.arange(a, min(P, a + 64), device=dev))
    if time.time() - begin > SECONDS * 0.10: P = a + 64; break
P = min(P, len(bank["in"])); say("photos", P)
begin2 = time.time()
sx = torch.zeros(S, 3, 1024, 1024, dtype=torch.uint8, device=dev); s_in, s_made = (torch.zeros(S, 3, 256, 256, dtype=torch.uint8, device=dev) for _ in range(2)); sc, st = (torch.zeros(S, 23, 512, dtype=torch.float16, device=dev) for _ in range(2))
for a in range(0, S, K):
    with torch.no_grad():
        t = draw(K); x = full(plainly(t)).float().clamp(-1, 1); q = F.avg_pool2d(x, 4); m = labels(q)
        x = torch.where(torch.rand(K, 1, 1, 1, device=dev) < 0.45, paste(x, m), x).clamp(-1, 1); q = F.avg_pool2d(x, 4)
        want = q; q = torch.where(torch.rand(K, 1, 1, 1, device=dev) < 0.2, data.jpeg(q), q)
        with amp(): c, y = answer(q)
        b = min(S, a + K); n = b - a
        sx[a:b], s_in[a:b], s_made[a:b], sc[a:b], st[a:b] = byte(x)[:n], byte(q)[:n], byte(y.float())[:n], c[:n].half(), t[:n].half()
    if time.time() - begin2 > SECONDS * 0.10: S = b; break
say("large", S)

net = copy.deepcopy(old).train()
for n_, p in net.named_parameters(): p.requires_grad_(True)
net.to(memory_format=torch.channels_last); ema = Ema(net, 0.998); params = list(net.parameters())
opt = torch.optim.AdamW(params, lr=env("LR", 4e-4), betas=(0.9, 0.99), weight_decay=1e-4, fused=gpu)
discs = nn.ModuleList([Disc(), Disc()]).to(dev).to(memory_format=torch.channels_last)
dopt = torch.optim.Adam(discs.parameters(), lr=env("DLR", 4e-4), betas=(0.0, 0.99), fused=gpu)
WEIGHT, WARM, R1 = env("GAN", 0.5), 5 if SMALL else env("WARM", 150), env("R1", 1.0)
ratio, step, start = None, 0, time.time(); end = T0 + SECONDS - (3 if SMALL else env("TAIL", 45.0)); saved = time.time()
def store() -> None:
    t = {k: v.detach().float().cpu().contiguous() for k, v in ema.copy.state_dict().items()}; save_file({k: v.contiguous() for k, v in to_int8(t).items()}, f"{OUT}/residual.safetensors")
ks = {0: "photo", 1: "large", 2: "edited"}
try:
  while time.time() < end or step < env("MIN", 0):
    if step % 4 == 3: renew(pick(16 if not SMALL else 4, P))
    A = K; B = K - K // 4; E = K // 4  # photos; large and edited ones fill the second chunk
    with torch.no_grad():
        i, j, e = pick(A, P), pick(B, S), pick(E, P)
        x = torch.cat([real(bank["in"][i]), real(s_in[j]), real(bank["in"][e])]); made = torch.cat([real(bank["made"][i]), real(s_made[j]), real(bank["made"][e])])
        wide = real(sx[j]); want = torch.cat([real(bank["want"][i]), F.avg_pool2d(wide, 4)])
        c = torch.cat([bank["codes"][i], sc[j], bank["codes"][e]]).float(); ce = c.clone()
        amount = torch.randn(E, device=dev).clamp(-1.2, 1.2); ce[-E:] += amount[:, None, None] * ways[pick(E, len(ways))]
        f = fronts(c); fe = torch.cat([f[:-E], padded(fronts(ce[-E:]))[:E]])
        keep = torch.ones(len(x), 1, 64, 64, device=dev); keep[-E:] = net.kept(f[-E:].float(), fe[-E:].float())
        truth = torch.cat([c[: K // 2], st[pick(K - K // 2, S)].float()])
        r = full(plainly(truth)).float()
    with amp(): u, v = net.details(x.contiguous(memory_format=torch.channels_last), made.contiguous(memory_format=torch.channels_last), f.float())
    u = u.float() * keep; v = v.float() * F.interpolate(keep, scale_factor=2, mode="bilinear", align_corners=False)
    with amp(): added = net.additions(u, v)
    a, b = added[64].float(), added[128].float()
    a_, b_ = a.detach().requires_grad_(), b.detach().requires_grad_()
    w = wave(fe, ce, a_, b_); made1024 = full(w).float()
    # likeness
    out = at256(w[:-E]); d = out - want
    pixels = ((d.square() + 0.5 * d.abs()) * mild).mean()
    with amp(): l2 = lp(out, want).mean(); l1 = lp(h2(out), h2(want)).mean(); ident = dl(out, want).mean()
    sharp = (energy(out) - energy(want)).abs().mean()
    wb = w[A:A + B].float(); goal = wide
    with amp():
        y0, x0 = (int(q) for q in torch.randint(128, 640 if not SMALL else 641, (2,))); cut = lambda t, s=256: t[..., y0:y0 + s, x0:x0 + s]
        close = lp(cut(made1024[A:A + B]), cut(goal)).mean(); mid = lp(at512(wb)[..., 128:384, 128:384], h2(goal)[..., 128:384, 128:384]).mean()
    fine = (energy(made1024[A:A + B], 16) - energy(goal, 16)).abs().mean(); wide_l1 = (h2(made1024[A:A + B]) - h2(goal)).abs().mean()
    rec = pixels + l2 + 0.4 * l1 + 0.4 * ident + sharp + 0.15 * close + 0.2 * mid + 0.5 * fine + 0.2 * wide_l1
    # the discriminators
    f1, f2 = crops(made1024, 2), crops(h2(made1024), 1)
    if step < WARM or step % 1 == 0:
        rs = [crops(r, 4).requires_grad_(), crops(h2(r), 2).requires_grad_()]; dloss, gap = 0.0, []
        for D, real_, fake in zip(discs, rs, (f1, f2)):
            with amp(): dr, df = D(real_.contiguous(memory_format=torch.channels_last)), D(fake.detach().contiguous(memory_format=torch.channels_last))
            dloss = dloss + F.softplus(-dr).mean() + F.softplus(df).mean(); gap.append((dr.mean() - df.mean()).item() if step % 50 == 0 else 0)
            if step % 8 == 0:
                small_ = real_[:16].detach().requires_grad_(); s_ = D(small_); (g_,) = torch.autograd.grad(s_.sum() / math.sqrt(s_[0].numel()), small_, create_graph=True)
                dloss = dloss + 8 * R1 * 0.5 * 0.01 * g_.square().sum((1, 2, 3)).mean()
        dopt.zero_grad(set_to_none=True); dloss.backward(); dopt.step()
    gan = 0.0
    discs.requires_grad_(False)
    for D, fake in zip(discs, (f1, f2)):
        with amp(): gan = gan + F.softplus(-D(fake.contiguous(memory_format=torch.channels_last))).mean()
    discs.requires_grad_(True)
    if step % 25 == 0 and step >= WARM or ratio is None:
        g1 = torch.autograd.grad(rec, [a_, b_], retain_graph=True); g2 = torch.autograd.grad(gan, [a_, b_], retain_graph=True)
        n1, n2 = (sum(q.square().sum() for q in g).sqrt() for g in (g1, g2)); now = float(n1 / n2.clamp_min(1e-12)); ratio = now if ratio is None or step <= WARM + 25 else 0.8 * ratio + 0.2 * now
    on = 0.0 if step < WARM else min(1.0, (step - WARM) / 100)
    loss = rec + on * WEIGHT * min(ratio, 10.0) * gan
    ga, gb = torch.autograd.grad(loss, [a_, b_])
    size = 0.5 * (u.abs().mean() + v.abs().mean())
    big = 0.02 * 0.5 * ((a / net.spread64[:, None, None]).abs().mean() + (b / net.spread128[:, None, None]).abs().mean()) + 0.008 * 0.5 * ((a / net.spread64[:, None, None]).square().mean() + (b / net.spread128[:, None, None]).square().mean())
    opt.zero_grad(set_to_none=True); ((a * ga).sum() + (b * gb).sum() + big).backward()
    norm = torch.nn.utils.clip_grad_norm_(params, 1.0, foreach=True)
    p_ = min(1.0, (time.time() - start) / max(end - start, 1e-6)); lr = env("LR", 4e-4) * min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * p_)))
    for g in opt.param_groups: g["lr"] = lr
    if torch.isfinite(norm): opt.step()
    ema.step(); step += 1
    if step in (1, 5, 20) or step % 50 == 1:
        note(step=step, **r4({"rec": rec, "pix": pixels, "lp": l2, "id": ident, "sharp": sharp, "close": close, "mid": mid, "fine": fine, "wide": wide_l1, "gan": gan, "dloss": dloss, "gap0": gap[0], "gap1": gap[1], "ratio": ratio, "norm": norm, "size": size}))
    if time.time() - saved > 90: store(); saved = time.time(); measure("so far", ema.copy, 20, step=step)
except Exception: note(failed=True, why=traceback.format_exc()[-1800:])
store()
new = load_residual().to(dev); from safetensors.torch import load_file
new.load_state_dict({k: v.to(dev) for k, v in from_int8("residual", load_file(f"{OUT}/residual.safetensors")).items()})
note(done=step, mem=round(torch.cuda.max_memory_allocated() / 2**30, 1) if gpu else 0)
measure("new", new)
sheet("sheet", [old, new], shown)
note(end=True)
