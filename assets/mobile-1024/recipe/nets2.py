"""What the second window adds to nets.py: small sides, frontal offsets, preview heads."""
from __future__ import annotations
import torch, torch.nn.functional as F
from torch import Tensor, nn
from nets import Encoder, SEEN, VECTOR
from mobile import inverse_haar

class Drawn(Encoder):
    """An encoder of drawings: what the face network sees in the drawing comes in by a small side of its own."""
    def __init__(self, channels: int = 1) -> None:
        super().__init__(channels, True)
        self.side = nn.ModuleList(); self.seen = nn.Sequential(nn.Linear(SEEN, 96), nn.PReLU(96))
        self.tell = nn.ModuleList([nn.Linear(96, VECTOR) for _ in range(3)])
    def vectors(self, images: Tensor, seen: Tensor | None) -> list[Tensor]:
        from nets import up
        e = self.e; x = e.input_layer(F.pixel_unshuffle(images, 4)); taps = []
        for i, unit in enumerate(e.body, 1):
            x = unit(x)
            if i in e.ends: taps.append(x)
        fine, medium, coarse = taps
        coarse = e.l0(coarse); medium = up(coarse, e.l1(medium)); fine = up(medium, e.l2(fine))
        h = self.seen(self.norm(seen.float())); sides = [t(h) for t in self.tell]
        return [t(level) + s for t, level, s in zip(e.trunks, (coarse, medium, fine), sides)]

class Frontal(nn.Module):
    """Offsets of codes 0-6 that take the turn of the head out, from codes 0-9."""
    def __init__(self, mean: Tensor, spread: Tensor, rank: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone()); self.register_buffer("spread", spread.clone())
        self.net = nn.Sequential(nn.Linear(10 * 512, 256), nn.GELU(), nn.Linear(256, 256), nn.GELU(), nn.Linear(256, rank))
        self.directions = nn.Parameter(torch.randn(rank, 7 * 512) * 0.01)
    def forward(self, codes: Tensor) -> Tensor:
        """[B,23,512] to [B,23,512], turned to the front."""
        x = ((codes[:, :10] - self.mean) / self.spread).flatten(1)
        move = (self.net(x) @ self.directions).view(-1, 7, 512) * self.spread[:7]
        return torch.cat([codes[:, :7] + move, codes[:, 7:]], 1)

class Preview(nn.Module):
    """Features at 128 px (256 channels) or 64 px (512) to a picture of twice the size; the later codes scale the layers."""
    def __init__(self, channels: int, width: int, codes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.codes = codes
        self.a = nn.ModuleList([nn.Linear(512 * len(c), n) for c, n in zip(codes, (channels, width, width, width))])
        for a in self.a: nn.init.normal_(a.weight, std=0.005); nn.init.ones_(a.bias)
        self.p1 = nn.Conv2d(channels, width, 1)
        self.d2, self.p2 = nn.Conv2d(width, width, 3, 1, 1, groups=width), nn.Conv2d(width, width, 1)
        self.d3, self.p3 = nn.Conv2d(width, width, 3, 1, 1, groups=width), nn.Conv2d(width, width, 1)
        self.out = nn.Conv2d(width, 12, 1); nn.init.normal_(self.out.weight, std=0.01); nn.init.zeros_(self.out.bias)
    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Features and codes minus the average [B,23,512] to [B,3,2h,2w]."""
        s = [a(offsets[:, list(c)].flatten(1))[:, :, None, None].to(x.dtype) for a, c in zip(self.a, self.codes)]
        x = F.leaky_relu(self.p1(x * s[0]), 0.2)
        x = x + F.leaky_relu(self.p2(self.d2(x * s[1])), 0.2)
        x = x + F.leaky_relu(self.p3(self.d3(x * s[2])), 0.2)
        return inverse_haar(self.out(x * s[3]).float())
