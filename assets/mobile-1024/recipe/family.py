"""A folder of models out of the waiting weights, to try them: python family.py WHEEL DIR; then --model DIR, or an entry of PSP_MODELS.

Looks for frontalize.safetensors and toonify.safetensors here too; the card says where they are.
"""
from __future__ import annotations
import os, re, sys
from pathlib import Path
HERE = Path(__file__).resolve().parent.parent; sys.path[:0] = [os.environ.get("ROOT", str(HERE.parent.parent))]
import torch
from psp.checkpoints.dlib_file import load_face_descriptor
from psp.checkpoints.mobile_wheel import LICENCE, open_mobile_wheel
from psp.checkpoints.quantize import from_int8
from psp.checkpoints.save import save_psp
from psp.checkpoints.tensors import load_tensors
from psp.models.compact import FACE_WEIGHTS, CompactConfig
from psp.models.psp import PSP, PSPConfig

NAMES = ((r"^e\.l(\d)\.", r"laterals.\1."), (r"^e\.trunks\.(\d)\.fc\.", r"trunks.\1.linear."), (r"^e\.", ""), (r"^norm\.", "sight.norm."),
         (r"^side\.", "sight.levels."), (r"^seen\.", "sight.narrow."), (r"^tell\.", "sight.levels."), (r"^blind$", "unseen"))
wheel, out = Path(sys.argv[1]), Path(sys.argv[2]); out.mkdir(parents=True, exist_ok=True)

def read(name: str) -> dict:
    path = HERE / f"{name}.safetensors"
    return {k: v.float() for k, v in from_int8(path.name, load_tensors(path)[0]).items()}
def ours(name: str) -> dict:
    made = {}
    for key, value in read(name).items():
        for pattern, replacement in NAMES: key = re.sub(pattern, replacement, key)
        made[key] = value
    return made

opened = open_mobile_wheel(wheel); generator = opened.generator
with torch.no_grad():  # the average that the encoders were trained with
    draw = torch.Generator().manual_seed(0); w_avg = torch.cat([generator.map(torch.randn(10000, 512, generator=draw)) for _ in range(20)]).mean(0)
body, heads, face = ours("encode-body"), ours("encode-heads"), load_face_descriptor().state_dict()
refine = {f"correction.{k}": v for k, v in read("refine").items()}

def build(task: str, config: CompactConfig, own: dict, changed: dict | None = None) -> None:
    model = PSP(PSPConfig(config, generator.config)).eval()
    shared = {k: v for k, v in {**body, **heads}.items() if not (k.startswith("sight") and config.sight != "photo")}
    own = {k: v for k, v in own.items() if not (k.startswith("sight") and config.sight == "none")}
    state = {f"encoder.{k}": v for k, v in {**shared, **own}.items()} | {f"decoder.{k}": v for k, v in generator.state_dict().items()} | (changed or {})
    if config.sight != "none": state |= {FACE_WEIGHTS + k: v for k, v in face.items()}
    counts = {k: v for k, v in model.state_dict().items() if k.endswith("num_batches_tracked")}
    model.load_state_dict(counts | state | {"latent_avg": w_avg.expand(generator.config.n_codes, -1)}, strict=True)
    path = out / f"{task}.safetensors"; path.unlink(missing_ok=True)
    save_psp(model, path, precision="half", decoder_file=None if changed else "generator.safetensors", info={"task": task, "licence": LICENCE})
    print(path, round(path.stat().st_size / 1e6, 1), "MB", flush=True)

build("encode", CompactConfig(corrections=2), refine)
build("super_resolution", CompactConfig(), ours("super_resolution"))
build("sketch_to_face", CompactConfig(in_channels=1, sight="drawing"), ours("sketch_to_face"))
build("segmentation_to_face", CompactConfig(in_channels=19, sight="none"), ours("segmentation_to_face"))
if (HERE / "frontalize.safetensors").is_file():
    build("frontalize", CompactConfig(corrections=2, frontal_rank=64), refine | {f"frontal.{k}": v for k, v in read("frontalize").items()})
if (HERE / "toonify.safetensors").is_file():
    w, plain = read("toonify"), {k: v for k, v in generator.state_dict().items()}; gains = w.pop("noise_gains"); changed = {}
    for key, value in w.items():
        m = re.match(r"c([12])\.(\d)\.(\w+)", key)
        name = {"rgb": "to_bands.weight", "rgb_bias": "to_bands.bias"}.get(key) or f"blocks.{m[2]}.conv{m[1]}.{'depthwise' if m[3] == 'dw' else m[3]}"
        changed[f"decoder.{name}"] = plain[name] + value.view(plain[name].shape)
    for k in range(7):
        for j in (1, 2): name = f"blocks.{k}.conv{j}.noise"; changed[f"decoder.{name}"] = plain[name] * gains[2 * k + j - 1]
    build("toonify", CompactConfig(), {}, changed)
