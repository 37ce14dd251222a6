"""The third window's network: what to add to the generator's features so that its picture shows what codes cannot say."""
from __future__ import annotations
import torch, torch.nn.functional as F
from torch import Tensor, nn

LIMIT = 3.0  # standard deviations of a channel

class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, 1, 1); self.b = nn.Conv2d(width, width, 3, 1, 1)
        with torch.no_grad(): self.b.weight.mul_(0.2)
    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.leaky_relu(self.a(F.leaky_relu(x, 0.2)), 0.2))

def twice(x: Tensor) -> Tensor: return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

class Residual(nn.Module):
    """Photo, the answer's picture (both [B,3,256,256] in -1..1) and its features after block 3 [B,512,64,64] to what is added to the
    features after block 3 [B,512,64,64] and after block 4 [B,256,128,128]; each within LIMIT standard deviations of its channel."""
    def __init__(self, wide: int = 48, width: int = 100, deep: int = 128) -> None:
        super().__init__()
        self.register_buffer("spread64", torch.ones(512)); self.register_buffer("spread128", torch.ones(256))
        self.stem = nn.Conv2d(24, wide, 3, 1, 1); self.fine = Block(wide)
        self.down64 = nn.Conv2d(wide, width, 3, 2, 1); self.known = nn.Conv2d(512, width, 1)
        self.in64, self.out64 = Block(width), Block(width)
        self.down32 = nn.Conv2d(width, deep, 3, 2, 1); self.at32 = Block(deep)
        self.down16 = nn.Conv2d(deep, deep, 3, 2, 1); self.at16 = Block(deep)
        self.up64 = nn.Conv2d(deep, width, 1); self.up128 = nn.Conv2d(width, wide, 1)
        self.last64 = nn.Conv2d(width, 512, 1)
        self.mix128 = nn.Conv2d(wide, 2 * wide, 3, 1, 1); self.last128 = nn.Conv2d(2 * wide, 256, 1)
        for last in (self.last64, self.last128): nn.init.zeros_(last.weight); nn.init.zeros_(last.bias)
    def units(self, photo: Tensor, made: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """The same in standard deviations."""
        a = self.fine(self.stem(F.pixel_unshuffle(torch.cat([photo, photo - made], 1), 2)))
        x = self.in64(self.down64(F.leaky_relu(a, 0.2)) + self.known(features / self.spread64[:, None, None].to(features.dtype)))
        y = self.at32(self.down32(F.leaky_relu(x, 0.2)))
        y = y + twice(self.at16(self.down16(F.leaky_relu(y, 0.2))))
        x = self.out64(x + twice(self.up64(F.leaky_relu(y, 0.2))))
        b = F.leaky_relu(a + twice(self.up128(x)), 0.2)
        u, v = self.last64(F.leaky_relu(x, 0.2)), self.last128(F.leaky_relu(self.mix128(b), 0.2))
        return LIMIT * torch.tanh(u.float() / LIMIT), LIMIT * torch.tanh(v.float() / LIMIT)
    def forward(self, photo: Tensor, made: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        u, v = self.units(photo, made, features)
        return u * self.spread64[:, None, None], v * self.spread128[:, None, None]

def front(gen, codes: Tensor, dtype: torch.dtype) -> Tensor:
    """Features after block 3."""
    return gen.features(codes, dtype, 4)

def later(gen, x: Tensor, codes: Tensor, add64: Tensor, add128: Tensor, dtype: torch.dtype) -> Tensor:
    """Features after block 3, codes, and what is added, to wavelet coefficients [B,12,512,512] (the first three / 2: the picture at 512 px)."""
    from mobile import inverse_haar
    x = x + add64.to(dtype)
    for k in range(4, 7):
        x = inverse_haar(x * gen.ups[k](codes[:, 1 + 3 * k]).to(dtype)[:, :, None, None])
        x = gen.c2[k](gen.c1[k](x, codes[:, 2 + 3 * k], "conv"), codes[:, 3 + 3 * k], "conv")
        if k == 4: x = x + add128.to(dtype)
    s = gen.rgb_affine(codes[:, 22]).to(dtype)[:, :, None, None]
    return F.conv2d(x * s, gen.rgb.to(dtype)).float() + gen.rgb_bias[:, None, None]

def haar(x: Tensor) -> Tensor:
    """[B,c,2h,2w] to [B,4c,h,w]: what inverse_haar takes."""
    b, c, h, w = x.shape
    p, q, r, s = F.pixel_unshuffle(x, 2).view(b, c, 4, h // 2, w // 2).unbind(2)
    high = torch.stack([p + q - r - s, p - q + r - s, p - q - r + s], 2).reshape(b, 3 * c, h // 2, w // 2)
    return torch.cat([p + q + r + s, high], 1) * 0.5
