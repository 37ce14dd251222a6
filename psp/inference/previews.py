"""Small pictures of codes, quickly: for live previews, for refining codes, and for training on a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from psp.checkpoints.small_networks import load_previews
from psp.models.begun import Begun
from psp.models.generators import AnyGenerator
from psp.models.mobile import MobileGenerator
from psp.models.preview import Previews


def decode_preview(
    generator: AnyGenerator,
    codes: Tensor,
    size: int,
    added: Mapping[int, Tensor] | None = None,
    begun: Begun | None = None,
) -> Tensor:
    """Decode ``codes`` to small pictures: by a preview head where one fits, else by the generator itself.

    The heads are near the true picture, not equal to it: ``benchmarks/preview.py`` measures how near, and how
    much sooner they are done. Gradients reach the codes.

    Args:
        generator: Any; a head comes along for the generator of mobile-1024, at 256 px.
        codes: [B,n_codes,style_dim], where the generator is.
        size: Side of the pictures in pixels, a power of two.
        added: As for ``MobileGenerator.features``; for such a generator alone.
        begun: What the generator began for these codes, no larger than half of ``size``.

    Returns:
        Images [B,3,size,size], about [−1,1], not clipped.
    """
    if isinstance(generator, MobileGenerator):
        previews = _previews(codes.device)
        if size in previews.sizes and previews.fits(generator):
            images: Tensor = previews(generator, codes, size, added, begun)
            return images
        if added is not None:
            return generator(codes, size, added, begun)  # type: ignore[no-any-return]  # nn.Module's own call
    assert added is None, "what is added belongs to one kind of generator"
    decoded: Tensor = generator(codes, size, begun=begun)
    return decoded


@cache
def _previews(device: torch.device) -> Previews:
    return load_previews().to(device)
