"""Figures of the weights on held-out photos: python judge.py SET ZIP TFLITE (SET as for train2.py, with mobile32.safetensors; TFLITE: MobileFaceNet)."""
from __future__ import annotations
import os, sys
HERE = os.path.dirname(os.path.abspath(__file__)); sys.path[:0] = [HERE, os.environ.get("ROOT", os.getcwd())]
import numpy as np, openvino as ov, torch, torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from psp.checkpoints.quantize import from_int8
from psp.losses.lpips import LPIPS
from psp.pictures.sketches import photo_to_sketch
import data
from mobile import Mobile
from nets import TO_OURS, BiSeNet, Encoder, Refine, Seer, unpack
from nets2 import Drawn, Frontal

SET, ZIP, TFLITE = sys.argv[1:4]
core = ov.Core(); core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"}); face = core.compile_model(core.read_model(TFLITE), "CPU")
gen = Mobile(); gen.load_state_dict(load_file(f"{SET}/mobile32.safetensors")); gen.requires_grad_(False)
seer = Seer(); seer.network.load_state_dict({k: v.float() for k, v in load_file(f"{SET}/dlib.safetensors").items()})
lp = LPIPS(load_file(f"{SET}/lpips-alex.safetensors"))
bise = BiSeNet(); bise.load_state_dict(unpack(load_file(f"{SET}/bisenet.safetensors")), strict=False); bise.eval()

def read(name: str) -> dict:
    path = os.path.join(HERE, "..", f"{name}.safetensors")
    return {k: v.float() for k, v in from_int8(name, load_file(path)).items()}

def independent(x):
    """Unit vectors of the face network that no training saw: rows 35-222, columns 32-219, two pictures at a time."""
    f = F.interpolate(x[:, :, 35:223, 32:220], size=(112, 112), mode="bilinear", align_corners=False, antialias=True).permute(0, 2, 3, 1).numpy()
    out = [list(face([np.ascontiguousarray(np.resize(f[i:i + 2], (2, 112, 112, 3)))]).values())[0][:len(f[i:i + 2])] for i in range(0, len(f), 2)]
    return F.normalize(torch.from_numpy(np.concatenate(out)), dim=1)

def figures(name: str, x, y) -> None:
    c, n = independent(y) @ independent(x).T, len(x); other = ~torch.eye(n, dtype=torch.bool)
    d = torch.cdist(seer(y)[1], seer(x)[1]); h = lambda t: F.avg_pool2d(t, 2); near = lambda i: (i == torch.arange(n)).float().mean()
    l = lambda p, q: torch.cat([lp(u, v) for u, v in zip(p.split(10), q.split(10))]).mean()
    print(f"{name}: cosine {c.diag().mean():.3f} (wrong {c[other].mean():.3f}), nearest {near(c.argmax(1)):.2f}; dlib {d.diag().mean():.3f} ({d[other].mean():.3f}), nearest {near(d.argmin(1)):.2f}; "
          f"LPIPS 128/256 {l(h(y), h(x)):.3f}/{l(y, x):.3f}; MSE {(h(y) - h(x)).square().mean():.3f}", flush=True)

def render(codes): return torch.cat([gen(p, 256) for p in codes.split(5)]).clamp(-1, 1)

with torch.no_grad():
    body, heads = read("encode-body"), read("encode-heads")
    e, r = Encoder().eval(), Refine().eval(); e.load_state_dict({**body, **heads}, strict=False); r.load_state_dict(read("refine"))
    x = data.photos(ZIP, "val"); pictures = x.permute(0, 2, 3, 1).numpy(); x = x.float() / 127.5 - 1
    a = e.vectors(x, seer(x)[0]); c = e.codes(a) + gen.w_avg
    for k in range(3):
        y = render(c); figures(f"{k} refinements", x, y)
        if k < 2: c = c + r(e, a, e.vectors(y, seer(y)[0]))
    def task(net, name: str):
        own, state = read(name), net.state_dict()
        shared = {k: v for k, v in {**body, **heads}.items() if k in state and v.shape == state[k].shape}
        net.load_state_dict({**shared, **own}, strict=False); return net.eval()
    def measure(name: str, made) -> None: figures(f"{name} against the photo", x, made); figures(f"{name} against encode", y, made)
    ink = torch.from_numpy(np.stack([np.asarray(photo_to_sketch(Image.fromarray(p))) for p in pictures])).float()[:, None] / 255
    measure("sketch", render(task(Drawn(1), "sketch_to_face")(ink, seer(ink.expand(-1, 3, -1, -1) * 2 - 1)[0]) + gen.w_avg))
    logits = torch.cat([bise(p) for p in x.split(10)]); ours = torch.empty_like(logits); ours[:, torch.tensor(TO_OURS)] = logits
    maps = F.one_hot(F.interpolate(ours, size=(256, 256), mode="bilinear", align_corners=False).argmax(1), 19).permute(0, 3, 1, 2).float()
    measure("map", render(task(Encoder(19, False), "segmentation_to_face")(maps, None) + gen.w_avg))
    small = data.scaled(x, 32); measure("x8", render(task(Encoder(3), "super_resolution")(small, seer(small)[0]) + gen.w_avg))
    if os.path.exists(os.path.join(HERE, "..", "frontalize.safetensors")):
        w = read("frontalize"); f = Frontal(w["mean"], w["spread"]); f.load_state_dict(w); measure("frontalised", render(f(c)))
