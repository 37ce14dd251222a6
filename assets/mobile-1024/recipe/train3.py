"""The third window on a GPU, by the clock: hats for encode, the feature residual, super-resolution in a loop, maps.

    python train3.py SECONDS SET OUT

SET: mobile32, dlib, bisenet, lpips-alex (.safetensors), photo256.zip, weights/. TMP (T3): what a first, short call leaves for the second.
"""
from __future__ import annotations
import copy, json, math, os, sys, time, traceback
T0 = time.time()
SECONDS, SET, OUT = float(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.path[:0] = [os.environ.get("ROOT", os.getcwd()), os.path.dirname(os.path.abspath(__file__))]
SMALL = bool(os.environ.get("SMALL"))
import numpy as np, torch, torch.nn.functional as F
from torch import Tensor, nn
from safetensors.torch import load_file, save_file
from PIL import Image
import data
from mobile import Mobile, inverse_haar
from nets import Encoder, Refine, Seer, BiSeNet, unpack, TO_OURS
from nets3 import Residual, front, later, haar
from psp.checkpoints.quantize import from_int8, to_int8
from psp.losses.lpips import LPIPS

dev = torch.device("cuda" if torch.cuda.is_available() else "cpu"); gpu = dev.type == "cuda"
TMP = "T3"; os.makedirs(TMP, exist_ok=True); os.makedirs(OUT, exist_ok=True)
torch.manual_seed(31); torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
torch.backends.cudnn.benchmark = False
amp = lambda: torch.autocast(dev.type, torch.bfloat16)
N, H, C, K = (24, 8, 2, 2) if SMALL else (int(os.environ.get("BANK", 20000)), 2048, 32, 16)
MIN = int(os.environ.get("MIN", "0"))
log = open(f"{OUT}/log.txt", "w")
def say(*a): print(f"[{time.time() - T0:6.1f}]", *a, flush=True)
def note(**k): log.write(json.dumps({"t": round(time.time() - T0, 1), **k}) + "\n"); log.flush(); say(k)
def r4(d): return {k: round(float(v), 4) for k, v in d.items()}

gen = Mobile(); gen.load_state_dict(load_file(f"{SET}/mobile32.safetensors")); gen.requires_grad_(False).to(dev)
seer = Seer(); seer.network.load_state_dict({k: v.float() for k, v in load_file(f"{SET}/dlib.safetensors").items()}); seer.to(dev)
lp = LPIPS(load_file(f"{SET}/lpips-alex.safetensors")).to(dev)
bise = BiSeNet(); bise.load_state_dict(unpack(load_file(f"{SET}/bisenet.safetensors")), strict=False); bise.eval().requires_grad_(False).to(dev)
def weights(name: str) -> dict:
    p = f"{SET}/weights/{name}.safetensors"
    return {k: v.float() for k, v in from_int8(name, load_file(p)).items()} if os.path.exists(p) else {}
enc, ref = Encoder(), Refine()
say(enc.load_state_dict({**weights("encode-body"), **weights("encode-heads")}, strict=False)); ref.load_state_dict(weights("refine"))
enc.to(dev).eval().requires_grad_(False); ref.to(dev).eval().requires_grad_(False)
mean = gen.w_avg

if gpu: torch._dynamo.config.automatic_dynamic_shapes = False
fast = (lambda f: torch.compile(f, dynamic=False)) if gpu else (lambda f: f)
way = fast(lambda c: gen(c, 256, torch.bfloat16))
front_ = fast(lambda c: front(gen, c, torch.bfloat16))
later_ = fast(lambda x, c, a, b: later(gen, x, c, a, b, torch.bfloat16))
def decode(codes: Tensor) -> Tensor:
    with torch.autocast(dev.type, enabled=False): return torch.cat([way(c.float().contiguous()) for c in codes.split(C)])
def padded(x: Tensor, k: int) -> Tensor:
    m = -len(x) % k
    return torch.cat([x, x[-1:].expand(m, *x.shape[1:])]) if m else x
@torch.no_grad()
def paint(codes: Tensor) -> Tensor: return decode(padded(codes.float(), C))[:len(codes)].clamp(-1, 1)
@torch.no_grad()
def fronts(codes: Tensor) -> Tensor:
    with torch.autocast(dev.type, enabled=False): return torch.cat([front_(c.contiguous()) for c in padded(codes.float(), K).split(K)])[:len(codes)]
def wave(f: Tensor, codes: Tensor, a: Tensor, b: Tensor) -> Tensor:
    with torch.autocast(dev.type, enabled=False): return torch.cat([later_(*(t.contiguous() for t in g)) for g in zip(f.split(K), codes.float().split(K), a.float().split(K), b.float().split(K))])
@torch.no_grad()
def large(codes: Tensor, made=None, photo=None, net=None) -> Tensor:
    """Wavelet coefficients [B,12,512,512] of codes, in the way the training compiles; with the residual where there is one."""
    out = []
    for i in range(0, len(codes), K):
        c = padded(codes[i:i + K], K); f = fronts(c); n = len(codes[i:i + K])
        if net is None: a, b = torch.zeros(K, 512, 64, 64, device=dev), torch.zeros(K, 256, 128, 128, device=dev)
        else:
            with amp(): a, b = net(padded(photo[i:i + K], K), padded(made[i:i + K], K), f)
        with torch.enable_grad(): w = wave(f, c, a.float().requires_grad_(), b.float().requires_grad_()).detach()
        out.append(w[:n].half())
    return torch.cat(out)
small = lambda w: F.avg_pool2d(w[:, :3].float() / 2, 2)

affines = [gen.first.affine] + [a for k in range(7) for a in (gen.ups[k], gen.c1[k].affine, gen.c2[k].affine)] + [gen.rgb_affine]
with torch.no_grad():
    sample = torch.cat([data.draw(gen, 512, dev) for _ in range(1 if SMALL else 8)])
    spread = [F.linear(sample[:, i], a.weight).var(0).mean() for i, a in enumerate(affines)]; plain = sample.var(0).mean(1); del sample
def code_loss(codes: Tensor, wanted: Tensor, each_weight: Tensor | None = None):
    e = codes.float() - wanted
    with amp(): s = [F.linear(e[:, i], a.weight) for i, a in enumerate(affines)]
    behind = torch.stack([x.float().square().mean() / v for x, v in zip(s, spread)])
    w = torch.ones(23, device=dev) if each_weight is None else each_weight
    return (behind * w).mean() + 0.1 * (w * e.square().mean((0, 2)) / plain).mean(), behind.detach()
def groups(each): return {"coarse": each[:4].mean(), "medium": each[4:10].mean(), "fine": each[10:].mean()}
rows = (torch.arange(256, device=dev) + 0.5) / 256
bell = torch.exp(-(((rows - 0.55)[:, None] ** 2 + (rows - 0.5)[None] ** 2) / (2 * 0.22**2)))
focus = 1 + 1.2 * bell; focus = focus / focus.mean()
half_ = lambda t: F.avg_pool2d(t, 2)
def distance(a: Tensor, b: Tensor) -> Tensor: return (a - b).square().sum(1).add(1e-6).sqrt().mean()
def picture_loss(made: Tensor, wanted: Tensor, ident: float, goal=None, weight: Tensor | None = None, soft: float = 0.0):
    d = made - wanted
    pixels = ((d.square() + 0.5 * d.abs()) * (focus if weight is None else weight)).mean()
    with amp():
        l2 = lp(made, wanted).mean(); l1 = lp(half_(made), half_(wanted)).mean()
        mine = seer(made)
        with torch.no_grad(): theirs = seer(wanted) if goal is None else goal
    i = distance(mine[1], theirs[1]); loss = pixels + l2 + 0.4 * l1 + ident * i; terms = {"pix": pixels, "lp256": l2, "lp128": l1, "id": i}
    if soft:
        s = F.smooth_l1_loss(enc.norm(mine[0].float()), enc.norm(theirs[0].float())); loss = loss + soft * s; terms["seen"] = s
    return loss, terms
class Ema:
    def __init__(self, m: nn.Module, decay: float) -> None:
        self.m, self.copy, self.decay, self.n = m, copy.deepcopy(m).eval().requires_grad_(False), decay, 0
        self.a = [t for t in self.copy.state_dict().values() if t.is_floating_point()]
    @torch.no_grad()
    def step(self) -> None:
        self.n += 1
        torch._foreach_lerp_(self.a, [t for t in self.m.state_dict().values() if t.is_floating_point()], 1 - min(self.decay, (1 + self.n) / (10 + self.n)))
def optimizer(g): return torch.optim.AdamW(g, betas=(0.9, 0.99), weight_decay=1e-4, fused=gpu)
def rate(start: float, end: float, warm: int, step: int) -> float:
    p = min(1.0, (time.time() - start) / max(end - start, 1e-6))
    return min(1.0, (step + 1) / warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * p)))
def finish(opt, loss, params, base, factor):
    opt.zero_grad(set_to_none=True); loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(params, 1.0, foreach=True)
    for g, b in zip(opt.param_groups, base): g["lr"] = b * factor
    if torch.isfinite(norm): opt.step()
    return norm
def shown_now(step: int, every: int = 100) -> bool: return step in (1, 5, 20) or step % every == 0
def store(name: str, tensors: dict) -> dict:
    t = {k: v.detach().float().cpu().contiguous() for k, v in tensors.items() if v.is_floating_point()}
    q = {k: v.contiguous() for k, v in to_int8(t).items()}; save_file(q, f"{OUT}/{name}.safetensors")
    return {k: v.float().to(dev) for k, v in from_int8(name, q).items()}

# --- pictures: the bank, photos
order = torch.tensor(TO_OURS, device=dev)
@torch.no_grad()
def labels(x: Tensor) -> Tensor:
    out = []
    for p in x.split(64):
        with amp(): l = bise(F.interpolate(p, size=(512, 512), mode="bilinear", align_corners=False))
        o = torch.empty_like(l); o[:, order] = l
        out.append(F.interpolate(o, size=(256, 256), mode="bilinear", align_corners=False).argmax(1).byte())
    return torch.cat(out)
byte = lambda x: ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
real = lambda x: x.float() / 127.5 - 1
if os.path.exists(f"{TMP}/bank.pt") and not SMALL:
    bank_x, bank_c, bank_m = torch.load(f"{TMP}/bank.pt", map_location=dev); N = len(bank_x); say("bank loaded", N)
else:
    bank_x = torch.zeros(N, 3, 256, 256, dtype=torch.uint8, device=dev); bank_c = torch.zeros(N, 23, 512, dtype=torch.float16, device=dev); bank_m = torch.zeros(N, 256, 256, dtype=torch.uint8, device=dev)
    for a in range(0, N, 256):
        b = min(N, a + 256); c = data.draw(gen, b - a, dev); bank_x[a:b] = byte(paint(c)); bank_c[a:b] = c.half()
    say("painted")
    for a in range(0, N, 256): bank_m[a:a + 256] = labels(real(bank_x[a:a + 256]))
    if not SMALL: torch.save((bank_x, bank_c, bank_m), f"{TMP}/bank.pt")
    say("bank", N)
T = N - H  # the last H are kept aside
share = lambda k: torch.cat([(m == k).float().mean((1, 2)) for m in bank_m.split(1024)])
hats, glasses, rings = share(14), share(3), share(15)
hat_train = torch.where(hats[:T] > 0.03)[0]; thing_train = torch.where((hats[:T] > 0.03) | (glasses[:T] > 0.008) | (rings[:T] > 0.0008))[0]
hat_held = torch.where(hats[T:] > 0.04)[0][:128] + T
if SMALL and len(hat_held) < 2: hat_held = torch.arange(T, T + 2, device=dev)
if len(hat_train) < 2: hat_train = thing_train = torch.arange(T, device=dev)
zip_ = f"{SET}/photo256.zip"
if os.path.exists(zip_): train, val = data.photos(zip_, "train").to(dev), data.photos(zip_, "val").to(dev)
else: train, val = bank_x[:200].clone(), bank_x[-32:].clone()  # the first call has no room for the photos
if SMALL: train, val = train[:12], val[:4]
train_m, val_m = labels(real(train)), labels(real(val)); vx = real(val)
note(loaded=len(train), val=len(val), bank=N, hats=len(hat_train), things=len(thing_train), held=len(hat_held), device=torch.cuda.get_device_name() if gpu else "cpu")
def pick(n: int, m: int) -> Tensor: return torch.randint(0, m, (n,), device=dev)

def far(x: Tensor) -> Tensor:
    """Pieces of pictures, anyhow turned, enlarged and coloured: textures to paste."""
    n = len(x); a, z = data.rand(n, -3.1, 3.1, dev), torch.exp(data.rand(n, -1.6, 0.1, dev)); tx, ty = data.rand(n, -0.6, 0.6, dev), data.rand(n, -0.6, 0.6, dev)
    m = torch.stack([torch.stack([z * a.cos(), -z * a.sin(), tx], 1), torch.stack([z * a.sin(), z * a.cos(), ty], 1)], 1)
    y = F.grid_sample(x, F.affine_grid(m, list(x.shape), align_corners=False), mode="bilinear", padding_mode="reflection", align_corners=False)
    order = torch.stack([torch.randperm(3, device=dev) for _ in range(n)])
    y = torch.gather(y, 1, order[:, :, None, None].expand_as(y)) * torch.where(torch.rand(n, 3, 1, 1, device=dev) < 0.15, -1.0, 1.0)
    return y * (0.6 + 0.4 * torch.rand(n, 1, 1, 1, device=dev)) + data.rand(n, -0.25, 0.25, dev)[:, None, None, None]
def patterns(n: int, side: int) -> Tensor:
    """Plain colours with stripes, checks or gradients."""
    g = (torch.arange(side, device=dev) + 0.5) / side - 0.5; v, u = torch.meshgrid(g, g, indexing="ij")
    a = data.rand(n, -3.1, 3.1, dev)[:, None, None]; s = u * a.cos() + v * a.sin(); t = v * a.cos() - u * a.sin()
    f = torch.exp(data.rand(n, 1.5, 5.2, dev))[:, None, None]; sharp = torch.exp(data.rand(n, 0, 2.5, dev))[:, None, None]
    stripe = torch.tanh(sharp * torch.sin(f * s)); check = torch.where((torch.rand(n, device=dev) < 0.5)[:, None, None], torch.tanh(sharp * torch.sin(f * t)), 1.0)
    kind = torch.rand(n, 1, 1, device=dev); p = torch.where(kind < 0.45, stripe * check, torch.where(kind < 0.8, 2 * s, 0.0))[:, None]
    c0, c1 = data.rand(n * 3, -0.95, 0.95, dev).view(n, 3, 1, 1), data.rand(n * 3, -0.95, 0.95, dev).view(n, 3, 1, 1)
    return 0.5 * (c0 + c1) + 0.5 * (c0 - c1) * p
def texture(n: int, side: int) -> Tensor:
    src = torch.cat([real(bank_x[pick(n - n // 2, T)]), real(train[pick(n // 2, len(train))])])[torch.randperm(n, device=dev)]
    if side > 256: src = F.interpolate(src, size=(side, side), mode="bicubic", align_corners=False)
    return torch.where((torch.rand(n, 1, 1, 1, device=dev) < 0.6), far(src), patterns(n, side)).clamp(-1, 1)
def shapes(n: int, side: int, where: str) -> Tensor:
    """Soft masks [n,1,side,side]: discs, bars and boxes at the margins ("edge"), or what covers the top of a head ("hat")."""
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
def paste(x: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures with other backgrounds, hats and things at their margins; and where (soft)."""
    n, side = len(x), x.shape[-1]; kind = lambda p: (torch.rand(n, 1, 1, 1, device=dev) < p).float()
    behind = (m == 0).float()[:, None]; behind = F.avg_pool2d(behind, 5, 1, 2)
    if side > 256: behind = F.interpolate(behind, size=(side, side), mode="bicubic", align_corners=False).clamp(0, 1)
    head = 1 - behind; covered = torch.zeros_like(behind)
    def lay(x, mask): t = texture(n, side); return x + mask * (t - x), torch.maximum(covered, mask)
    x, covered = lay(x, behind * kind(0.3))
    hat = shapes(n, side, "hat"); inside = kind(0.5)
    x, covered = lay(x, hat * torch.where(inside > 0, (head * 1.2).clamp(0, 1), 1.0) * kind(0.22))
    for p in (0.4, 0.2): x, covered = lay(x, shapes(n, side, "edge") * kind(p))
    return x, covered
@torch.no_grad()
def live(x: Tensor) -> tuple[Tensor, Tensor]:
    """What an input looks like, and what is wanted of it: cameras' light and colours are to be kept, JPEG and noise are not."""
    n = len(x); one = lambda lo, hi: data.rand(n, lo, hi, dev)[:, None, None, None]
    flag = lambda p: torch.rand(n, 1, 1, 1, device=dev) < p
    g = (rows - 0.5); ramp = one(-0.7, 0.7) * g[None, None, :, None] + one(-0.7, 0.7) * g[None, None, None, :]
    lit = ((x + 1) * torch.exp(ramp) - 1).clamp(-1, 1); x = torch.where(flag(0.25), lit, x)
    cast = ((x + 1) * torch.exp(data.rand(n * 3, -0.3, 0.2, dev).view(n, 3, 1, 1)) - 1).clamp(-1, 1); x = torch.where(flag(0.2), cast, x)
    x = torch.where(flag(0.06), x.mean(1, keepdim=True).expand_as(x), x)
    x = torch.where(flag(0.12), data.scaled(x, int(torch.randint(110, 230, ()))), x)  # soft photos stay soft
    y = torch.where(flag(0.2), data.jpeg(x), x); y = y + torch.randn_like(y) * one(-0.06, 0.03).clamp_min(0)
    return y.clamp(-1, 1), x
@torch.no_grad()
def new_photos(n: int) -> tuple[Tensor, Tensor]:
    i = pick(n, len(train)); x = real(train[i]); z, _ = paste(x, train_m[i]); x = torch.where(torch.rand(n, 1, 1, 1, device=dev) < 0.55, z, x)
    k = n // 4 * 3
    x = torch.cat([data.warp(x[:k], 0.05, 0.04, 0.03, mirror=True), data.warp(x[k:], 0.15, 0.12, 0.06, mirror=True)])
    return live(data.colour(x.clamp(-1, 1), 0.9))
@torch.no_grad()
def answer(e, r, x: Tensor, steps: int = 2) -> tuple[list[Tensor], Tensor]:
    """Codes after each correction, and the picture of the last."""
    out = [[] for _ in range(steps + 1)]; pics = []
    for p in x.split(64):
        with amp(): a = e.vectors(p, seer(p)[0]); c = e.codes(a) + mean
        out[0].append(c); y = paint(c)
        for k in range(steps):
            with amp(): c = c + r(e, a, e.vectors(y, seer(y)[0]))
            y = paint(c); out[k + 1].append(c)
        pics.append(y)
    return [torch.cat(o) for o in out], torch.cat(pics)

@torch.no_grad()
def measure(name: str, y: Tensor, x: Tensor, **more) -> dict:
    a, b = (torch.cat([seer(p)[1] for p in t.split(50)]) for t in (x, y)); d = torch.cdist(b, a); n = len(x)
    l = lambda f: torch.cat([lp(f(p), f(q)).view(-1) for p, q in zip(y.split(50), x.split(50))]).mean()
    edge = lambda t: (t - F.avg_pool2d(F.pad(t, (2, 2, 2, 2), mode="reflect"), 5, 1)).abs().mean()
    out = r4({"lpips256": l(lambda t: t), "lpips128": l(half_), "mse128": (half_(y) - half_(x)).square().mean(), "dlib": d.diag().mean(), "wrong": (d.sum() - d.diag().sum()) / (n * n - n), "nearest": (d.argmin(1) == torch.arange(n, device=dev)).float().mean(), "sharpness": edge(y) / edge(x)})
    note(judge=name, **out, **more); return out
@torch.no_grad()
def hat_iou(e, r) -> tuple[float, dict]:
    x = real(bank_x[hat_held]); m = bank_m[hat_held] == 14; _, y = answer(e, r, x); p = labels(y) == 14
    return round(((m & p).sum() / (m | p).sum().clamp_min(1)).item(), 4), measure("hats", y, x)
columns: dict[str, Tensor] = {}; ns = min(14, len(vx))
def sheet(name: str, cols: dict[str, Tensor]) -> None:
    cells = torch.stack([c.float().clamp(-1, 1) for c in cols.values()], 1); n, k = cells.shape[:2]
    image = cells.permute(0, 3, 1, 4, 2).reshape(n * 256, k * 256, 3)
    Image.fromarray(byte(image).cpu().numpy()).save(f"{OUT}/{name}.jpg", quality=88)

begin = time.time(); left = T0 + SECONDS - begin - (12 if gpu else 1)
shares = json.loads(os.environ.get("SHARES", '{"hats":0.11,"residual":0.50,"tiny":0.19,"map":0.19}'))
def window(name: str): now = time.time(); return now, now + left * shares[name]
vc, vy = answer(enc, ref, vx); start_val = measure("start", vy, vx); say("compiled once")

# ===== 1. hats and things: encode's own layers and the correction; trunks and heads stay, since other tasks share them
def part_hats() -> None:
    global enc, ref, vc, vy
    start, end = window("hats"); e, r = copy.deepcopy(enc), copy.deepcopy(ref)
    iou0, before = hat_iou(e, r)
    own = [p for k, p in e.named_parameters() if k.startswith(("e.input_layer", "e.body", "e.l"))]; rp = list(r.parameters())
    for p in own + rp: p.requires_grad_(True)
    e.eval(); r.train(); ema, ema_r = Ema(e, 0.998), Ema(r, 0.998); opt = optimizer([{"params": own}, {"params": rp}]); base = [2e-4, 4e-4]; step = 0; S = C
    while time.time() < end or step < MIN:
        with torch.no_grad():
            i = torch.cat([pick(S // 4, T), hat_train[pick(S // 2, len(hat_train))], thing_train[pick(S - S // 4 - S // 2, len(thing_train))]]); codes = bank_c[i].float(); m = bank_m[i]
            j = pick(C, len(train)); photo = data.colour(data.warp(real(train[j]), 0.05, 0.03, 0.03, mirror=True), 0.8)
            clean = torch.cat([real(bank_x[i]), photo]); inputs = data.degrade(clean)
            thing = F.avg_pool2d(((m == 14) * 3.0 + (m == 3) * 2.0 + ((m == 15) | (m == 16)) * 3.0)[:, None], 5, 1, 2)
            weight = focus * torch.cat([1 + thing, torch.ones_like(thing[:1]).expand(C, -1, -1, -1)]); weight = weight / weight.mean()
            with amp(): seen, goal = seer(inputs)[0], seer(clean)
        with amp(): a = e.vectors(inputs, seen); first = e.codes(a) + mean
        point = first.detach()
        with torch.no_grad():
            y = paint(point)
            if step % 3 == 2:
                with amp(): point = point + r(e, a, e.vectors(y, seer(y)[0]))
                y = paint(point)
            with amp(): sy = seer(y)[0]
        with amp(): out = point + r(e, a, e.vectors(y, sy))
        c0, _ = code_loss(first[:S], codes); c1, each = code_loss(out[:S], codes)
        pl, terms = picture_loss(decode(out), clean, 0.4, goal, weight)
        loss = 0.3 * c0 + 0.3 * c1 + pl + 0.01 * (out[S:] - mean).square().mean() / plain.mean()
        if step % 2 == 0:
            k = torch.arange(0, len(clean), 2, device=dev)
            loss = loss + picture_loss(decode(first[k]), clean[k], 0.4, (goal[0][k], goal[1][k]), weight[k])[0]
        norm = finish(opt, loss, own + rp, base, rate(start, end, 20, step)); ema.step(); ema_r.step(); step += 1
        if shown_now(step): note(part="hats", step=step, **r4({"loss": loss, "c0": c0, "c1": c1, "norm": norm, **groups(each), **terms}))
    e, r = ema.copy, ema_r.copy
    body = lambda k: k.startswith(("e.input_layer", "e.body", "e.l"))
    q = store("encode-body", {k: v for k, v in e.state_dict().items() if body(k)}); e.load_state_dict(q, strict=False)
    r.load_state_dict(store("refine", r.state_dict()), strict=False); e.to(dev); r.to(dev)
    c, y = answer(e, r, vx); after_val = measure("encode after hats", y, vx); iou1, after = hat_iou(e, r)
    better = iou1 > iou0 + 0.005 and after_val["dlib"] <= start_val["dlib"] + 0.003 and after_val["lpips256"] <= start_val["lpips256"] + 0.0015
    note(judge="hats taken" if better else "hats not taken", step=step, iou=[iou0, iou1], lpips=[before["lpips256"], after["lpips256"]], dlib=[before["dlib"], after["dlib"]])
    if better: enc, ref, vc, vy = e, r, c, y

# ===== photos as the encoder answers them: for the residual, and as targets of the two tasks below
P = 8 if SMALL else int(os.environ.get("PHOTOS", 9000))
bank: dict[str, Tensor] = {}
def part_photos() -> None:
    if not bank: bank.update({k: torch.zeros(P, 3, 256, 256, dtype=torch.uint8, device=dev) for k in ("in", "want", "made")}, codes=torch.zeros(P, 23, 512, dtype=torch.float16, device=dev))
    for a in range(0, P, 64): renew(torch.arange(a, min(P, a + 64), device=dev))
def renew(i: Tensor) -> None:
    x, want = new_photos(len(i)); c, y = answer(enc, ref, x)
    bank["in"][i], bank["want"][i], bank["made"][i], bank["codes"][i] = byte(x), byte(want), byte(y), c[-1].half()

def part_residual() -> None:
    start, end = window("residual"); part_photos(); say("photos", P)
    S = 4 if SMALL else int(os.environ.get("LARGE", 2600)); L = min(1024, 1024)
    which = torch.cat([hat_train[pick(S * 2 // 5, len(hat_train))], thing_train[pick(S // 5, len(thing_train))], pick(S - S * 2 // 5 - S // 5, T)]); which = which[torch.randperm(S, device=dev)]
    sx = torch.zeros(S, 3, 1024, 1024, dtype=torch.uint8, device=dev); s_in, s_made = (torch.zeros(S, 3, 256, 256, dtype=torch.uint8, device=dev) for _ in range(2)); s_mask = torch.zeros(S, 1, 256, 256, dtype=torch.uint8, device=dev); sc = torch.zeros(S, 23, 512, dtype=torch.float16, device=dev)
    for a in range(0, S, K):
        i = which[a:a + K]; n = len(i); x = inverse_haar(large(bank_c[i].float()).float()).clamp(-1, 1); z, m = paste(x, bank_m[i])
        on = (torch.rand(n, 1, 1, 1, device=dev) < 0.6).float(); x = x + on * (z - x); sx[a:a + n] = byte(x); s_mask[a:a + n] = (F.avg_pool2d(m * on, 4) * 255).byte()
        q = F.avg_pool2d(x, 4); q = torch.where(torch.rand(n, 1, 1, 1, device=dev) < 0.2, data.jpeg(q), q); c, y = answer(enc, ref, q)
        s_in[a:a + n], s_made[a:a + n], sc[a:a + n] = byte(q), byte(y), c[-1].half()
    say("large", S)
    net = Residual().to(dev)
    with torch.no_grad():
        f = torch.cat([fronts(bank_c[pick(K, T)].float()).float() for _ in range(4)]); net.spread64.copy_(f.std((0, 2, 3)).clamp_min(1e-3))
        g = gen.features(bank_c[pick(K, T)].float(), torch.bfloat16, 5).float(); net.spread128.copy_(g.std((0, 2, 3)).clamp_min(1e-3)); del f, g
    net.to(memory_format=torch.channels_last); ema = Ema(net, 0.998); params = list(net.parameters()); opt = optimizer([{"params": params}]); step = 0
    mild = (1 + 0.5 * bell); mild = mild / mild.mean()
    def energy(t: Tensor) -> Tensor:
        return F.avg_pool2d((t - F.avg_pool2d(F.pad(t, (1, 1, 1, 1), mode="replicate"), 3, 1)).abs(), 8)
    def cuts(a: Tensor, b: Tensor, side: int = 256):
        y, x = (int(torch.randint(0, a.shape[-1] - side + 1, ())) for _ in range(2)); return a[..., y:y + side, x:x + side], b[..., y:y + side, x:x + side]
    def save() -> None: store("residual", ema.copy.state_dict())
    saved = time.time()
    while time.time() < end or step < MIN:
        if step % 8 == 7: renew(pick(C, P))
        two = (0, 1, 0, 2)[step % 4]  # with the photos: more photos, large pictures, edited ones
        with torch.no_grad():
            i = pick(2 * K if two == 0 else K, P); x, want, made, c = real(bank["in"][i]), real(bank["want"][i]), real(bank["made"][i]), bank["codes"][i].float(); ce = c; keep = torch.ones(len(x), 1, 256, 256, device=dev)
            if two:
                j = pick(K, S); c2 = sc[j].float(); sy = real(s_made[j]); wide = real(sx[j]); w2 = F.avg_pool2d(wide, 4); x2 = real(s_in[j]); e2 = c2; k2 = torch.ones(K, 1, 256, 256, device=dev)
                if two == 2:
                    truth, other = bank_c[which[j]].float(), bank_c[pick(K, T)].float(); e2, t2 = c2.clone(), truth.clone(); h = K // 2
                    e2[:h, 10:] = other[:h, 10:]; t2[:h, 10:] = other[:h, 10:]
                    move = 0.6 * (other[h:, 4:10] - mean); e2[h:, 4:10] += move; t2[h:, 4:10] += move
                    w2 = paint(t2); k2 = 1 - F.max_pool2d(s_mask[j].float() / 255, 9, 1, 4)
                x, want, made, c, ce, keep = torch.cat([x, x2]), torch.cat([want, w2]), torch.cat([made, sy]), torch.cat([c, c2]), torch.cat([ce, e2]), torch.cat([keep, k2])
            f = fronts(c)
        with amp(): u, v = net.units(x.contiguous(memory_format=torch.channels_last), made.contiguous(memory_format=torch.channels_last), f)
        if two == 2:
            with torch.no_grad(): f = torch.cat([f[:K], fronts(ce[K:])])
        w = wave(f, ce, u * net.spread64[:, None, None], v * net.spread128[:, None, None])
        half = w[:, :3] / 2; out = F.avg_pool2d(half, 2)
        out = out * keep + want * (1 - keep)
        pl, terms = picture_loss(out, want, 0.4, None, mild)
        sharp = (energy(out) - energy(want)).abs().mean(); size = 0.5 * (u.abs().mean() + v.abs().mean()); square = 0.5 * (u.square().mean() + v.square().mean())
        loss = pl + 1.0 * sharp + 0.02 * size + 0.008 * square; terms.update(sharp=sharp, size=size)
        if two == 1:
            goal = haar(wide); d = (w[K:, 3:] - goal[:, 3:]).abs().mean(); half_goal = goal[:, :3] / 2
            with amp(): close = lp(*cuts(half[K:], half_goal)).mean(); a, b = cuts(torch.cat([w[K:], goal], 1), w[K:], 128); closest = lp(inverse_haar(a[:, :12]), inverse_haar(a[:, 12:])).mean()
            loss = loss + 0.5 * d + 0.25 * close + 0.15 * closest + 0.3 * (half[K:] - half_goal).abs().mean(); terms.update(detail=d, close=close, closest=closest)
        norm = finish(opt, loss, params, [1.2e-3], rate(start, end, 60, step)); ema.step(); step += 1
        if shown_now(step, 200) or step in (101, 102, 104): note(part="residual", kind=two, step=step, **r4({"loss": loss, "norm": norm, **terms}))
        if time.time() - saved > 60: save(); saved = time.time()
    n = ema.copy; n.load_state_dict(store("residual", n.state_dict()), strict=False); n.to(dev)
    with torch.no_grad():
        y = small(large(vc[-1], vy, vx, n)).clamp(-1, 1); measure("residual", y, vx, step=step)
        torch.manual_seed(5); z, _ = paste(vx, val_m); z = z.clamp(-1, 1); cz, yz = answer(enc, ref, z); measure("pasted codes", yz, z); rz = small(large(cz[-1], yz, z, n)).clamp(-1, 1); measure("pasted residual", rz, z)
        hx = real(bank_x[hat_held]); ch, yh = answer(enc, ref, hx); rh = small(large(ch[-1], yh, hx, n)).clamp(-1, 1); m = bank_m[hat_held] == 14; p = labels(rh) == 14
        measure("hats residual", rh, hx, iou=round(((m & p).sum() / (m | p).sum().clamp_min(1)).item(), 4))
        def edited(change, k=ns):
            c = vc[-1][:k].clone(); e = change(c.clone()); f = fronts(c)
            with amp(): a, b = n(vx[:k], vy[:k], f)
            return small(torch.cat([later(gen, g, q, s, t, torch.bfloat16) for g, q, s, t in zip(fronts(e).split(K), e.split(K), a.split(K), b.split(K))])).clamp(-1, 1), paint(e)
        other = vc[-1].roll(1, 0)[:ns]
        def mix(c): c[:, 10:] = other[:, 10:]; return c
        def move(c): c[:, 4:10] += 0.5 * (other[:, 4:10] - mean); return c
        (m1, m0), (d1, d0) = edited(mix), edited(move); k = ns
        sheet("residual", {"photo": vx[:k], "codes": vy[:k], "residual": y[:k], "pasted": z[:k], "pasted codes": yz[:k], "pasted residual": rz[:k], "mixed codes": m0, "mixed": m1, "moved codes": d0, "moved": d1})
        k = min(14, len(hx)); sheet("hats", {"hat": hx[:k], "codes": yh[:k], "residual": rh[:k], "train in": real(bank["in"][:k]) if P >= k else hx[:k], "train made": real(bank["made"][:k]) if P >= k else hx[:k], "large": real(s_in[:k]) if S >= k else hx[:k]})

# ===== tasks: input, units 0-7, laterals of their own; trunks and heads are encode's. Wanted: what encode answers to the photo
keepers = ("e.input_layer", "e.l0", "e.l1", "e.l2", "blind") + tuple(f"e.body.{i}." for i in range(8))
def ready(net, old: str):
    state = net.state_dict(); own = {**enc.state_dict(), **weights(old)}
    net.load_state_dict({k: v for k, v in own.items() if k in state and v.shape == state[k].shape}, strict=False); net.to(dev)
    for k, p in net.named_parameters(): p.requires_grad_(k.startswith(keepers))
    net.eval(); return net
def own_state(net): return {k: v for k, v in net.state_dict().items() if k.startswith(keepers)}
def learn(net) -> None: net.e.input_layer.train(); [net.e.body[i].train() for i in range(8)]

class Shrunk:
    """Pictures shrunk and enlarged again, so that the same can be done to the answers."""
    def __init__(self, n: int) -> None:
        at = [int(torch.randint(0, 8, ())) for _ in range(8)]; self.sides = [(8, 16, 16, 32, 32, 64, int(torch.randint(8, 128, ())), int(torch.randint(12, 257, ())))[i] for i in at]
    def __call__(self, x: Tensor) -> Tensor: return torch.cat([data.scaled(p, s) if s < 256 else p for p, s in zip(x.chunk(8), self.sides)])
def loop(net, s: Tensor, again, steps: int = 1) -> list[Tensor]:
    with amp(): a = net.vectors(s, seer(s)[0]); c = net.codes(a) + mean
    out = [c]
    for _ in range(steps):
        with torch.no_grad(): t = again(paint(c)); q = None
        with amp(): c = c.detach() + ref(net, a, net.vectors(t, seer(t)[0]))
        out.append(c)
    return out
def part_tiny() -> None:
    start, end = window("tiny"); net = ready(Encoder(3, True), "super_resolution")
    if not bank: part_photos()
    to32 = lambda t: data.scaled(t, 32); shown = to32(vx)
    def judge(n, tag: str, **more):
        with torch.no_grad():
            cs = [torch.cat(k) for k in zip(*(loop(n, p, to32, 2) for p in shown.split(50)))]
            for k, c in enumerate(cs): measure(f"x8 {tag} pass {k} against encode", paint(c), vy, **more)
            return paint(cs[1])
    judge(net, "before")
    learn(net); params = [p for p in net.parameters() if p.requires_grad]; ema = Ema(net, 0.997); opt = optimizer([{"params": params}]); step = 0
    A, B = (2, 2) if SMALL else (40, 56)  # synthetic, photos
    while time.time() < end or step < MIN:
        with torch.no_grad():
            i, j = pick(A, T), pick(B, P); clean = torch.cat([real(bank_x[i]), real(bank["want"][j])]); target = torch.cat([real(bank_x[i]), real(bank["made"][j])]); codes = torch.cat([bank_c[i].float(), bank["codes"][j].float()])
            mix = torch.randperm(A + B, device=dev); clean, target, codes = clean[mix], target[mix], codes[mix]
            op = Shrunk(A + B); s = op(clean)
            if torch.rand(()) < 0.25: s = data.jpeg(s)
        c0, c1 = loop(net, s, op)
        l0, _ = code_loss(c0, codes); l1, each = code_loss(c1, codes)
        k = torch.randperm(A + B, device=dev)[:C]; pl, terms = picture_loss(decode(c1[k]), target[k], 0.8, soft=0.3)
        loss = 0.35 * l0 + 0.35 * l1 + pl
        if step % 3 == 0: k = k[:C]; loss = loss + 0.5 * picture_loss(decode(c0[k]), target[k], 0.8, soft=0.3)[0]
        norm = finish(opt, loss, params, [8e-4], rate(start, end, 30, step)); ema.step(); step += 1
        if shown_now(step): note(part="tiny", step=step, **r4({"loss": loss, "l0": l0, "l1": l1, **groups(each), "norm": norm, **terms}))
    n = ema.copy; n.load_state_dict(store("super_resolution", own_state(n)), strict=False); y = judge(n, "after", step=step); measure("x8 against photo", y, vx)
    columns["shrunk"] = shown[:ns]; columns["x8"] = y[:ns]

def onehot(m: Tensor) -> Tensor: return F.one_hot(m.long(), 19).permute(0, 3, 1, 2).float()
def part_map() -> None:
    start, end = window("map"); net = ready(Encoder(19, False), "segmentation_to_face")
    if not bank: part_photos()
    vm = onehot(val_m)
    def judge(n, tag: str, **more):
        with torch.no_grad(), amp(): c = torch.cat([n(p) for p in vm.split(50)]) + mean
        y = paint(c); measure(f"map {tag} against encode", y, vy, **more); return y
    judge(net, "before"); tc, tm, ty = [], train_m, []
    for p in real(train).split(64): c, y = answer(enc, ref, p); tc.append(c[-1]); ty.append(byte(y))
    tc, ty = torch.cat(tc), torch.cat(ty); say("photos' answers")
    learn(net); params = [p for p in net.parameters() if p.requires_grad]; ema = Ema(net, 0.997); opt = optimizer([{"params": params}]); step = 0
    A, B = (3, 3) if SMALL else (128, 64); w = torch.ones(23, device=dev); w[10:] = 0.4
    swap = torch.arange(19, device=dev); swap[[4, 5, 6, 7, 8, 9]] = torch.tensor([5, 4, 7, 6, 9, 8], device=dev)
    while time.time() < end or step < MIN:
        with torch.no_grad():
            i, j = pick(A, T), pick(B, len(tc)); x = torch.cat([real(bank_x[i]), real(ty[j])]); codes = torch.cat([bank_c[i].float(), tc[j]])
            m = torch.cat([bank_m[i], tm[j]])
            if torch.rand(()) < 0.3: m = torch.where((m == 15) | (m == 16), torch.where(m == 15, 0, 17).to(m.dtype), m)
            h = onehot(m); r = float(torch.rand(()))
            if r < 0.35: h = onehot(F.avg_pool2d(h, 5, 1, 2).argmax(1))
            elif r < 0.45: h = onehot(F.avg_pool2d(h, 11, 1, 5).argmax(1))
            f = B // 2  # mirrored: no codes, the picture only
            h[-f:] = h[-f:][:, swap].flip(3); x[-f:] = x[-f:].flip(3); h = data.warp(h, 0.03, 0.03, 0.015, share=0.5)
        with amp(): out = net(h) + mean
        cl, each = code_loss(out[:-f], codes[:-f], w)
        k = torch.cat([torch.randperm(A, device=dev)[:C // 2], A + torch.randperm(B, device=dev)[:C - C // 2]])
        pl, terms = picture_loss(decode(out[k]), x[k], 1.0, soft=0.6); loss = 0.4 * cl + pl
        norm = finish(opt, loss, params, [1e-3], rate(start, end, 30, step)); ema.step(); step += 1
        if shown_now(step): note(part="map", step=step, **r4({"loss": loss, "code": cl, **groups(each), "norm": norm, **terms}))
    n = ema.copy; n.load_state_dict(store("segmentation_to_face", own_state(n)), strict=False); y = judge(n, "after", step=step)
    columns["map in"] = (val_m[:ns, None].float() / 9 - 1).expand(-1, 3, -1, -1); columns["map"] = y[:ns]

only = os.environ.get("ONLY", "hats,residual,tiny,map").split(",")
for name, part in (("hats", part_hats), ("residual", part_residual), ("tiny", part_tiny), ("map", part_map)):
    if name not in only: continue
    try: part(); say("done", name)
    except Exception: note(failed=name, why=traceback.format_exc()[-1800:])
    if gpu: torch.cuda.empty_cache()
if columns: sheet("tasks", {"photo": vx[:ns], "encode": vy[:ns], **columns})
note(end=True, columns=list(columns), mem=round(torch.cuda.max_memory_allocated() / 2**30, 1) if gpu else 0)
