"""The beginning that pictures of several codes have in common, so that it is made once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Begun:
    """A generator's work under codes that several pictures share: the first ones, up to some block.

    Attributes:
        blocks: How many blocks are done, each of which doubled the size.
        codes: The codes [1,k,style_dim] that acted, the first of each picture's.
        x: The features [1,C,S,S] after them.
        image: The picture [1,3,S,S] after them, where the generator has one.
    """

    blocks: int
    codes: Tensor
    x: Tensor
    image: Tensor | None = None

    def fits(self, codes: Tensor) -> bool:
        """Return whether pictures of ``codes`` [B,n,style_dim] begin like this."""
        return bool((codes[:, : self.codes.shape[1]] == self.codes).all())

    def again(self, count: int) -> Tensor:
        """Return the features [count,C,S,S], to be changed by who asks."""
        return self.x.expand(count, -1, -1, -1).clone()
