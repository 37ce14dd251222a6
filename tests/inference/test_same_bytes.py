"""The same machine, packages, device and threads give the same bytes; what cannot promise that says so."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from psp.codes.latents import CodesFile
from psp.codes.made_with import MadeWith
from psp.codes.recipe import recipe_of_png
from psp.inference.devices import made_with
from psp.inference.pipeline import PspPipeline
from psp.inference.result import Result
from psp.version import __version__
from tests.pages import ROOT

PHOTO = ROOT / "examples" / "photos" / "synthetic_1.jpg"
SKETCH = ROOT / "examples" / "sketches" / "woman_in_ink.png"
# A process of its own, with a number of threads of its own.
MAKE = """
import hashlib, sys
import torch
from psp.config import Settings
from psp.inference.pipeline import PspPipeline
import psp.registry.lookup, psp.checkpoints.find
from pathlib import Path
psp.registry.lookup.assets_dir = psp.checkpoints.find.assets_dir = lambda: Path(sys.argv[2])
torch.set_num_threads(int(sys.argv[3]))
pipeline = PspPipeline(Settings(device="cpu", offline=True, cache_dir=Path(sys.argv[4])))
made = pipeline.sketch_to_face(sys.argv[1], variants=2, seed=3)
print(made.recipe.made_with.threads, hashlib.sha256(made.png(1) + made.latents_file()).hexdigest())
"""


@pytest.fixture(scope="module")
def made(pipeline: PspPipeline) -> Result:
    return pipeline.encode(PHOTO)


def decoded(pipeline: PspPipeline, made: Result, then: MadeWith | None) -> Result:
    """Return what codes give that are said to be made with something else."""
    assert made.latents is not None
    return pipeline.decode(CodesFile(made.latents, replace(made.recipe, made_with=then), made.kept))


def test_another_process_of_as_many_threads_gives_the_same_bytes(
    pipeline: PspPipeline, small_assets: Path, tmp_path: Path
) -> None:
    threads = torch.get_num_threads()
    command = [sys.executable, "-c", MAKE, str(SKETCH), str(small_assets), str(threads), str(tmp_path)]
    said, digest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    here = pipeline.sketch_to_face(SKETCH, variants=2, seed=3)
    assert int(said) == threads
    assert digest == hashlib.sha256(here.png(1) + (here.latents_file() or b"")).hexdigest()


def test_a_result_says_what_it_was_made_with(made: Result) -> None:
    here = made_with("cpu")
    assert (here.studio, here.torch) == (__version__, str(torch.__version__))
    assert here.backend.startswith("cpu ") and here.threads == torch.get_num_threads()
    assert made.recipe.made_with == here
    assert made.details["recipe"]["made_with"] == here.to_dict()


def test_codes_that_were_made_here_give_the_bytes_back_and_nothing_is_told(
    pipeline: PspPipeline, made: Result
) -> None:
    again = pipeline.decode(made.latents_file() or b"")
    assert again.details["warnings"] == []
    assert again.png() == made.png()


@pytest.mark.parametrize("what", ["studio", "torch", "backend", "threads"])
def test_codes_that_were_made_otherwise_are_decoded_and_told_of(
    pipeline: PspPipeline, made: Result, what: str
) -> None:
    here = made.recipe.made_with
    assert here is not None
    then = replace(here, **{what: here.threads + 1 if what == "threads" else "0.1"})
    again = decoded(pipeline, made, then)
    (told,) = again.details["warnings"]
    assert "cannot be promised equal byte for byte" in told
    assert again.recipe.made_with == here  # the new picture is of here
    assert again.image.tobytes() == made.image.tobytes()


def test_codes_of_an_older_studio_are_decoded_and_told_of(pipeline: PspPipeline, made: Result) -> None:
    again = decoded(pipeline, made, None)
    (told,) = again.details["warnings"]
    assert "does not say what it was made with" in told
    assert recipe_of_png(made.image) is None
    elsewhere = pipeline.decode(CodesFile(again.latents, None))  # of another program
    (told,) = elsewhere.details["warnings"]
    assert "does not say how it was made" in told


def test_a_gpu_is_told_by_its_kind_and_threads_decide_nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (9, index))
    assert (made_with("cuda").backend, made_with("cuda:1").backend) == ("cuda sm90", "cuda sm91")
    assert made_with("cuda").threads == made_with("mps").threads == 0
    assert made_with("cuda", lent=True).backend == "cuda"  # the process that has it alone could say more
    assert made_with("cpu", lent=True).threads == 1


def test_the_device_is_asked_for_what_it_is(pipeline: PspPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends, "cpu", SimpleNamespace(get_cpu_capability=lambda: "NO AVX"))
    assert pipeline.network.made_with.backend.endswith(" no-avx")
