"""The second window on a GPU, by the clock: encode with its refinement goes on; sketch, map, super-resolution, toonify, frontalise, parser, previews.

    python train2.py SECONDS SET OUT

SET: mobile32.safetensors, dlib.safetensors, bisenet.safetensors, lpips-alex.safetensors, photo256.zip, toon.safetensors (toonset.py) and, in weights/, the six files of the first window.
"""
from __future__ import annotations
import json, math, mmap, multiprocessing as mp, os, sys, time, traceback
T0 = time.time()
SECONDS, SET, OUT = float(sys.argv[1]), sys.argv[2], sys.argv[3]
ROOT = os.environ.get("ROOT", os.getcwd())
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [ROOT, HERE]
import numpy as np
SMALL = bool(os.environ.get("SMALL"))
N = 24 if SMALL else int(os.environ.get("BANK", "48000"))
PIX = mmap.mmap(-1, N * 3 * 65536); INK = mmap.mmap(-1, N * 65536)  # shared with the processes that draw
pix = np.frombuffer(PIX, np.uint8).reshape(N, 256, 256, 3); ink = np.frombuffer(INK, np.uint8).reshape(N, 256, 256)

def draw_lines(job):
    import cv2
    cv2.setNumThreads(1)
    from PIL import Image
    from psp.pictures.sketches import photo_to_sketch
    a, b = job
    for i in range(a, b): ink[i] = np.asarray(photo_to_sketch(Image.fromarray(pix[i])))
    return b - a
def draw_photos(pictures):
    import cv2
    cv2.setNumThreads(1)
    from PIL import Image
    from psp.pictures.sketches import photo_to_sketch
    return np.stack([np.asarray(photo_to_sketch(Image.fromarray(p))) for p in pictures])

def main() -> None:
    pool = mp.get_context("fork").Pool(1 if SMALL else 14)
    import copy, torch, torch.nn.functional as F
    from torch import Tensor, nn
    from safetensors.torch import load_file, save_file
    import data
    from mobile import Mobile, inverse_haar
    from nets import Encoder, Refine, Seer, BiSeNet, Parser, unpack, TO_OURS
    from nets2 import Drawn, Frontal, Preview
    from psp.checkpoints.quantize import from_int8, to_int8
    from psp.losses.lpips import LPIPS
    dev = torch.device("cuda" if torch.cuda.is_available() else "cpu"); gpu = dev.type == "cuda"
    torch.manual_seed(23); torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = False
    amp = lambda: torch.autocast(dev.type, torch.bfloat16)
    C = 2 if SMALL else 32
    def say(*a): print(f"[{time.time() - T0:6.1f}]", *a, flush=True)
    os.makedirs(OUT, exist_ok=True)
    log = open(f"{OUT}/log.txt", "w")
    def note(**k): log.write(json.dumps({"t": round(time.time() - T0, 1), **k}) + "\n"); log.flush(); say(k)
    def r4(d): return {k: round(float(v), 4) for k, v in d.items()}

    gen = Mobile(); gen.load_state_dict(load_file(f"{SET}/mobile32.safetensors")); gen.requires_grad_(False).to(dev)
    seer = Seer(); seer.network.load_state_dict({k: v.float() for k, v in load_file(f"{SET}/dlib.safetensors").items()}); seer.to(dev)
    lp = LPIPS(load_file(f"{SET}/lpips-alex.safetensors")).to(dev)
    bise = BiSeNet(); bise.load_state_dict(unpack(load_file(f"{SET}/bisenet.safetensors")), strict=False); bise.eval().requires_grad_(False).to(dev)
    def weights(name: str) -> dict: return {k: v.float() for k, v in from_int8(name, load_file(f"{SET}/weights/{name}.safetensors")).items()}
    enc, ref = Encoder(), Refine()
    say(enc.load_state_dict({**weights("encode-body"), **weights("encode-heads")}, strict=False)); ref.load_state_dict(weights("refine")); enc.to(dev).eval(); ref.to(dev).eval()
    train, val = data.photos(f"{SET}/photo256.zip", "train").to(dev), data.photos(f"{SET}/photo256.zip", "val").to(dev)
    if SMALL: train, val = train[:16], val[:8]
    say("loaded", len(train), len(val), torch.cuda.get_device_name() if gpu else "cpu")
    mean = gen.w_avg
    nhwc = lambda x: x.permute(0, 2, 3, 1).cpu().numpy()
    photo_lines = pool.map_async(draw_photos, [nhwc(p) for p in train.split(32)]); val_lines = pool.map_async(draw_photos, [nhwc(p) for p in val.split(32)])

    plain_way = lambda c: gen(c, 256, torch.bfloat16)
    if gpu:
        torch._dynamo.config.automatic_dynamic_shapes = False
        way = torch.compile(plain_way, dynamic=False)
    else: way = plain_way
    def decode(codes: Tensor) -> Tensor:
        with torch.autocast(dev.type, enabled=False): return torch.cat([way(c.float().contiguous()) for c in codes.split(C)])
    @torch.no_grad()
    def paint(codes: Tensor) -> Tensor:
        n = len(codes); m = -n % C
        if m: codes = torch.cat([codes, mean.expand(m, 23, 512)])
        return decode(codes.float())[:n].clamp(-1, 1)

    affines = [gen.first.affine] + [a for k in range(7) for a in (gen.ups[k], gen.c1[k].affine, gen.c2[k].affine)] + [gen.rgb_affine]
    with torch.no_grad():
        sample = torch.cat([data.draw(gen, 512, dev) for _ in range(1 if SMALL else 8)])
        spread = [F.linear(sample[:, i], a.weight).var(0).mean() for i, a in enumerate(affines)]
        plain = sample.var(0).mean(1)
    def code_loss(codes: Tensor, wanted: Tensor):
        e = codes.float() - wanted
        with amp(): s = [F.linear(e[:, i], a.weight) for i, a in enumerate(affines)]
        behind = torch.stack([x.float().square().mean() / v for x, v in zip(s, spread)])
        return behind.mean() + 0.1 * (e.square().mean((0, 2)) / plain).mean(), behind.detach()
    def groups(each): return {"coarse": each[:4].mean(), "medium": each[4:10].mean(), "fine": each[10:].mean()}
    rows = (torch.arange(256, device=dev) + 0.5) / 256
    focus = torch.exp(-(((rows - 0.55)[:, None] ** 2 + (rows - 0.5)[None] ** 2) / (2 * 0.22**2)))
    focus = 1 + 1.2 * focus; focus = focus / focus.mean()
    def picture_loss(made: Tensor, wanted: Tensor, ident: float, seen_wanted: Tensor | None = None):
        d = made - wanted
        pixels = ((d.square() + 0.5 * d.abs()) * focus).mean()
        with amp():
            l2 = lp(made, wanted).mean(); l1 = lp(F.avg_pool2d(made, 2), F.avg_pool2d(wanted, 2)).mean()
            mine = seer(made)[1]
            with torch.no_grad(): theirs = seer(wanted)[1] if seen_wanted is None else seen_wanted
        i = (mine - theirs).square().sum(1).add(1e-6).sqrt().mean()
        return pixels + l2 + 0.4 * l1 + ident * i, {"pix": pixels, "lp256": l2, "lp128": l1, "id": i}
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
    def store(name: str, tensors: dict, eight: bool = True) -> None:
        t = {k: v.detach().float().cpu().contiguous() for k, v in tensors.items() if v.is_floating_point()}
        save_file({k: v.contiguous() for k, v in (to_int8(t) if eight else {k: v.half() if v.dim() > 1 else v for k, v in t.items()}).items()}, f"{OUT}/{name}.safetensors")

    # --- the bank: pictures, their codes, lines (by processes) and maps
    order = torch.tensor(TO_OURS, device=dev)
    def logits(x: Tensor, size: int = 512) -> Tensor:
        with amp(): out = torch.cat([bise(F.interpolate(p, size=(512, 512), mode="bilinear", align_corners=False)) for p in x.split(64)])
        ours = torch.empty_like(out); ours[:, order] = out
        return ours
    @torch.no_grad()
    def labels(x: Tensor) -> Tensor:
        return F.interpolate(logits(x), size=(256, 256), mode="bilinear", align_corners=False).argmax(1).byte()
    bank_x = torch.zeros(N, 3, 256, 256, dtype=torch.uint8, device=dev); bank_c = torch.zeros(N, 23, 512, dtype=torch.float16, device=dev)
    M = min(N, 28000); bank_m = torch.zeros(M, 256, 256, dtype=torch.uint8, device=dev)
    drawn_jobs = []; chunk = 8 if SMALL else 256
    for a in range(0, N, chunk):
        b = min(N, a + chunk); c = data.draw(gen, b - a, dev)
        x = ((paint(c) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        bank_x[a:b] = x; bank_c[a:b] = c.half()
        if b <= (16 if SMALL else 40960): pix[a:b] = nhwc(x); drawn_jobs.append((a, b, pool.apply_async(draw_lines, ((a, b),))))
    say("bank", N)
    for a in range(0, M, chunk): bank_m[a:a + chunk] = labels(bank_x[a:a + chunk].float() / 127.5 - 1)[:M - a]
    train_m = torch.cat([labels(p.float() / 127.5 - 1) for p in train.split(64)])
    say("maps", M)
    def from_bank(n: int, limit: int | None = None):
        i = torch.randint(0, limit or N, (n,), device=dev)
        return bank_x[i].float() / 127.5 - 1, bank_c[i].float(), i
    def some_photos(n: int) -> Tensor:
        i = torch.randint(0, len(train), (n,), device=dev)
        return data.colour(data.warp(train[i].float() / 127.5 - 1, 0.05, 0.03, 0.03, mirror=True), 0.8)

    @torch.no_grad()
    def encode(e, x, r=None, steps=0):
        out = []
        for p in x.split(50):
            with amp():
                s = seer(p)[0]; a = e.vectors(p, s); c = e.codes(a) + mean; made = [c]
                for _ in range(steps):
                    y = paint(c); b = e.vectors(y, seer(y)[0]); c = c + r(e, a, b); made.append(c)
            out.append(torch.stack(made))
        return list(torch.cat(out, 1))
    @torch.no_grad()
    def measure(name: str, y: Tensor, x: Tensor, **more) -> None:
        a, b = (torch.cat([seer(p)[1] for p in t.split(50)]) for t in (x, y)); d = torch.cdist(b, a); n = len(x)
        half = lambda t: F.avg_pool2d(t, 2); l = lambda f: torch.cat([lp(f(p), f(q)) for p, q in zip(y.split(50), x.split(50))]).mean()
        note(judge=name, **r4({"lpips256": l(lambda t: t), "lpips128": l(half), "mse128": (half(y) - half(x)).square().mean(), "dlib": d.diag().mean(), "wrong": (d.sum() - d.diag().sum()) / (n * n - n), "nearest": (d.argmin(1) == torch.arange(n, device=dev)).float().mean()}), **more)
    vx = val.float() / 127.5 - 1
    codes_of = lambda: encode(enc, vx, ref, 2)
    for k, c in enumerate(codes_of()): measure("start", paint(c), vx, step=k)
    columns: dict[str, Tensor] = {}; ns = min(20, len(vx)); columns["photo"] = vx[:ns]

    begin = time.time(); left = T0 + SECONDS - begin - (14 if gpu else 1)
    shares = json.loads(os.environ.get("SHARES", '{"encode":0.17,"sketch":0.19,"map":0.165,"tiny":0.06,"toon":0.16,"frontal":0.1,"parser":0.085,"preview":0.07}'))
    def window(name: str): now = time.time(); return now, now + left * shares[name]

    # ===== encode and its refinement go on
    def part_encode() -> None:
        nonlocal enc, ref
        start, end = window("encode"); ema, ema_r = Ema(enc, 0.998), Ema(ref, 0.998)
        enc.requires_grad_(True).eval(); ref.train(); ep, rp = list(enc.parameters()), list(ref.parameters())
        opt = optimizer([{"params": ep}, {"params": rp}]); base = [3e-4, 6e-4]; step = 0
        S, P = (C, C) if SMALL else (32, 32)
        while time.time() < end:
            with torch.no_grad():
                fresh, codes, _ = from_bank(S); photo = some_photos(P); clean = torch.cat([fresh, photo]); inputs = data.degrade(clean)
                with amp(): seen, goal = seer(inputs)[0], seer(clean)[1]
            with amp(): a = enc.vectors(inputs, seen); first = enc.codes(a) + mean
            point = first.detach()
            with torch.no_grad():
                if step % 3 == 2:
                    y = paint(point)
                    with amp(): point = point + ref(enc, a, enc.vectors(y, seer(y)[0]))
                y = paint(point)
                with amp(): sy = seer(y)[0]
            with amp(): out = point + ref(enc, a, enc.vectors(y, sy))
            c0, _ = code_loss(first[:S], codes); c1, each = code_loss(out[:S], codes)
            pl, terms = picture_loss(decode(out), clean, 0.4, goal)
            pick = torch.arange(0, len(clean), max(1, len(clean) // C), device=dev)[:C]
            q0 = picture_loss(decode(first[pick]), clean[pick], 0.4, goal[pick])[0] if step % 2 == 0 else torch.zeros((), device=dev)
            loss = 0.3 * c0 + 0.3 * c1 + pl + q0 + 0.01 * (out[S:] - mean).square().mean() / plain.mean()
            norm = finish(opt, loss, ep + rp, base, rate(start, end, 20, step)); ema.step(); ema_r.step(); step += 1
            if shown_now(step): note(part="encode", step=step, **r4({"loss": loss, "c0": c0, "c1": c1, "norm": norm, **groups(each), **terms}))
        enc, ref = ema.copy, ema_r.copy
        store("encode", {**enc.state_dict(), **{"refine." + k: v for k, v in ref.state_dict().items()}})
        for k, c in enumerate(encode(enc, vx, ref, 3)):
            y = paint(c); measure("encode", y, vx, step=k)
            if k in (0, 2): columns[f"encode {k}"] = y[:ns]

    # ===== tasks: input, units 0-7, laterals (and a small side) of their own; trunks and heads are encode's
    keepers = ("e.input_layer", "e.l0", "e.l1", "e.l2", "blind", "norm", "seen", "tell") + tuple(f"e.body.{i}." for i in range(8))
    def task(name: str, net, old: str, sees: bool, make, batch: int, shown) -> None:
        start, end = window(name); net.to(dev)
        state = net.state_dict(); own = {**{k: v for k, v in enc.state_dict().items() if not k.startswith(("norm", "side"))}, **weights(old)}
        if name == "tiny": own = {**own, **{k: v for k, v in enc.state_dict().items() if k.startswith(("norm", "side"))}}
        say(name, net.load_state_dict({k: v for k, v in own.items() if k in state and v.shape == state[k].shape}, strict=False).missing_keys[:6])
        if name == "sketch":  # at first as if the face network saw nothing
            for k, tell in enumerate(net.tell): nn.init.zeros_(tell.weight); tell.bias.data.copy_(own["blind"][k].to(dev))
        mine = [k for k, _ in net.named_parameters() if k.startswith(keepers)]
        for k, p in net.named_parameters(): p.requires_grad_(k in mine)
        if name == "sketch" and not SMALL:
            net.norm.train(); net.norm.momentum = 0.1
            with torch.no_grad():
                for _ in range(20): i, _, _ = make(64); net.norm(seer(i.expand(-1, 3, -1, -1) * 2 - 1)[0].float())
        net.eval(); net.e.input_layer.train(); [net.e.body[i].train() for i in range(8)]
        params = [p for p in net.parameters() if p.requires_grad]; ema = Ema(net, 0.997); opt = optimizer([{"params": params}]); step = 0
        look = lambda i: seer(i.expand(-1, 3, -1, -1) * 2 - 1 if i.shape[1] == 1 else i)[0]
        while time.time() < end:
            with torch.no_grad():
                inputs, clean, codes = make(batch)
                seen = None
                if sees:
                    with amp(): seen = look(inputs)
            with amp(): out = net(inputs, seen) + mean
            cl, each = code_loss(out[:len(codes)], codes); loss = cl; terms = {}
            if time.time() > start + 0.12 * (end - start):
                k = C // 2
                pick = torch.cat([torch.arange(k, device=dev), torch.arange(len(out) - k, len(out), device=dev)])
                pl, terms = picture_loss(decode(out[pick]), clean[pick], 0.5); loss = loss * 0.5 + pl
            norm = finish(opt, loss, params, [1e-3], rate(start, end, 30, step)); ema.step(); step += 1
            if shown_now(step): note(part=name, step=step, **r4({"loss": loss, "code": cl, **groups(each), "norm": norm, **terms}))
        e = ema.copy
        store(name, {k: v for k, v in e.state_dict().items() if k.startswith(keepers) and not (k.startswith("norm") and name == "tiny")})
        with torch.no_grad(), amp(): c = torch.cat([e(p, look(p) if sees else None) for p in shown.split(50)]) + mean
        y = paint(c); measure(name, y, vx, step=step)
        columns[name + " in"] = (shown.expand(-1, 3, -1, -1) * 2 - 1 if shown.shape[1] == 1 else shown if shown.shape[1] == 3 else (shown.argmax(1, keepdim=True).float() / 9 - 1).expand(-1, 3, -1, -1))[:ns]; columns[name] = y[:ns]
    q = lambda b: max(C // 2, b // 5)
    B = 4 if SMALL else 160
    def onehot(m: Tensor) -> Tensor: return F.one_hot(m.long(), 19).permute(0, 3, 1, 2).float()
    def part_sketch() -> None:
        ready = []
        for a, b, job in drawn_jobs:
            if SMALL: job.wait(60)
            if job.ready(): job.get(); ready.append(torch.arange(a, b))
        where = torch.cat(ready).to(dev); lines = torch.from_numpy(ink[:int(where.max()) + 1]).to(dev); say("lines", len(where))
        pl = torch.from_numpy(np.concatenate(photo_lines.get(60))).to(dev); vl = torch.from_numpy(np.concatenate(val_lines.get(60))).to(dev).float()[:, None] / 255
        def make(b: int):
            i = where[torch.randint(0, len(where), (b,), device=dev)]; x, c = bank_x[i].float() / 127.5 - 1, bank_c[i].float()
            j = torch.randint(0, len(pl), (q(b),), device=dev); p, l = train[j].float() / 127.5 - 1, pl[j][:, None].float() / 255
            m = torch.rand(len(j), 1, 1, 1, device=dev) < 0.5
            p, l = torch.where(m, p.flip(3), p), torch.where(m, l.flip(3), l)
            return data.drawn(torch.cat([lines[i][:, None].float() / 255, l])), torch.cat([x, p]), c
        task("sketch", Drawn(1), "sketch_to_face", True, make, B, vl)
    def part_map() -> None:
        vm = onehot(labels(vx))
        def make(b: int):
            i = torch.randint(0, M, (b,), device=dev); j = torch.randint(0, len(train), (q(b),), device=dev)
            m = torch.cat([bank_m[i], train_m[j]]); x = torch.cat([bank_x[i], train[j]]).float() / 127.5 - 1
            if torch.rand(()) < 0.3: m = torch.where((m == 15) | (m == 16), torch.where(m == 15, 0, 17).to(m.dtype), m)  # earrings and necklaces are seldom painted
            h = onehot(m)
            r = float(torch.rand(()))
            if r < 0.35: h = onehot(F.avg_pool2d(h, 5, 1, 2).argmax(1))
            elif r < 0.5: h = onehot(F.avg_pool2d(h, 11, 1, 5).argmax(1))
            flip = torch.rand(len(j), 1, 1, 1, device=dev) < 0.5
            swap = torch.arange(19, device=dev); swap[[4, 5, 6, 7, 8, 9]] = torch.tensor([5, 4, 7, 6, 9, 8], device=dev)
            h[b:] = torch.where(flip, h[b:][:, swap].flip(3), h[b:]); x[b:] = torch.where(flip, x[b:].flip(3), x[b:])
            return data.warp(h, 0.03, 0.03, 0.015, share=0.5), x, bank_c[i].float()
        task("map", Encoder(19, False), "segmentation_to_face", False, make, B, vm)
    def part_tiny() -> None:
        def make(b: int):
            x, c, _ = from_bank(b); clean = torch.cat([x, some_photos(q(b))])
            return data.tiny(clean), clean, c
        task("tiny", Encoder(3, True), "super_resolution", True, make, B, data.scaled(vx, 32))

    # ===== toonify: a copy of the generator's convolutions on pairs (codes, cartoon at 512 px)
    extra: dict[str, Tensor] = {}
    def part_toon() -> None:
        import io
        from concurrent.futures import ThreadPoolExecutor
        from PIL import Image
        start, end = window("toon")
        t = load_file(f"{SET}/toon.safetensors"); ends = t["lengths"].cumsum(0).tolist(); blob = t["bytes"].numpy()
        if SMALL: ends = ends[:4]
        open_ = lambda i: np.asarray(Image.open(io.BytesIO(blob[(ends[i - 1] if i else 0):ends[i]].tobytes())).convert("RGB"))
        with ThreadPoolExecutor(12) as threads: goal = torch.from_numpy(np.stack(list(threads.map(open_, range(len(ends)))))).permute(0, 3, 1, 2).contiguous().to(dev)
        toon_c = t["rows"].float()[t["which"].long()].to(dev); say("toon pairs", len(goal))
        toon = copy.deepcopy(gen); names = [n for n, _ in toon.named_parameters() if n.startswith(("c1.", "c2.")) and n.endswith((".weight", ".bias", ".dw", ".noise")) and "affine" not in n] + ["rgb", "rgb_bias"]
        for n, p in toon.named_parameters(): p.requires_grad_(n in names and not n.endswith("noise"))
        gains = [nn.Parameter(torch.ones((), device=dev)) for _ in range(14)]
        convs = [c for k in range(7) for c in (toon.c1[k], toon.c2[k])]
        planes = [c.noise.detach().clone() for c in convs]
        B = 2 if SMALL else 16
        def large(codes: Tensor, *g) -> tuple[Tensor, Tensor]:
            """Codes to the pictures of 1024 and 512 px."""
            d = torch.bfloat16
            x = toon.first(toon.const.to(d).expand(len(codes), -1, -1, -1), codes[:, 0], "conv")
            for k in range(7):
                x = inverse_haar(x * toon.ups[k](codes[:, 1 + 3 * k]).to(d)[:, :, None, None])
                for m, c in enumerate((toon.c1[k], toon.c2[k])):
                    y = x * c.affine(codes[:, 2 + m + 3 * k]).to(d)[:, :, None, None]
                    y = F.conv2d(F.conv2d(y, c.dw.to(d), padding=1, groups=y.shape[1]), c.weight.to(d))
                    x = F.leaky_relu(y + (planes[2 * k + m] * g[2 * k + m] + c.bias[:, None, None]).to(d), 0.2)
            w = F.conv2d(x * toon.rgb_affine(codes[:, 22]).to(d)[:, :, None, None], toon.rgb.to(d)).float() + toon.rgb_bias[:, None, None]
            return inverse_haar(w), w[:, :3] / 2
        fast = torch.compile(large, dynamic=False) if gpu else large
        params = [p for p in toon.parameters() if p.requires_grad]; opt = optimizer([{"params": params}, {"params": gains}]); base = [1.5e-3, 1e-2]
        flat = [*params, *gains]; avg = [p.detach().clone() for p in flat]; step = 0
        for g in opt.param_groups: g["weight_decay"] = 0.0
        def crop(a, b, side=256):
            y, x = (int(torch.randint(0, a.shape[-1] - side + 1, ())) for _ in range(2)); return a[..., y:y + side, x:x + side], b[..., y:y + side, x:x + side]
        while time.time() < end:
            i = torch.randint(0, len(goal), (B,), device=dev)
            with torch.no_grad(): wanted = goal[i].float() / 127.5 - 1; wide = F.interpolate(wanted, size=(1024, 1024), mode="bicubic", align_corners=False)
            y, half = fast(toon_c[i], *gains)
            with amp():
                small = lp(F.avg_pool2d(half, 2), F.avg_pool2d(wanted, 2)).mean(); close = lp(*crop(half, wanted)).mean(); closest = lp(*crop(y, wide)).mean()
            d = half - wanted; l1 = d.abs().mean(); sharp = (y - wide).abs().mean()
            loss = l1 + d.square().mean() + 0.5 * sharp + small + 0.7 * close + 0.3 * closest
            norm = finish(opt, loss, flat, base, rate(start, end, 20, step)); step += 1
            with torch.no_grad(): torch._foreach_lerp_(avg, [p.detach() for p in flat], 1 - min(0.995, (1 + step) / (10 + step)))
            if shown_now(step): note(part="toon", step=step, **r4({"loss": loss, "l1": l1, "sharp": sharp, "small": small, "close": close, "closest": closest, "norm": norm}))
        with torch.no_grad():
            for p, a in zip(flat, avg): p.copy_(a)
            own = dict(gen.named_parameters())
            for n, p in toon.named_parameters():
                if n in names and not n.endswith("noise"): extra["toon." + n] = p - own[n]
            extra["toon.noise_gains"] = torch.stack(list(gains))
            say("toon", step, round(sum(extra[k].numel() for k in extra if k.startswith("toon")) / 1e6, 2), [round(float(g), 2) for g in gains])
            store("extra", extra, eight=False)
            c = codes_of()[2][:ns]; pieces = [large(p, *gains)[1] for p in c.split(4)]
            columns["toon"] = F.avg_pool2d(torch.cat(pieces).clamp(-1, 1), 2)

    # ===== frontalise: offsets of the coarse codes that take the turn out, held by the face network
    def part_frontal() -> None:
        start, end = window("frontal")
        flat = bank_c[:4096].float(); net = Frontal(flat[:, :10].mean(0), flat[:, :10].std(0).clamp_min(0.05)).to(dev)
        grid = (torch.arange(64, device=dev) + 0.5) / 64
        def turn(x: Tensor) -> Tensor:
            """How far the nose is beside the middle of the eyes, in widths of the picture; positive: to the right."""
            with amp(): l = bise(F.interpolate(x, size=(512, 512), mode="bilinear", align_corners=False))
            p = torch.empty_like(l); p[:, order] = l; p = p.float().softmax(1)
            column = lambda k: (lambda m: (m.sum(1) * grid).sum(1) / m.sum((1, 2)).clamp_min(1e-3))(p[:, k].sum(1))
            return column([2]) - 0.5 * column([3, 4, 5]) - 0.5 * column([6, 7])
        opt = optimizer([{"params": list(net.parameters())}]); step = 0; ema = Ema(net, 0.995); B = C
        middle = torch.zeros((), device=dev)
        with torch.no_grad():
            some = torch.cat([turn(from_bank(C)[0]) for _ in range(2 if SMALL else 16)]); middle = some.median(); note(turn_median=round(float(middle), 4), turn_spread=round(float(some.std()), 4))
        while time.time() < end:
            with torch.no_grad():
                x, c, _ = from_bank(B)
                if step % 3 == 2:  # codes as the encoder gives them
                    p = some_photos(B) if step % 2 else x
                    with amp(): c = enc(p, seer(p)[0]) + mean
                    x = paint(c)
                t0 = turn(x) - middle
            moved = net(c); y = decode(moved); t1 = turn(y) - middle
            with amp(): mine, theirs = seer(y)[1], seer(x)[1]
            ident = (mine - theirs).square().sum(1).add(1e-6).sqrt().mean()
            with amp(): keep = (lp(y, x).view(-1) * torch.exp(-(t0 / 0.015).square())).mean(); look = (F.avg_pool2d(y, 32) - F.avg_pool2d(x, 32)).abs().mean()
            size = ((moved - c)[:, :7].square().mean((0, 2)) / plain[:7]).mean()
            straight = F.smooth_l1_loss(t1 * 40, torch.zeros_like(t1), beta=0.5)
            loss = straight + 0.8 * ident + 0.6 * keep + 0.5 * look + 0.15 * size
            norm = finish(opt, loss, list(net.parameters()), [3e-4], rate(start, end, 60, step)); ema.step(); step += 1
            if shown_now(step, 50): note(part="frontal", step=step, **r4({"loss": loss, "before": t0.abs().mean(), "after": t1.abs().mean(), "id": ident, "keep": keep, "look": look, "size": size, "norm": norm}))
        net = ema.copy; extra.update({"frontal." + k: v for k, v in net.state_dict().items()}); store("extra", extra, eight=False)
        with torch.no_grad():
            c = codes_of()[2]; y0 = paint(c); y = paint(net(c)); measure("frontal", y, vx, **r4({"before": (turn(y0) - middle).abs().mean(), "after": (turn(y) - middle).abs().mean()}))
            columns["frontal"] = y[:ns]
            i = (torch.cat([turn(bank_x[a:a + C].float() / 127.5 - 1) for a in range(0, min(N, 8 * C), C)]) - middle).abs().topk(min(ns, N)).indices
            c = bank_c[i].float(); columns["turned"] = bank_x[i].float() / 127.5 - 1; columns["turned front"] = paint(net(c))

    # ===== the parser, on maps that are made already
    def part_parser() -> None:
        start, end = window("parser"); net = Parser().to(dev).train(); net.to(memory_format=torch.channels_last); ema = Ema(net, 0.995); opt = optimizer([{"params": list(net.parameters())}]); step = 0
        share = torch.bincount(bank_m[:4096].flatten().int(), minlength=19).float(); weight = (share.sum() / (share + 1e-4 * share.sum())).sqrt(); weight = weight / (weight * share).sum() * share.sum()
        B = 4 if SMALL else 128
        while time.time() < end:
            with torch.no_grad():
                i = torch.randint(0, M, (B,), device=dev); j = torch.randint(0, len(train), (q(B),), device=dev)
                x = torch.cat([bank_x[i], train[j]]).float() / 127.5 - 1; m = torch.cat([bank_m[i], train_m[j]])
                both = data.warp(torch.cat([x, onehot(m)], 1), 0.1, 0.1, 0.05, share=0.7); x, t = both[:, :3], F.avg_pool2d(both[:, 3:], 2)
                x = data.degrade(data.colour(x, 0.8)) if torch.rand(()) < 0.75 else x
                # degrading shifts a pixel or two at most
                t = t / t.sum(1, keepdim=True).clamp_min(1e-3)
            with amp(): out = net(x.contiguous(memory_format=torch.channels_last))
            loss = -(t * weight[:, None, None] * F.log_softmax(out.float(), 1)).sum(1).mean()
            norm = finish(opt, loss, list(net.parameters()), [4e-3], rate(start, end, 30, step)); ema.step(); step += 1
            if shown_now(step): note(part="parser", step=step, **r4({"loss": loss, "agree": (out.argmax(1) == t.argmax(1)).float().mean(), "norm": norm}))
        parser = ema.copy
        with torch.no_grad():
            l = F.interpolate(logits(vx), size=(128, 128), mode="bilinear", align_corners=False).argmax(1); m = torch.cat([parser(p) for p in vx.split(50)]).argmax(1)
            h = min(N, 2048); hl = labels(bank_x[N - h:].float() / 127.5 - 1)[:, ::2, ::2]; hm = torch.cat([parser(p.float() / 127.5 - 1) for p in bank_x[N - h:].split(50)]).argmax(1)
            iou = lambda a, b: [round(((a == k) & (b == k)).sum().item() / max(1, ((a == k) | (b == k)).sum().item()), 3) for k in range(19)]
            note(judge="parser", step=step, agree=round((l == m).float().mean().item(), 4), iou=iou(l, m), synthetic=round((hl == hm).float().mean().item(), 4), synthetic_iou=iou(hl, hm))
            columns["parser"] = F.interpolate((m[:ns, None].float() / 9 - 1).expand(-1, 3, -1, -1), size=(256, 256))
        small2.update({"parser." + k: v for k, v in parser.state_dict().items()}); store("small", small2, eight=False)
    small2: dict[str, Tensor] = {}

    # ===== previews
    def part_preview() -> None:
        start, end = window("preview")
        heads = nn.ModuleDict({"128": Preview(256, 96, ((16,), (17, 18), (19, 20), (21, 22))), "64": Preview(512, 128, ((13,), (14, 15, 16), (17, 18, 19), (20, 21, 22)))}).to(dev)
        ema = Ema(heads, 0.995); opt = optimizer([{"params": list(heads.parameters())}]); step = 0; B = C
        def feats(c: Tensor):
            x = gen.const.to(torch.bfloat16).expand(len(c), -1, -1, -1); x = gen.first(x, c[:, 0], "conv")
            for k in range(5):
                x = inverse_haar(x * gen.ups[k](c[:, 1 + 3 * k]).to(x.dtype)[:, :, None, None])
                x = gen.c2[k](gen.c1[k](x, c[:, 2 + 3 * k], "conv"), c[:, 3 + 3 * k], "conv")
                if k == 3: mid = x
            return mid, x
        def made(h, c):
            with torch.no_grad(): a, b = feats(c)
            with amp(): return h["64"](a, c - mean), h["128"](b, c - mean)
        def terms(h, x, c):
            a, b = made(h, c); s = F.avg_pool2d(x, 2)
            with amp(): la, lb = lp(a, s).mean(), lp(b, x).mean()
            return {"l1_64": (a - s).abs().mean(), "l1_128": (b - x).abs().mean(), "lp_64": la, "lp_128": lb, "mse_64": (a - s).square().mean(), "mse_128": (b - x).square().mean()}
        while time.time() < end:
            x, c, _ = from_bank(B, N - 64 if not SMALL else N)
            t = terms(heads, x, c); loss = t["l1_64"] + t["l1_128"] + 0.7 * (t["lp_64"] + t["lp_128"])
            norm = finish(opt, loss, list(heads.parameters()), [3e-3], rate(start, end, 30, step)); ema.step(); step += 1
            if shown_now(step): note(part="preview", step=step, **r4({**t, "norm": norm}))
        h = ema.copy; small2.update({"preview." + k: v for k, v in h.state_dict().items()}); store("small", small2, eight=False)
        with torch.no_grad():
            note(judge="preview", step=step, **r4(terms(h, bank_x[-64:].float() / 127.5 - 1, bank_c[-64:].float())))
            columns["preview"] = made(h, codes_of()[2][:ns])[1].clamp(-1, 1)

    only = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else None
    for name, part in (("encode", part_encode), ("sketch", part_sketch), ("map", part_map), ("tiny", part_tiny), ("toon", part_toon), ("frontal", part_frontal), ("parser", part_parser), ("preview", part_preview)):
        if only and name not in only: continue
        try: part(); say("done", name)
        except Exception: note(failed=name, why=traceback.format_exc()[-1500:])
        if gpu: torch.cuda.empty_cache()
    from PIL import Image
    cells = torch.stack([F.interpolate(c.float().clamp(-1, 1), size=(256, 256)) if c.shape[-1] != 256 else c.float().clamp(-1, 1) for c in columns.values()], 1); k = cells.shape[1]; n = len(cells)
    image = cells.permute(0, 3, 1, 4, 2).reshape(n * 256, k * 256, 3)
    Image.fromarray(((image + 1) * 127.5).round().byte().cpu().numpy()).save(f"{OUT}/sheet.jpg", quality=86)
    note(end=True, columns=list(columns), mem=round(torch.cuda.max_memory_allocated() / 2**30, 1) if gpu else 0)
    log.close(); pool.terminate()
main()
