"""One window on a GPU: encode, its refinement, sketch, map, super-resolution and the parser, by the clock.

    python train.py trial|main SECONDS SET ZIP OUT

SET is a folder with mobile.safetensors (``convert.py``), dlib.safetensors (psp.models.FaceDescriptor, half), bisenet.safetensors and start.safetensors
(``nets.pack``) and lpips-alex.safetensors; ZIP has pictures of 256 px in train/ and val/; ROOT in the environment is the repository.
"""
from __future__ import annotations
import json, math, multiprocessing as mp, os, sys, time
T0 = time.time()
MODE, SECONDS, SET, ZIP, OUT = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
ROOT = os.environ.get("ROOT", os.getcwd())
sys.path[:0] = [ROOT, os.path.dirname(os.path.abspath(__file__))]
import numpy as np

def sketch_batch(job):
    import cv2
    cv2.setNumThreads(1)
    from PIL import Image
    from psp.pictures.sketches import photo_to_sketch
    at, pictures = job
    return at, np.stack([np.asarray(photo_to_sketch(Image.fromarray(p))) for p in pictures])

def main() -> None:
    pool = mp.get_context("fork").Pool(int(os.environ.get("WORKERS", "13")))
    import copy, torch, torch.nn.functional as F
    from torch import Tensor, nn
    from safetensors.torch import load_file, save_file
    import nets, data
    from mobile import Mobile, Last
    from nets import Encoder, Refine, Seer, BiSeNet, Parser, pack, unpack, TO_OURS
    from psp.losses.lpips import LPIPS
    dev = torch.device("cuda" if torch.cuda.is_available() else "cpu"); gpu = dev.type == "cuda"
    torch.manual_seed(7); torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    amp = lambda: torch.autocast(dev.type, torch.bfloat16)
    small = not gpu
    C = 2 if small else 32  # the decoder's fixed batch
    def say(*a): print(f"[{time.time() - T0:6.1f}]", *a, flush=True)
    os.makedirs(OUT, exist_ok=True)
    log = open(f"{OUT}/log.txt", "w")
    def note(**k): log.write(json.dumps({"t": round(time.time() - T0, 1), **k}) + "\n"); log.flush(); say(k)

    gen = Mobile(); gen.load_state_dict({k: v.float() for k, v in load_file(f"{SET}/mobile.safetensors").items()}); gen.requires_grad_(False).to(dev)
    seer = Seer(); seer.network.load_state_dict({k: v.float() for k, v in load_file(f"{SET}/dlib.safetensors").items()}); seer.to(dev)
    lp = LPIPS({k: v for k, v in load_file(f"{SET}/lpips-alex.safetensors").items()}).to(dev)
    bise = BiSeNet(); bise.load_state_dict(unpack(load_file(f"{SET}/bisenet.safetensors")), strict=False); bise.eval().requires_grad_(False).to(dev)
    enc = Encoder(); start = unpack(load_file(f"{SET}/start.safetensors"))
    # The file's halves overflowed where a norm's variance is over 65504: these are measured anew below.
    start = {k: v.nan_to_num(posinf=7e4) if k.endswith("running_var") else v for k, v in start.items()}
    enc.load_state_dict(start, strict=False); enc.to(dev)
    train, val = data.photos(ZIP, "train").to(dev), data.photos(ZIP, "val").to(dev)
    say("loaded", len(train), len(val), torch.cuda.get_device_name() if gpu else "cpu")
    mean = gen.w_avg
    train_lines = pool.map_async(sketch_batch, [(i, train[i:i + 32].permute(0, 2, 3, 1).cpu().numpy()) for i in range(0, len(train), 32)])

    # --- the decoder, as fast as it gets
    ways = {}
    last = Last(gen, torch.bfloat16)
    ways["eager"] = lambda c: gen(c, 256, torch.bfloat16)
    choice = os.environ.get("DECODER", "nhwc" if gpu else "eager")
    if gpu:
        torch._dynamo.config.automatic_dynamic_shapes = False
        ways["nhwc"] = torch.compile(last.__call__, dynamic=False)
        ways["nchw"] = torch.compile(lambda c: gen(c, 256, torch.bfloat16), dynamic=False)
    def timed(name: str) -> float:
        f = ways[name]; c = data.draw(gen, C, dev)
        for _ in range(2):
            x = c.clone().requires_grad_(True); f(x).square().mean().backward()
            with torch.no_grad(): f(c)
        torch.cuda.synchronize(); t = time.time()
        for _ in range(8):
            x = c.clone().requires_grad_(True); f(x).square().mean().backward()
        torch.cuda.synchronize(); g = (time.time() - t) / 8 / C * 1e3; t = time.time()
        with torch.no_grad():
            for _ in range(8): f(c)
        torch.cuda.synchronize(); n = (time.time() - t) / 8 / C * 1e3
        note(decoder=name, grad_ms=round(g, 3), plain_ms=round(n, 3), mem=round(torch.cuda.max_memory_allocated() / 2**30, 1))
        return g + n
    if gpu:
        best = f"{SET}/decoder.json"
        if os.path.exists(best): choice = json.load(open(best))["way"]
        elif MODE == "trial":
            times = {}
            for name in ("nhwc", "nchw", "eager"):
                if name == "nchw" and time.time() - T0 > 110: continue
                try: times[name] = timed(name)
                except Exception as error: note(decoder=name, failed=repr(error)[:500]); torch.cuda.empty_cache()
            choice = min(times, key=times.get); json.dump({"way": choice}, open(best, "w"))
    note(chosen=choice)
    def decode(codes: Tensor) -> Tensor:
        """[B,23,512] -> [B,3,256,256], float32; B is a multiple of C."""
        with torch.autocast(dev.type, enabled=False):
            return torch.cat([ways[choice](c.float().contiguous()) for c in codes.split(C)])
    @torch.no_grad()
    def paint(codes: Tensor) -> Tensor:
        n = len(codes); m = -n % C
        if m: codes = torch.cat([codes, mean.expand(m, 23, 512)])
        return decode(codes.float())[:n].clamp(-1, 1)

    # --- the distance of codes behind the affine layers
    affines = [gen.first.affine] + [a for k in range(7) for a in (gen.ups[k], gen.c1[k].affine, gen.c2[k].affine)] + [gen.rgb_affine]
    with torch.no_grad():
        sample = torch.cat([data.draw(gen, 512, dev) for _ in range(1 if small else 8)])
        spread = [F.linear(sample[:, i], a.weight).var(0).mean() for i, a in enumerate(affines)]
        plain = sample.var(0).mean(1)
    def code_loss(codes: Tensor, wanted: Tensor) -> Tensor:
        e = codes.float() - wanted
        with amp(): s = [F.linear(e[:, i], a.weight) for i, a in enumerate(affines)]
        behind = torch.stack([x.float().square().mean() / v for x, v in zip(s, spread)])
        return behind.mean() + 0.1 * (e.square().mean((0, 2)) / plain).mean(), behind.detach()

    rows = (torch.arange(256, device=dev) + 0.5) / 256
    focus = torch.exp(-(((rows - 0.55)[:, None] ** 2 + (rows - 0.5)[None] ** 2) / (2 * 0.22**2)))
    focus = 1 + 1.8 * focus; focus = focus / focus.mean()
    def picture_loss(made: Tensor, wanted: Tensor, ident: float, seen_wanted: Tensor | None = None) -> tuple[Tensor, dict]:
        d = made - wanted
        pix = ((d.square() + 0.5 * d.abs()) * focus).mean()
        with amp():
            l2 = lp(made, wanted).mean()
            l1 = lp(F.avg_pool2d(made, 2), F.avg_pool2d(wanted, 2)).mean()
            mine = seer(made)[1]
            with torch.no_grad(): theirs = seer(wanted)[1] if seen_wanted is None else seen_wanted
        i = (mine - theirs).square().sum(1).add(1e-6).sqrt().mean()
        return pix + l2 + 0.4 * l1 + ident * i, {"pix": pix, "lp256": l2, "lp128": l1, "id": i}

    class Ema:
        def __init__(self, m: nn.Module, decay: float) -> None:
            self.m, self.copy, self.decay = m, copy.deepcopy(m).eval().requires_grad_(False), decay
            self.a = [t for t in self.copy.state_dict().values() if t.is_floating_point()]
            self.n = 0
        @torch.no_grad()
        def step(self) -> None:
            self.n += 1
            b = [t for t in self.m.state_dict().values() if t.is_floating_point()]
            torch._foreach_lerp_(self.a, b, 1 - min(self.decay, (1 + self.n) / (10 + self.n)))
    def optimizer(groups): return torch.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=1e-4, fused=gpu)
    def rate(start: float, end: float, warm: int, step: int) -> float:
        p = min(1.0, (time.time() - start) / max(end - start, 1e-6))
        return min(1.0, (step + 1) / warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * p)))
    def finish(opt, loss, params, base, factor):
        opt.zero_grad(set_to_none=True); loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0, foreach=True)
        for g, b in zip(opt.param_groups, base): g["lr"] = b * factor
        if torch.isfinite(norm): opt.step()
        return norm

    # --- the bank of pictures made on the way, and the sketches that processes draw of them
    N = 16 if small else (4096 if MODE == "trial" else 50000)
    bank_x = torch.zeros(N, 3, 256, 256, dtype=torch.uint8, device=dev); bank_c = torch.zeros(N, 23, 512, dtype=torch.float16, device=dev)
    filled = 0
    sketches: list[tuple[int, np.ndarray]] = []; waiting: list = []
    def keep(x: Tensor, c: Tensor, draw_too: bool) -> None:
        nonlocal filled
        k = min(len(x), N - filled)
        if k <= 0: return
        u = ((x[:k] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        bank_x[filled:filled + k] = u; bank_c[filled:filled + k] = c[:k].half()
        if draw_too and len(waiting) < 3 * 13 + len(sketches):
            waiting.append(None); pool.apply_async(sketch_batch, ((filled, u.permute(0, 2, 3, 1).cpu().numpy()),), callback=sketches.append, error_callback=lambda e: say("sketch", e))
        filled += k
    def from_bank(n: int, limit: int | None = None) -> tuple[Tensor, Tensor]:
        i = torch.randint(0, limit or filled, (n,), device=dev)
        return bank_x[i].float() / 127.5 - 1, bank_c[i].float()
    def some_photos(n: int) -> Tensor:
        i = torch.randint(0, len(train), (n,), device=dev)
        return data.colour(data.warp(train[i].float() / 127.5 - 1, 0.05, 0.03, 0.03, mirror=True), 0.8)

    # --- evaluation on the photos that are held out
    seconds = lambda a: f"{time.time() - a:.1f}"
    @torch.no_grad()
    def encode(e: nn.Module, x: Tensor, r: Refine | None = None, steps: int = 0) -> list[Tensor]:
        out = []
        for p in x.split(50):
            with amp():
                s = seer(p)[0]; a = e.vectors(p, s); c = e.codes(a) + mean
                made = [c]
                for _ in range(steps):
                    y = paint(c); b = e.vectors(y, seer(y)[0]); c = c + r(e, a, b); made.append(c)
            out.append(torch.stack(made))
        return list(torch.cat(out, 1))
    @torch.no_grad()
    def judge(name: str, e, x: Tensor, r=None, steps: int = 0) -> list[Tensor]:
        shown = []
        for k, codes in enumerate(encode(e, x, r, steps)):
            y = torch.cat([paint(c) for c in codes.split(50)]); shown.append(y)
            a, b = torch.cat([seer(p)[1] for p in x.split(50)]), torch.cat([seer(p)[1] for p in y.split(50)])
            d = torch.cdist(b, a); n = len(x)
            l2 = torch.cat([lp(p, q) for p, q in zip(y.split(50), x.split(50))]).mean(); half = lambda t: F.avg_pool2d(t, 2)
            l1 = torch.cat([lp(half(p), half(q)) for p, q in zip(y.split(50), x.split(50))]).mean()
            note(judge=name, step=k, lpips256=round(l2.item(), 4), lpips128=round(l1.item(), 4), mse128=round((half(y) - half(x)).square().mean().item(), 4),
                 dlib=round(d.diag().mean().item(), 4), wrong=round(((d.sum() - d.diag().sum()) / (n * n - n)).item(), 4), nearest=round((d.argmin(1) == torch.arange(n, device=dev)).float().mean().item(), 3))
        return shown
    vx = val.float() / 127.5 - 1
    with torch.no_grad():
        enc.train()
        for _ in range(1 if small else 30):
            x = data.degrade(paint(data.draw(gen, 2 * C, dev)))
            with amp(): enc(x, seer(x)[0])
    enc.eval(); judge("start", enc, vx)

    # --- when each part ends, as shares of the time that is left now
    begin = time.time(); left = T0 + SECONDS - begin - (12 if gpu else 1)
    shares = json.loads(os.environ.get("SHARES", '{"encode":0.37,"refine":0.33,"sketch":0.08,"map":0.09,"tiny":0.06,"parser":0.045}'))
    def window(name: str) -> tuple[float, float]:
        now = time.time(); return now, now + left * shares[name]

    # ===== encode
    S, K, P = (C, C, C) if small else (64, 64, 32)
    DS, DP = (C, C) if small else (32, 32)
    start, end = window("encode"); ema = Ema(enc, 0.997)
    params = list(enc.parameters()); opt = optimizer([{"params": params}]); base = [8e-4]
    step, every = 0, 100
    enc.train()
    while time.time() < end:
        with torch.no_grad():
            codes = data.draw(gen, S, dev); fresh = paint(codes); keep(fresh, codes, True)
            old_x, old_c = from_bank(K); photo = some_photos(P)
            clean = torch.cat([fresh, old_x, photo]); inputs = data.degrade(clean)
            with amp(): seen = torch.cat([seer(p)[0] for p in inputs.split(128)])
            wanted = torch.cat([codes, old_c])
        with amp(): out = enc(inputs, seen) + mean
        cl, each = code_loss(out[:S + K], wanted)
        pick = torch.cat([out[:DS], out[S + K:S + K + DP]]); goal = torch.cat([fresh[:DS], photo[:DP]])
        pl, terms = picture_loss(decode(pick), goal, 0.4)
        reg = (out[S + K:] - mean).square().mean() / plain.mean()
        loss = 0.5 * cl + pl + 0.01 * reg
        norm = finish(opt, loss, params, base, rate(start, end, 40, step)); ema.step(); step += 1
        if step in (1, 5, 20) or step % every == 0:
            note(part="encode", step=step, loss=round(loss.item(), 4), code=round(cl.item(), 4), coarse=round(each[:4].mean().item(), 3), medium=round(each[4:10].mean().item(), 3), fine=round(each[10:].mean().item(), 3), norm=round(float(norm), 2), filled=filled, sketches=len(sketches), **{k: round(v.item(), 4) for k, v in terms.items()})
    enc = ema.copy; judge("encode", enc, vx)
    def files(name: str, tensors) -> None: save_file({k: v.contiguous() for k, v in tensors.items()}, f"{OUT}/{name}.safetensors")
    def halves(m: nn.Module, names=None): return {k: (v.half() if v.dim() > 1 else v.float()).cpu() for k, v in m.state_dict().items() if v.is_floating_point() and (names is None or k in names)}
    def save_encoder() -> None:
        h = halves(enc); first = {k for k in h if k.startswith(("e.input_layer", "e.body", "e.l"))}
        files("encode-body", {k: h[k] for k in first}); files("encode-heads", {k: v for k, v in h.items() if k not in first})
    save_encoder(); say("saved", step)

    # ===== refinement: what the encoder's view of its own result tells
    start, end = window("refine")
    ref = Refine().to(dev); enc.requires_grad_(True); ema, ema_r = Ema(enc, 0.997), Ema(ref, 0.997)
    ep, rp = list(enc.parameters()), list(ref.parameters())
    opt = optimizer([{"params": ep}, {"params": rp}]); base = [4e-4, 1.2e-3]; step = 0
    S2, P2 = (C, C) if small else (32, 32)
    enc.eval(); ref.train()
    while time.time() < end:
        with torch.no_grad():
            codes = data.draw(gen, S2, dev); fresh = paint(codes); keep(fresh, codes, True)
            photo = some_photos(P2); clean = torch.cat([fresh, photo]); inputs = data.degrade(clean)
            with amp(): seen, goal = seer(inputs)[0], seer(clean)[1]
        with amp(): a = enc.vectors(inputs, seen); first = enc.codes(a) + mean
        point = first.detach()
        with torch.no_grad():
            if step % 3 == 2:  # a second look at what the first refinement made
                y = paint(point)
                with amp(): point = point + ref(enc, a, enc.vectors(y, seer(y)[0]))
            y = paint(point)
            with amp(): sy = seer(y)[0]
        with amp(): out = point + ref(enc, a, enc.vectors(y, sy))
        c0, _ = code_loss(first[:S2], codes); c1, each = code_loss(out[:S2], codes)
        pl, terms = picture_loss(decode(out), clean, 0.4, goal)
        pick = torch.arange(0, len(clean), max(1, len(clean) // C), device=dev)[:C]
        if step % 2 == 0: q0, _ = picture_loss(decode(first[pick]), clean[pick], 0.4, goal[pick])
        else: q0 = torch.zeros((), device=dev)
        loss = 0.35 * c0 + 0.35 * c1 + pl + q0 + 0.01 * (out[S2:] - mean).square().mean() / plain.mean()
        norm = finish(opt, loss, ep + rp, base, rate(start, end, 30, step)); ema.step(); ema_r.step(); step += 1
        if step in (1, 5, 20) or step % every == 0:
            note(part="refine", step=step, loss=round(loss.item(), 4), c0=round(c0.item(), 4), c1=round(c1.item(), 4), q0=round(q0.item(), 4), norm=round(float(norm), 2), gain=[round(g, 2) for g in ref.gain.tolist()], filled=filled, sketches=len(sketches), **{k: round(v.item(), 4) for k, v in terms.items()})
    enc, ref = ema.copy, ema_r.copy
    shown = judge("refined", enc, vx, ref, 3); save_encoder(); say("saved", step)

    # ===== the other tasks: input, units 0-7 and lateral layers of their own; trunks and heads are encode's
    def task(name: str, channels: int, sees: bool, make, limit: int | None, batch: int) -> Encoder:
        start, end = window(name)
        net = Encoder(channels, sees).to(dev)
        own = {k: v for k, v in enc.state_dict().items() if k in net.state_dict() and v.shape == net.state_dict()[k].shape}
        net.load_state_dict(own, strict=False)
        if not sees:
            with torch.no_grad():
                s = seer(vx)[0]; q = enc.norm(s); net.blind.copy_(torch.stack([side(q).mean(0) for side in enc.side]))
        mine = [k for k, _ in net.named_parameters() if k.startswith(("e.input_layer", "e.l0", "e.l1", "e.l2", "blind")) or (k.startswith("e.body.") and int(k.split(".")[2]) < 8)]
        for k, p in net.named_parameters(): p.requires_grad_(k in mine)
        net.eval(); net.e.input_layer.train(); [net.e.body[i].train() for i in range(8)]
        params = [p for p in net.parameters() if p.requires_grad]
        new = [p for n, p in net.named_parameters() if p.requires_grad and n.startswith("e.input_layer")]
        ema = Ema(net, 0.996); opt = optimizer([{"params": params}]); step = 0
        while time.time() < end:
            late = time.time() > start + 0.35 * (end - start)
            with torch.no_grad(): inputs, clean, codes = make(batch)
            with amp():
                seen = None
                if sees:
                    with torch.no_grad(): seen = seer(inputs)[0]
                out = net(inputs, seen) + mean
            known = len(codes)
            cl, each = code_loss(out[:known], codes); loss = cl; terms = {}
            if late and step % 2 == 0:
                k = C if small else 32
                pick = torch.cat([torch.arange(k // 2, device=dev), torch.arange(len(out) - k // 2, len(out), device=dev)])
                pl, terms = picture_loss(decode(out[pick]), clean[pick], 0.3); loss = loss * 0.6 + pl
            norm = finish(opt, loss, params, [1.2e-3], rate(start, end, 30, step)); ema.step(); step += 1
            if step in (1, 20) or step % every == 0: note(part=name, step=step, loss=round(loss.item(), 4), code=round(cl.item(), 4), coarse=round(each[:4].mean().item(), 3), medium=round(each[4:10].mean().item(), 3), fine=round(each[10:].mean().item(), 3), norm=round(float(norm), 2), **{k: round(v.item(), 4) for k, v in terms.items()})
        h = halves(ema.copy); keepers = tuple(["e.input_layer", "e.l0", "e.l1", "e.l2", "blind"] + [f"e.body.{i}." for i in range(8)])
        files(name, {k: v for k, v in h.items() if k.startswith(keepers)})
        say(name, step, "steps"); return ema.copy

    order = torch.tensor(TO_OURS, device=dev)
    @torch.no_grad()
    def logits(x: Tensor) -> Tensor:
        with amp(): out = torch.cat([bise(p) for p in x.split(64)])
        ours = torch.empty_like(out); ours[:, order] = out
        return ours
    def maps(x: Tensor) -> Tensor:
        l = logits(x)
        if torch.rand(()) < 0.25: l = F.avg_pool2d(l, 3, 1, 1)
        l = F.interpolate(l, size=(256, 256), mode="bilinear", align_corners=False)
        if torch.rand(()) < 0.3: l[:, [15, 16]] = -1e4  # earrings and necklaces are seldom painted
        return F.one_hot(l.argmax(1), 19).permute(0, 3, 1, 2).float()
    # what was drawn so far
    while small and not sketches: time.sleep(0.5)
    done = sorted(sketches, key=lambda j: j[0]); where = torch.cat([torch.arange(a, a + len(s)) for a, s in done]).to(dev)
    lines = torch.from_numpy(np.concatenate([s for _, s in done])).to(dev); say("sketches", len(lines), "bank", filled)
    photo_lines = torch.from_numpy(np.concatenate([s for _, s in train_lines.get(60)])).to(dev)
    vl = torch.from_numpy(sketch_batch((0, val[:32].permute(0, 2, 3, 1).cpu().numpy()))[1]).to(dev).float()[:, None] / 255
    q = lambda b: max(C // 2, b // 8)
    def make_sketch(b: int):
        i = torch.randint(0, len(where), (b,), device=dev); x, c = bank_x[where[i]].float() / 127.5 - 1, bank_c[where[i]].float()
        j = torch.randint(0, len(photo_lines), (q(b),), device=dev); p, l = train[j].float() / 127.5 - 1, photo_lines[j][:, None].float() / 255
        m = torch.rand(len(j), 1, 1, 1, device=dev) < 0.5
        p, l = torch.where(m, p.flip(3), p), torch.where(m, l.flip(3), l)
        return data.drawn(torch.cat([lines[i][:, None].float() / 255, l])), torch.cat([x, p]), c
    def make_map(b: int):
        x, c = from_bank(b); p = some_photos(q(b))
        return data.warp(maps(torch.cat([x, p])), 0.03, 0.03, 0.015, share=0.5), torch.cat([x, p]), c
    def make_tiny(b: int):
        x, c = from_bank(b); p = some_photos(q(b)); clean = torch.cat([x, p])
        return data.tiny(clean), clean, c
    B = 4 if small else 192
    tasks = {"sketch": task("sketch", 1, False, make_sketch, None, B)}
    if "map" in shares: tasks["map"] = task("map", 19, False, make_map, None, B)
    if "tiny" in shares: tasks["tiny"] = task("tiny", 3, True, make_tiny, None, B)

    torch.backends.cudnn.benchmark = False  # trying ways of depthwise convolutions took twenty seconds
    # ===== the parser
    start, end = window("parser"); net = Parser().to(dev).train(); ema = Ema(net, 0.995); opt = optimizer([{"params": list(net.parameters())}]); step = 0
    net.to(memory_format=torch.channels_last)
    while time.time() < end:
        with torch.no_grad():
            x = torch.cat([from_bank(B)[0], some_photos(q(B))]); x = data.warp(x, 0.08, 0.08, 0.05, mirror=False, share=0.7)
            t = F.softmax(F.interpolate(logits(x), size=(128, 128), mode="bilinear", align_corners=False), 1); y = data.degrade(data.colour(x, 0.7))
        with amp(): out = net(y.contiguous(memory_format=torch.channels_last))
        loss = -(t * F.log_softmax(out, 1)).sum(1).mean()
        norm = finish(opt, loss, list(net.parameters()), [4e-3], rate(start, end, 30, step)); ema.step(); step += 1
        if step in (1, 20) or step % every == 0: note(part="parser", step=step, loss=round(loss.item(), 4), agree=round((out.argmax(1) == t.argmax(1)).float().mean().item(), 4))
    parser = ema.copy; say("parser", step)
    with torch.no_grad():
        l = F.interpolate(logits(vx), size=(128, 128), mode="bilinear", align_corners=False).argmax(1); m = torch.cat([parser(p) for p in vx.split(50)]).argmax(1)
        iou = [((l == k) & (m == k)).sum().item() / max(1, ((l == k) | (m == k)).sum().item()) for k in range(19)]; note(parser_agree=round((l == m).float().mean().item(), 4), iou=[round(i, 3) for i in iou])
    files("refine-parser", {**{"refine." + k: v for k, v in halves(ref).items()}, **{"parser." + k: v for k, v in halves(parser).items()}})

    # ===== sheets
    with torch.no_grad():
        n = min(32, len(vx)); x = vx[:n]; vm = maps(x); row = [x, shown[0][:n], shown[1][:n], shown[2][:n]]
        for name, e in tasks.items():
            inp = {"sketch": vl[:n], "map": vm, "tiny": data.scaled(x, 32)}[name]
            with amp(): c = e(inp, seer(inp)[0] if e.sees else None) + mean
            show = inp.expand(-1, 3, -1, -1) * 2 - 1 if name == "sketch" else inp if name == "tiny" else (inp.argmax(1, keepdim=True).float() / 9 - 1).expand(-1, 3, -1, -1)
            y = paint(c); row += [show, y]
            d = (seer(y)[1] - seer(x)[1]).norm(dim=1).mean(); note(task=name, dlib=round(d.item(), 4), lpips256=round(lp(y, x).mean().item(), 4))
        from PIL import Image
        cells = torch.stack(row, 1).clamp(-1, 1)  # [n,k,3,256,256]
        k = cells.shape[1]; image = cells.permute(0, 3, 1, 4, 2).reshape(n * 256, k * 256, 3)
        Image.fromarray(((image + 1) * 127.5).round().byte().cpu().numpy()).save(f"{OUT}/sheet.jpg", quality=88)
    note(end=True, mem=round(torch.cuda.max_memory_allocated() / 2**30, 1) if gpu else 0)
    log.close(); pool.terminate()

main()
