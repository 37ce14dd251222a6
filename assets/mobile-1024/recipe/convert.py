"""The wheel's two graphs as tensors of ``mobile.Mobile``: python convert.py FOLDER OUT (FOLDER: random_face/data of the wheel)."""
import sys, xml.etree.ElementTree as ET
import numpy as np, torch
from mobile import Mobile, WIDTHS
from safetensors.torch import save_file
def read(name):
    base = f"{sys.argv[1]}/{name}"
    data = open(base + ".bin", "rb").read(); out = {}; layers = {}; edges = {}
    t = ET.parse(base + ".xml").getroot()
    for l in t.find("layers"):
        layers[l.get("id")] = l
        d = l.find("data")
        if l.get("type") == "Const" and d.get("element_type") == "f32":
            shape = [int(s) for s in d.get("shape").split(",") if s.strip()]
            out[l.get("id")] = np.frombuffer(data, "<f4", int(d.get("size")) // 4, int(d.get("offset"))).reshape(shape)
    for e in t.find("edges"): edges.setdefault(e.get("to-layer"), []).append((int(e.get("to-port")), e.get("from-layer")))
    byname = {l.get("name"): i for i, l in layers.items()}
    return out, layers, {k: [x for _, x in sorted(v)] for k, v in edges.items()}, byname
m = Mobile(); sd = {}
c, layers, edges, names = read("MappingNetwork")
for i in range(8):
    w = c[names[str(173 + 4 * i)]]; b = c[names[str(174 + 4 * i)]]
    mm = [l for l in layers.values() if l.get("type") == "MatMul"][i]
    d = mm.find("data").attrib
    tb = d.get("transpose_b") in ("true", "1")
    sd[f"mapping.{i}.weight"] = w if tb else w.T
    sd[f"mapping.{i}.bias"] = b
    if i == 0: print(d)
c, layers, edges, names = read("SynthesisNetwork")
users = {}
for k, v in edges.items():
    for x in v: users.setdefault(x, []).append(k)
def affine(prefix, path, scale=True):
    w, b = names[path + ".modulation.weight"], names[path + ".modulation.bias"]
    mm = layers[users[w][0]]; assert mm.find("data").get("transpose_b") in ("true", "1"), mm.find("data").attrib
    sd[prefix + ".weight"] = c[w]; sd[prefix + ".bias"] = c[b].reshape(-1)
    if scale:
        n = users[b][0]
        n = [u for u in users[n] if layers[u].get("type") == "Reshape"][0]
        n = users[n][0]; assert layers[n].get("type") == "Multiply"
        s = [c[x] for x in edges[n] if x in c][0]; sd[prefix + ".scale"] = s.reshape(())
        print(prefix, float(s.reshape(-1)[0]))
def conv(prefix, path, dense=False):
    affine(prefix + ".affine", path + ".conv")
    bias = names[path + ".bias"]; sd[prefix + ".bias"] = c[bias].reshape(-1)
    add = users[bias][0]; prev = [x for x in edges[add] if x != bias][0]      # add of noise
    noise = [x for x in edges[prev] if x in c][0]; sd[prefix + ".noise"] = c[noise]
    cv = [x for x in edges[prev] if x not in c][0]; w = [x for x in edges[cv] if x in c][0]
    sd[prefix + ".weight"] = c[w]
    if not dense:
        sd[prefix + ".dw"] = c[names[path + ".conv.weight_dw"]].reshape(-1, 1, 3, 3)
sd["const"] = c[names["m.input.input"]]
conv("first", "m.conv1", True)
for k in range(7):
    affine(f"ups.{k}", f"m.layers.{k}.up", False)
    conv(f"c1.{k}", f"m.layers.{k}.conv1"); conv(f"c2.{k}", f"m.layers.{k}.conv2")
affine("rgb_affine", "m.layers.6.to_img.conv"); sd["rgb"] = c[names["m.layers.6.to_img.conv.weight"]]; sd["rgb_bias"] = c[names["m.layers.6.to_img.bias"]].reshape(-1)
sd = {k: torch.from_numpy(np.array(v, np.float32)) for k, v in sd.items()}; sd["w_avg"] = torch.zeros(512)
m.load_state_dict(sd)
with torch.no_grad():
    g = torch.Generator().manual_seed(0)
    sd["w_avg"] = torch.cat([m.map(torch.randn(10000, 512, generator=g)) for _ in range(20)]).mean(0)
m.load_state_dict(sd); save_file(sd, f"{sys.argv[2]}/mobile32.safetensors")
save_file({k: v.half() for k, v in sd.items()}, f"{sys.argv[2]}/mobile.safetensors")
