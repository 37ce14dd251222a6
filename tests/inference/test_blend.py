"""The mixture while sliders move: that of the task itself, and no face is encoded twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.codes.latents import codes_from_bytes
from psp.errors import FaceNotFoundError, InputError, StoppedError
from psp.inference.blend import MOST_KNOWN, blend
from psp.inference.known_faces import PREVIEW_SIZE, FaceIn, Known
from psp.inference.network import Network, Work
from psp.inference.pipeline import PspPipeline

LAYERS = "0-1:0.5,2-:0.25"


@pytest.fixture(scope="module")
def faces(astronaut: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two pictures with a face, as files."""
    paths = [tmp_path_factory.mktemp("faces") / name for name in ("one.png", "other.png")]
    astronaut.save(paths[0])
    astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(paths[1])
    return [*map(str, paths)]


@pytest.fixture
def encoded(pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """What the network was asked to encode."""
    asked: list[Work] = []
    run = Network.run

    def listen(self: Network, work: Work, *more: object) -> object:
        asked.extend([work] if work.inputs is not None else [])
        return run(self, work, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Network, "run", listen)
    return asked


def apart(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures in levels, at the size of the first."""
    small = np.asarray(other.resize(one.size), np.int16)
    return float(np.abs(np.asarray(one, np.int16) - small).mean())


def test_it_is_the_mixture_of_the_task_itself(pipeline: PspPipeline, faces: list[str]) -> None:
    one, other = map(FaceIn, faces)
    made, _ = blend(pipeline.network, pipeline.read, one, other, {}, layers=LAYERS, alpha=0.8)
    assert made.width <= PREVIEW_SIZE
    assert apart(made, pipeline.style_mix(faces[0], faces[1], layers=LAYERS, alpha=0.8).image) < 3
    by_chance, _ = blend(pipeline.network, pipeline.read, one, None, {}, layers="all", seed=7)
    assert apart(by_chance, pipeline.style_mix(faces[0], layers="all", seed=7).image) < 3


def test_each_face_is_encoded_once(pipeline: PspPipeline, faces: list[str], encoded: list[Work]) -> None:
    one, other = map(FaceIn, faces)
    known: Known = {}
    for first, second, layers in (
        (one, other, "pose"),
        (one, other, LAYERS),
        (other, one, "all"),
        (one, None, "all"),
    ):
        _, known = blend(pipeline.network, pipeline.read, first, second, known, layers=layers)
    assert len(encoded) == 2
    for face in range(-MOST_KNOWN, 0):
        known = {**known, (FaceIn("gone", True, face), ""): known[next(iter(known))]}
    _, known = blend(pipeline.network, pipeline.read, one, None, known)
    assert len(known) == MOST_KNOWN


def test_codes_can_be_the_base(pipeline: PspPipeline, faces: list[str], encoded: list[Work]) -> None:
    base = codes_from_bytes(pipeline.encode(faces[0]).latents_file() or b"")
    encoded.clear()
    made, known = blend(pipeline.network, pipeline.read, base, None, {}, layers="all", seed=7)
    assert not encoded and not known
    assert (
        made.tobytes()
        == blend(pipeline.network, pipeline.read, base, None, {}, layers="all", seed=7)[0].tobytes()
    )
    assert apart(made, pipeline.style_mix(base, layers="all", seed=7).image) < 3


def test_what_is_wrong_is_told_and_it_can_be_stopped(
    pipeline: PspPipeline, faces: list[str], tmp_path: Path
) -> None:
    Image.new("RGB", (300, 300), "grey").save(tmp_path / "grey.png")
    one, empty = FaceIn(faces[0]), FaceIn(str(tmp_path / "grey.png"))
    with pytest.raises(FaceNotFoundError, match="style picture"):
        blend(pipeline.network, pipeline.read, one, empty, {})
    with pytest.raises(InputError, match="layers"):
        blend(pipeline.network, pipeline.read, one, None, {}, layers="nose")

    def stop(words: str, share: float | None) -> None:
        raise StoppedError("Stopped.", "Ask again.")

    with pytest.raises(StoppedError):
        blend(pipeline.network, pipeline.read, one, None, {}, step=stop)
