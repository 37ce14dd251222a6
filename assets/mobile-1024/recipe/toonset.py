"""Pairs to tune the generator on for toonify: codes, and the cartoon of their picture at 512 px: python toonset.py N OUT SEED MOBILE32."""
from __future__ import annotations
import io, os, sys
HERE = os.path.dirname(os.path.abspath(__file__)); sys.path[:0] = [HERE, os.environ.get("ROOT", os.getcwd())]
import numpy as np, torch
from PIL import Image
from safetensors.torch import load_file, save_file
import data
from mobile import Mobile
from psp.errors import PspError
from psp.training.data.cartoon import cartoonize

N, OUT, SEED, WEIGHTS = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
torch.manual_seed(SEED)
gen = Mobile(); gen.load_state_dict(load_file(WEIGHTS)); gen.requires_grad_(False)
codes = data.draw(gen, N, "cpu"); kept, files = [], []
for i in range(N):
    picture = ((gen(codes[i:i + 1], 512)[0].clamp(-1, 1).permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
    try: cartoon = cartoonize(np.ascontiguousarray(picture))
    except PspError: continue
    file = io.BytesIO(); Image.fromarray(cartoon).save(file, "WEBP", quality=76, method=2)
    files.append(np.frombuffer(file.getvalue(), np.uint8)); kept.append(i)
# Most of a picture's codes are the same w: each is kept once.
half = codes[kept].half(); rows, which = torch.unique(half.view(-1, 512).view(torch.int16), dim=0, return_inverse=True)
save_file({"rows": rows.view(torch.float16).contiguous(), "which": which.view(len(kept), 23).to(torch.int32).contiguous(),
           "bytes": torch.from_numpy(np.concatenate(files)), "lengths": torch.tensor([len(f) for f in files])}, OUT)
