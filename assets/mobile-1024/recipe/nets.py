"""The networks of the run: the encoder (start: shared/models), its refinement, BiSeNet for labels, a small parser, files."""
from __future__ import annotations
import itertools
import torch, torch.nn.functional as F
from torch import Tensor, nn
from psp.models.irse import Stage, body, input_layer
from psp.models.descriptor import FaceDescriptor

WIDTH, STAGES = 64, ((64, 2), (128, 2), (192, 3), (256, 2))
PYRAMID, TRUNK, VECTOR, CODES, MEDIUM, FINE, PATCH, SEEN = 192, 192, 256, 23, 4, 10, 4, 896

class Trunk(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        layers, channels = [], PYRAMID
        while size > 2:
            layers += [nn.Conv2d(channels, TRUNK, 3, 2, 1, bias=False), nn.BatchNorm2d(TRUNK), nn.PReLU(TRUNK)]
            channels, size = TRUNK, size // 2
        self.convs = nn.Sequential(*layers); self.fc = nn.Linear(TRUNK * 4, VECTOR); self.act = nn.PReLU(VECTOR)
    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.fc(self.convs(x).flatten(1)))

class Pyramid(nn.Module):
    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        stages = tuple(Stage(*s) for s in STAGES)
        self.input_layer = input_layer(channels * PATCH**2, WIDTH)
        self.body = body(WIDTH, stages)
        self.ends = tuple(itertools.accumulate(s.units for s in stages))[-3:]
        fine, medium, coarse = (s.depth for s in stages[-3:])
        self.l0, self.l1, self.l2 = (nn.Conv2d(c, PYRAMID, 1) for c in (coarse, medium, fine))
        self.trunks = nn.ModuleList([Trunk(4), Trunk(8), Trunk(16)])
        self.base = nn.Linear(VECTOR, 512)
        self.heads = nn.ModuleList([nn.Linear(VECTOR, 512) for _ in range(CODES)])

class Encoder(nn.Module):
    """``start`` is the vector of what the face network sees where it sees nothing (sketches, maps): a learned one."""
    def __init__(self, channels: int = 3, sees: bool = True) -> None:
        super().__init__()
        self.e = Pyramid(channels); self.sees = sees
        self.norm = nn.BatchNorm1d(SEEN, affine=False)
        self.side = nn.ModuleList([nn.Sequential(nn.Linear(SEEN, VECTOR), nn.PReLU(VECTOR), nn.Linear(VECTOR, VECTOR)) for _ in range(3)])
        if not sees: self.blind = nn.Parameter(torch.zeros(3, VECTOR))
    def vectors(self, images: Tensor, seen: Tensor | None) -> list[Tensor]:
        e = self.e
        x = e.input_layer(F.pixel_unshuffle(images, PATCH))
        taps = []
        for i, unit in enumerate(e.body, 1):
            x = unit(x)
            if i in e.ends: taps.append(x)
        fine, medium, coarse = taps
        coarse = e.l0(coarse); medium = up(coarse, e.l1(medium)); fine = up(medium, e.l2(fine))
        if self.sees:
            q = self.norm(seen.float()); sides = [s(q) for s in self.side]
        else: sides = [b.expand(len(images), -1) for b in self.blind]
        return [t(level) + s for t, level, s in zip(e.trunks, (coarse, medium, fine), sides)]
    def codes(self, v: list[Tensor]) -> Tensor:
        base = self.e.base(v[0])
        return torch.stack([base + head(v[(i >= MEDIUM) + (i >= FINE)]) for i, head in enumerate(self.e.heads)], 1).float()
    def forward(self, images: Tensor, seen: Tensor | None = None) -> Tensor:
        return self.codes(self.vectors(images, seen))

def up(a: Tensor, b: Tensor) -> Tensor:
    return F.interpolate(a, size=b.shape[-2:], mode="bilinear", align_corners=True) + b

class Refine(nn.Module):
    """What the encoder's vectors of a photo and of the picture made of it say about the codes: vectors for the same heads."""
    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList()
        for _ in range(3):
            net = nn.Sequential(nn.Linear(4 * VECTOR, 448), nn.LayerNorm(448), nn.GELU(), nn.Linear(448, 448), nn.GELU(), nn.Linear(448, VECTOR))
            nn.init.zeros_(net[-1].weight); nn.init.zeros_(net[-1].bias); self.nets.append(net)
        self.gain = nn.Parameter(torch.full((3,), 0.5))
    def forward(self, encoder: Encoder, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Offsets of the codes, from the vectors of the photo and of its picture."""
        u = [net(torch.cat([x, x - y, a[0], a[0] - b[0]], 1)) + g * (x - y) for net, x, y, g in zip(self.nets, a, b, self.gain)]
        e = encoder.e
        base = F.linear(u[0], e.base.weight)
        return torch.stack([base + F.linear(u[(i >= MEDIUM) + (i >= FINE)], head.weight) for i, head in enumerate(e.heads)], 1).float()

class Seer(nn.Module):
    """What dlib's face network sees in aligned pictures: [B,896], and its descriptor [B,128]."""
    def __init__(self) -> None:
        super().__init__()
        self.network = FaceDescriptor().eval().requires_grad_(False)
        steps = ((torch.arange(150) + 0.5) / 150 - 0.5) * 0.697
        rows, columns = torch.meshgrid(steps + 0.603, steps + 0.5015, indexing="ij")
        self.register_buffer("grid", torch.stack([columns, rows], -1) * 2 - 1, persistent=False)
        self.register_buffer("mean", torch.tensor((122.782, 117.001, 104.298))[:, None, None], persistent=False)
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        n = self.network
        chips = F.grid_sample(images.float(), self.grid.expand(len(images), -1, -1, -1), mode="bilinear", align_corners=False)
        x = F.max_pool2d(F.relu(n.input_layer(((chips + 1) * 127.5 - self.mean) / 256)), 3, 2)
        middle = x
        for i, unit in enumerate(n.body):
            x = unit(x)
            if i == 9: middle = F.adaptive_avg_pool2d(x.float(), 2).flatten(1)
        pooled = x.float().mean((2, 3)); out = n.output(pooled).float()
        return torch.cat([out * 8, pooled * 4, middle * 4], 1), out

def cbr(a: int, b: int, k: int = 3, s: int = 1, p: int | None = None) -> nn.Module:
    m = nn.Module(); m.conv = nn.Conv2d(a, b, k, s, k // 2 if p is None else p, bias=False); m.bn = nn.BatchNorm2d(b)
    m.forward = lambda x: F.relu(m.bn(m.conv(x)))
    return m

class Basic(nn.Module):
    def __init__(self, a: int, b: int, s: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, s, 1, bias=False); self.bn1 = nn.BatchNorm2d(b)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1, bias=False); self.bn2 = nn.BatchNorm2d(b)
        self.downsample = nn.Sequential(nn.Conv2d(a, b, 1, s, bias=False), nn.BatchNorm2d(b)) if s > 1 or a != b else None
    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))

class BiSeNet(nn.Module):
    """Labels of the 19 classes (its own order) at 1/8 of 512 px, as logits [B,19,64,64]."""
    def __init__(self) -> None:
        super().__init__()
        cp = self.cp = nn.Module(); r = cp.resnet = nn.Module()
        r.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False); r.bn1 = nn.BatchNorm2d(64)
        for i, (a, b, s) in enumerate(((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)), 1):
            setattr(r, f"layer{i}", nn.Sequential(Basic(a, b, s), Basic(b, b, 1)))
        for n, c in (("arm16", 256), ("arm32", 512)):
            m = nn.Module(); m.conv = cbr(c, 128); m.conv_atten = nn.Conv2d(128, 128, 1, bias=False); m.bn_atten = nn.BatchNorm2d(128); setattr(cp, n, m)
        cp.conv_head32, cp.conv_head16, cp.conv_avg = cbr(128, 128), cbr(128, 128), cbr(512, 128, 1)
        f = self.ffm = nn.Module(); f.convblk = cbr(256, 256, 1); f.conv1 = nn.Conv2d(256, 64, 1, bias=False); f.conv2 = nn.Conv2d(64, 256, 1, bias=False)
        o = self.conv_out = nn.Module(); o.conv = cbr(256, 256); o.conv_out = nn.Conv2d(256, 19, 1, bias=False)
        self.register_buffer("m", torch.tensor((0.485, 0.456, 0.406))[:, None, None], persistent=False)
        self.register_buffer("d", torch.tensor((0.229, 0.224, 0.225))[:, None, None], persistent=False)
    @staticmethod
    def arm(m: nn.Module, x: Tensor) -> Tensor:
        x = m.conv.forward(x)
        return x * torch.sigmoid(m.bn_atten(m.conv_atten(x.mean((2, 3), keepdim=True))))
    def forward(self, images: Tensor) -> Tensor:
        x = F.interpolate(images, size=(512, 512), mode="bilinear", align_corners=False) if images.shape[-1] != 512 else images
        x = ((x + 1) / 2 - self.m) / self.d
        r, cp = self.cp.resnet, self.cp
        x = F.max_pool2d(F.relu(r.bn1(r.conv1(x))), 3, 2, 1)
        x8 = r.layer2(r.layer1(x)); x16 = r.layer3(x8); x32 = r.layer4(x16)
        a = cp.conv_avg.forward(x32.mean((2, 3), keepdim=True))
        u = cp.conv_head32.forward(F.interpolate(self.arm(cp.arm32, x32) + a, scale_factor=2, mode="nearest"))
        u = cp.conv_head16.forward(F.interpolate(self.arm(cp.arm16, x16) + u, scale_factor=2, mode="nearest"))
        f = self.ffm.convblk.forward(torch.cat([x8, u], 1))
        g = torch.sigmoid(self.ffm.conv2(F.relu(self.ffm.conv1(f.mean((2, 3), keepdim=True)))))
        return self.conv_out.conv_out(self.conv_out.conv.forward(f * g + f)).float()

# BiSeNet: background, skin, left brow, right brow, left eye, right eye, glasses, left ear, right ear, earring, nose, mouth, upper lip,
# lower lip, neck, necklace, cloth, hair, hat -> the product's order.
TO_OURS = (0, 1, 6, 7, 4, 5, 3, 8, 9, 15, 2, 10, 11, 12, 17, 16, 18, 13, 14)

class ParserUnit(nn.Module):
    def __init__(self, a: int, b: int, s: int) -> None:
        super().__init__()
        h = 2 * a
        self.net = nn.Sequential(nn.Conv2d(a, h, 1, bias=False), nn.BatchNorm2d(h), nn.ReLU(), nn.Conv2d(h, h, 3, s, 1, groups=h, bias=False), nn.BatchNorm2d(h), nn.ReLU(), nn.Conv2d(h, b, 1, bias=False), nn.BatchNorm2d(b))
        self.same = s == 1 and a == b
    def forward(self, x: Tensor) -> Tensor:
        return self.net(x) + x if self.same else self.net(x)

class Parser(nn.Module):
    """A small U-shaped parser: 256 px photo to logits [B,19,128,128] of the product's classes."""
    def __init__(self) -> None:
        super().__init__()
        w = self.w = (24, 40, 72, 120, 176)
        self.stem = nn.Sequential(nn.Conv2d(3, w[0], 3, 2, 1, bias=False), nn.BatchNorm2d(w[0]), nn.ReLU(), ParserUnit(w[0], w[0], 1))
        self.downs = nn.ModuleList([nn.Sequential(ParserUnit(a, b, 2), ParserUnit(b, b, 1), *([ParserUnit(b, b, 1)] * 0), ParserUnit(b, b, 1)) for a, b in itertools.pairwise(w)])
        self.ups = nn.ModuleList([nn.Conv2d(b, a, 1, bias=False) for a, b in itertools.pairwise(w)])
        self.joins = nn.ModuleList([nn.Sequential(nn.Conv2d(a, a, 3, 1, 1, bias=False), nn.BatchNorm2d(a), nn.ReLU()) for a in w[:-1]])
        self.pool = nn.Sequential(nn.Linear(w[-1], w[-1]), nn.ReLU(), nn.Linear(w[-1], w[-1]))
        self.out = nn.Conv2d(w[0], 19, 3, 1, 1)
    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x); taps = [x]
        for d in self.downs: x = d(x); taps.append(x)
        x = x + self.pool(x.mean((2, 3)))[:, :, None, None]
        for u, j, t in reversed(list(zip(self.ups, self.joins, taps))):
            x = j(F.interpolate(u(x), size=t.shape[-2:], mode="bilinear", align_corners=False) + t)
        return self.out(x).float()

def pack(tensors: dict[str, Tensor], half: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """8 bits a number with a factor a row where it pays; half otherwise; statistics of norms in float32."""
    out = {}
    for n, t in tensors.items():
        t = t.detach().cpu()
        if not t.is_floating_point(): continue
        if t.dim() >= 2 and t.numel() >= 4096 and not n.startswith(half or ("\0",)):
            f = t.float().flatten(1); s = f.abs().amax(1).clamp_min(1e-12) / 127
            out[n + ".q"] = (f / s[:, None]).round().to(torch.int8).view(t.shape); out[n + ".s"] = s
        else: out[n] = t.float() if t.dim() < 2 else t.half()
    return {k: v.contiguous() for k, v in out.items()}

def unpack(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    out = {}
    for n, t in tensors.items():
        if n.endswith(".q"): out[n[:-2]] = t.float() * tensors[n[:-2] + ".s"].float().view(-1, *[1] * (t.dim() - 1))
        elif n.endswith(".s") and n[:-2] + ".q" in tensors: continue
        else: out[n] = t.float()
    return out

def count(m: nn.Module) -> int: return sum(p.numel() for p in m.parameters())
