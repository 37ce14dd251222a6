"""Source and target folders with equal names: what the encoder sees, and what it should make of it."""

from __future__ import annotations

import dataclasses
from pathlib import PurePath

from psp.errors import TrainingError
from psp.training.data.sources import Source


def pair_sources(
    targets: tuple[Source, ...], inputs: tuple[Source, ...]
) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Give each picture of ``targets`` the one of ``inputs`` that has its name; endings may differ.

    A folder or zip file goes with the one of the same name; where there is one of each, these go together.

    Returns:
        The targets that have an input, and one line for each picture that has no partner.

    Raises:
        TrainingError: Nothing goes together.
    """
    alone = len(targets) == len(inputs) == 1
    by_name = {source.name: source for source in inputs}
    paired, unpaired = [], []
    for target in targets:
        partner = inputs[0] if alone else by_name.get(target.name)
        there = {_key(name): name for name in (*partner.train, *partner.val)} if partner else {}
        wanted = {_key(name): name for name in (*target.train, *target.val)}
        unpaired += [f"{target.name}/{name}: no input" for key, name in wanted.items() if key not in there]
        if partner is not None:
            unpaired += [
                f"{partner.name}/{name}: no target" for key, name in there.items() if key not in wanted
            ]
            paired.append(_with_inputs(target, partner, there))
    used = tuple(source for source in paired if source.train or source.val)
    if not used:
        raise TrainingError(
            "No picture has an input of the same name.",
            "Names in the two folders must be equal but for their endings: train/1.jpg and train/1.png.",
        )
    return used, tuple(unpaired)


def _key(name: str) -> str:
    return PurePath(name).with_suffix("").as_posix()


def _with_inputs(target: Source, partner: Source, there: dict[str, str]) -> Source:
    names = {name: there[_key(name)] for name in (*target.train, *target.val) if _key(name) in there}
    return dataclasses.replace(
        target,
        train=tuple(name for name in target.train if name in names),
        val=tuple(name for name in target.val if name in names),
        inputs=partner,
        input_names=names,
    )
