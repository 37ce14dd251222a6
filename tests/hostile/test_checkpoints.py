"""Hostile files in the place of a checkpoint: no request names one, but people download such."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from psp.checkpoints import load_psp
from psp.checkpoints.tensors import load_tensors
from psp.config import Settings
from psp.errors import CheckpointError
from tests.hostile.damaged import cut, sound
from tests.hostile.files import CODES
from tests.hostile.judging import HOMES, judge
from tests.hostile.pictures import CLOTHES

FILES = {
    **CODES,
    **{name: lambda data=data: data for name, data in CLOTHES.items()},
    "half a picture": lambda: cut(sound(), 0.5),
}
PICKLES = {
    "a global of the system": b"cposix\nsystem\n(S'touch evil-was-here'\ntR.",
    "a global with dots": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    "a persistent name": b"\x80\x02X\x01\0\0\0aQ.",
    "a mark alone": b"\x80\x02(.",
    "nothing to give": b"\x80\x02.",
    "10000 lists": b"\x80\x02" + b"]" * 10_000 + b"a" * 9_999 + b".",
    "a memo of 4 billion": b"\x80\x02Nr\xff\xff\xff\xff.",
    "a text of 4 GB": b"\x80\x02X\xff\xff\xff\xffabc.",
    "a protocol to come": b"\x80\xff.",
    "itself within itself": b"\x80\x02]q\0h\0a.",
    "a number": pickle.dumps(5),
    "a dictionary of nothing": pickle.dumps({}),
}  # fmt: skip


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_hostile_checkpoints_are_told(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(device="cpu", offline=True, cache_dir=tmp_path / "cache")
    path, fallen = tmp_path / f"x.{ending}", []
    for name, make in {**FILES, **{name: lambda data=data: data for name, data in PICKLES.items()}}.items():
        path.write_bytes(make())
        try:
            load_psp(path, settings=settings)
            fallen.append(f"checkpoints: {name}: loaded")
        except CheckpointError as error:
            if wrong := judge(str(error), path.name, [*HOMES, str(tmp_path)]):
                fallen.append(f"checkpoints: {name}: {wrong}: {error}")
        except Exception as error:  # noqa: BLE001  (any other is what must not be)
            fallen.append(f"checkpoints: {name}: {error!r}")
    assert not fallen, "\n".join(fallen)
    assert not (tmp_path / "evil-was-here").exists()
    assert not list((settings.cache_dir / "converted").glob("*"))


@pytest.mark.parametrize("mapped", [True, False])
def test_hostile_tensors_are_told(tmp_path: Path, mapped: bool) -> None:
    path, fallen = tmp_path / "x.safetensors", []
    for name, make in FILES.items():
        path.write_bytes(make())
        try:
            load_tensors(path, mapped=mapped)
        except CheckpointError as error:
            assert error.next_step
        except Exception as error:  # noqa: BLE001  (any other is what must not be)
            fallen.append(f"tensors: {name}: {error!r}")
    assert not fallen, "\n".join(fallen)
