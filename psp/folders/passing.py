"""A batch through the network: in smaller ones where memory is short, one by one where a picture fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from psp.errors import DeviceMemoryError, StoppedError
from psp.folders.plan import Plan
from psp.folders.prefetch import Prefetched
from psp.inference.errands import Made
from psp.inference.loaded import Loaded
from psp.inference.network import Network
from psp.inference.short_memory import give_back, is_short

# Pictures that may fail in the network before one has come through: then it is no fault of theirs.
_HOPELESS = 10


class Passing:
    """Passes batches through a model, and remembers how large they may be.

    Args:
        network: Runs the model.
        loaded: The model.
        plan: How every picture is made.
        report: Told when batches become smaller.
    """

    def __init__(self, network: Network, loaded: Loaded, plan: Plan, report: Callable[[str], None]) -> None:
        self._network, self._loaded, self._plan, self._report = network, loaded, plan, report
        self._most: int | None = None
        self._made = self._failed = 0

    def __call__(self, batch: Sequence[Prefetched]) -> list[Made | Exception]:
        """Return what each picture of a batch gives, or why it gives nothing.

        Raises:
            DeviceMemoryError: There is too little memory for a single picture.
            StoppedError: Somebody stopped the work.
            Exception: What the model raised for each of the first pictures.
        """
        outcomes: list[Made | Exception] = []
        while len(outcomes) < len(batch):
            part = batch[len(outcomes) :][: self._most]
            made = self._try(part)
            if made is None:
                self._take_less(len(part))
            else:
                outcomes += made
        return outcomes

    def _try(self, part: Sequence[Prefetched]) -> list[Made | Exception] | None:
        """Run one batch; returns None where there is too little memory for it."""
        try:
            made: list[Made | Exception] = [*self._run(part)]
        except StoppedError:
            raise
        except Exception as error:
            if is_short(error):
                return None  # not the error: it holds on to the memory
            if len(part) == 1:
                self._failed += 1
                if not self._made and self._failed >= _HOPELESS:
                    raise
                return [error]
        else:
            self._made += len(made)
            return made
        alone: list[Made | Exception] = []
        for one in part:  # so that a picture that cannot be made takes no other along
            outcome = self._try([one])
            if outcome is None:
                return None
            alone += outcome
        return alone

    def _take_less(self, count: int) -> None:
        """Make batches half as large as one that did not go.

        Raises:
            DeviceMemoryError: It was a single picture.
        """
        give_back()
        few = f"{self._network.device} has too little memory for"
        if count == 1:
            raise DeviceMemoryError(
                f"{few} a single picture.",
                "Take a smaller model, or --device cpu; what is made already stays.",
            )
        self._most = count // 2
        self._report(f"{few} {count} pictures at once; it goes on with {self._most} (--batch {self._most})")

    def _run(self, part: Sequence[Prefetched]) -> list[Made]:
        work, all_made = self._plan.work, dict[int, Made]()
        if self._plan.alone:
            alone = [replace(work, inputs=one.inputs, detail=one.detail) for one in part]
            return self._network.run_all(alone, self._loaded)
        for detail in dict.fromkeys(one.detail for one in part):  # mostly one for all
            places = [place for place, one in enumerate(part) if one.detail == detail]
            inputs = np.concatenate([part[place].inputs for place in places])
            made = self._network.run(replace(work, inputs=inputs, detail=detail), None, self._loaded)
            for index, place in enumerate(places):
                all_made[place] = Made(made.codes[index : index + 1], made.images[index : index + 1])
        return [all_made[place] for place in range(len(part))]
