"""Several faces from one input: which random styles, in which layers, how much of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psp.codes.latents import LayerShares, parse_layers, write_layers
from psp.errors import InputError
from psp.parameters import MAX_SEED, Setting
from psp.ranges import check_number


@dataclass(frozen=True, eq=False)
class Variation:
    """A plan for the variants of one request.

    Attributes:
        layers: The layers that are mixed, each with its share of the variant's.
        alphas: Share of the style, one a variant.
        z: Random styles [v,dim]; a row of NaN leaves its variant unmixed. None with a style picture.
        seed: Of the first random style; None with a style picture.
        alpha: As it was asked for.
    """

    layers: LayerShares
    alphas: tuple[float, ...]
    z: NDArray[np.float32] | None
    seed: int | None
    alpha: float

    def settings(self) -> dict[str, Setting]:
        """Return what a recipe says of the plan."""
        said: dict[str, Setting] = {
            "layers": write_layers(self.layers),
            "alpha": self.alpha,
            "variants": len(self.alphas),
        }
        return said if self.seed is None else {**said, "seed": self.seed}


def plan_random_styles(
    variants: int,
    seed: int,
    layers: str,
    alpha: float,
    resolutions: tuple[int, ...],
    dim: int,
    *,
    plain_first: bool = False,
) -> Variation:
    """Plan variants with random styles: variant i has the style of ``seed + i``, however many there are.

    Args:
        variants: How many, 1 to 16.
        seed: 0 to 2³² − 1; negative: one is chosen by chance.
        layers: Which layers are mixed; see ``parse_layers``.
        alpha: Share of the random style, 0 to 1.
        resolutions: The size in pixels at which each layer of the model acts.
        dim: Length of a code.
        plain_first: Leave the first variant unmixed.

    Raises:
        InputError: A number is out of its range, or the layers cannot be understood.
    """
    count = int(check_number("variants", variants))
    chosen = parse_layers(layers, resolutions)
    share = float(check_number("alpha", alpha))
    first = secrets.randbelow(MAX_SEED + 1 - count) if seed < 0 else int(seed)
    if first + count - 1 > MAX_SEED:
        raise InputError(f"The seed {first} is too large.", f"Take one up to {MAX_SEED - count + 1}.")
    z = np.stack([_style(first + i, dim) for i in range(count)])
    if plain_first:
        z[0] = np.nan
    return Variation(chosen, (share,) * count, z, first, share)


def plan_even_steps(variants: int, layers: str, alpha: float, resolutions: tuple[int, ...]) -> Variation:
    """Plan variants with one style picture: even steps from a little of it up to ``alpha``.

    Raises:
        InputError: A number is out of its range, or the layers cannot be understood.
    """
    count = int(check_number("variants", variants))
    share = float(check_number("alpha", alpha))
    alphas = tuple(share * (i + 1) / count for i in range(count))
    return Variation(parse_layers(layers, resolutions), alphas, None, None, share)


def _style(seed: int, dim: int) -> NDArray[np.float32]:
    """Return the standard normal style [dim] of one seed."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(dim, dtype=np.float32)
