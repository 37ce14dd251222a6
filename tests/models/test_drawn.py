"""Random weights: drawn where a training begins, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from psp.models.drawn import drawn

ROOT = Path(__file__).resolve().parent.parent.parent


def test_they_are_normal_numbers_of_the_global_generator() -> None:
    torch.manual_seed(5)
    made = drawn(40, 50, over=4.0)
    torch.manual_seed(5)
    assert torch.equal(made, torch.randn(40, 50) / 4)


def test_on_the_meta_device_there_is_their_shape_alone() -> None:
    with torch.device("meta"):
        made = drawn(3, 4, over=2)
    assert made.is_meta and made.shape == (3, 4)


def test_loading_a_model_does_not_import_the_compiler(small_assets: Path) -> None:
    file = next(small_assets.rglob("encode.safetensors"))
    code = (
        "import sys; from pathlib import Path; from psp.checkpoints.load import load_psp; "
        f"load_psp(Path({str(file)!r})); "
        "print(*({'sympy', 'torch._dynamo', 'torch._inductor'} & set(sys.modules)))"
    )
    # The lowest torch takes sympy along by itself: half a second, and nothing fails for it.
    known = ("", "sympy") if torch.__version__.startswith("2.8.") else ("",)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in known
