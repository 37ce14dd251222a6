"""Checkpoints that the official code takes, in all that trainers leave in them; and what stays refused."""

from __future__ import annotations

import argparse
import collections
import datetime
import pathlib
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from psp.checkpoints import load_psp, open_generator
from psp.checkpoints.average import average_code
from psp.checkpoints.face_network import load_face_network
from psp.checkpoints.official import load_pickle
from psp.config import Settings
from psp.errors import CheckpointError
from psp.models.irse import CurricularFace
from psp.models.psp import PSP
from tests.checkpoints.samples import TINY, assert_same, make, official, save_pt

HARMLESS: dict[str, Any] = {
    "steps": np.int64(500_000),
    "lambda": np.float32(0.8),
    "ok": np.bool_(True),
    "name": np.str_("ffhq"),
    "empty": np.str_(""),
    "weights": np.arange(6, dtype=np.float64).reshape(2, 3),
    "kind": np.dtype("float32"),
    "exp_dir": pathlib.PosixPath("runs") / "a b",
    "pure": pathlib.PureWindowsPath("C:/x"),
    "default": collections.defaultdict(list, {"a": [1]}),
    "ordered": collections.OrderedDict(a=1),
    "counter": collections.Counter("abca"),
    "space": argparse.Namespace(lr=1e-4, inner=argparse.Namespace(x=1)),
    "size": torch.Size([1, 2]),
    "dtype": torch.float16,
    "device": torch.device("cuda:1"),
    "type": int,
    "set": {1, 2},
    "frozen": frozenset({1}),
    "complex": 1 + 2j,
    "slice": slice(1, 2),
    "range": range(3),
    "deque": collections.deque([1, 2], maxlen=3),
    "when": datetime.datetime(2020, 1, 2, 3, 4),
    "long": 1 << 80,
    "none": None,
    "bytes": b"\x00\xff",
}


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize(
    "container", [dict, collections.OrderedDict, argparse.Namespace, collections.defaultdict]
)
def test_harmless_values_in_the_options_are_read(
    tmp_path: Path, settings: Settings, new: bool, container: Callable[..., Any]
) -> None:
    model = make()
    content = official(model)
    opts = {**content["opts"], **HARMLESS}
    content["opts"] = container(list, opts) if container is collections.defaultdict else container(**opts)
    path = save_pt(tmp_path / "x.pt", content, _use_new_zipfile_serialization=new)
    assert_same(load_psp(path, settings=settings), model)


def test_what_is_read_of_them_is_plain(tmp_path: Path) -> None:
    read = load_pickle(save_pt(tmp_path / "x.pt", dict(HARMLESS)))
    assert (read["steps"], read["ok"], read["name"], read["empty"]) == (500_000, True, "ffhq", "")
    assert read["lambda"] == pytest.approx(0.8)
    assert read["exp_dir"] == "runs/a b"
    assert read["default"] == {"a": [1]} and type(read["default"]) is dict
    assert np.array_equal(read["weights"].values, HARMLESS["weights"])
    assert read["deque"] == [1, 2] and read["bytes"] == b"\x00\xff"
    assert not any(isinstance(value, (np.generic, pathlib.PurePath)) for value in read.values())


@pytest.mark.parametrize("name", HARMLESS)
def test_each_of_them_alone_is_read(tmp_path: Path, settings: Settings, name: str) -> None:
    path = save_pt(tmp_path / "x.pt", official(make(), **{name: HARMLESS[name]}))
    assert load_psp(path, settings=settings).config == TINY


def test_options_that_matter_are_understood_as_numpys_too(tmp_path: Path, settings: Settings) -> None:
    path = save_pt(tmp_path / "x.pt", official(make(), output_size=np.int64(1024)))
    with pytest.raises(CheckpointError, match=r"1024 px, but decoder\.noises are those of 16 px"):
        load_psp(path, settings=settings)
    path = save_pt(tmp_path / "y.pt", official(make(), start_from_latent_avg=np.bool_(False)))
    assert load_psp(path, settings=settings).w_avg.eq(0).all()


def test_without_an_average_code_nothing_is_added(tmp_path: Path, settings: Settings) -> None:
    """As the official trainer saves without --start_from_latent_avg."""
    for extra in ({}, {"start_from_latent_avg": False}):
        content = official(make(), **extra)
        del content["latent_avg"]
        model = load_psp(save_pt(tmp_path / f"{len(extra)}.pt", content), settings=settings)
        assert model.w_avg.shape == (6, 32) and model.w_avg.eq(0).all()
        inputs = torch.zeros(1, 3, 32, 32)
        with torch.inference_mode():
            assert torch.equal(model.encode(inputs), model.encoder(inputs))
    content["latent_avg"] = None
    assert load_psp(save_pt(tmp_path / "none.pt", content), settings=settings).w_avg.eq(0).all()


@pytest.mark.parametrize("kind", ["GradualStyleEncoder", "Encoder4Editing"])
def test_where_codes_start_from_an_average_that_is_absent_it_is_computed(
    tmp_path: Path, settings: Settings, kind: str
) -> None:
    """As e4e's own code does."""
    model = make()
    content = official(model, start_from_latent_avg=True)
    content["opts"]["encoder_type"] = kind
    del content["latent_avg"]
    loaded = load_psp(save_pt(tmp_path / "x.pt", content), settings=settings)
    assert torch.allclose(loaded.w_avg[0], average_code(model.decoder, 10_000))
    assert loaded.w_avg.std() > 0
    content["state_dict"] = {k: v for k, v in content["state_dict"].items() if ".style." not in k}
    with pytest.raises(CheckpointError, match="no mapping network"):
        load_psp(save_pt(tmp_path / "y.pt", content), settings=settings)


def test_an_average_code_can_be_numpys_or_stand_in_the_state_dict(tmp_path: Path, settings: Settings) -> None:
    model = make()
    content = official(model)
    content["latent_avg"] = content["latent_avg"].double().numpy()
    assert_same(load_psp(save_pt(tmp_path / "x.pt", content), settings=settings), model)
    content = official(model)
    content["state_dict"]["latent_avg"] = content.pop("latent_avg")
    assert_same(load_psp(save_pt(tmp_path / "y.pt", content), settings=settings), model)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda key: f"module.{key}",
        lambda key: key.replace("encoder.", "encoder.module.", 1).replace("decoder.", "decoder.module.", 1),
        lambda key: f"module._orig_mod.{key}",
        lambda key: key.replace("encoder.body", "encoder.body.module"),
    ],
)
def test_prefixes_of_wrappers_are_taken_off(
    tmp_path: Path, settings: Settings, wrap: Callable[[str], str]
) -> None:
    model = make()
    content = official(model)
    content["state_dict"] = {wrap(key): value for key, value in content["state_dict"].items()}
    assert_same(load_psp(save_pt(tmp_path / "x.pt", content), settings=settings), model)
    content["state_dict"] |= official(model)["state_dict"]
    if set(content["state_dict"]) != set(official(model)["state_dict"]):
        with pytest.raises(CheckpointError, match="twice"):
            load_psp(save_pt(tmp_path / "y.pt", content), settings=settings)


def test_parameters_half_precision_and_tensors_beside_the_options_are_taken(
    tmp_path: Path, settings: Settings
) -> None:
    model = make()
    content = official(model)
    flat = {**{k: nn.Parameter(v) if v.is_floating_point() else v for k, v in content["state_dict"].items()}}
    path = save_pt(tmp_path / "x.pt", {**flat, "latent_avg": content["latent_avg"], "opts": {}})
    assert_same(load_psp(path, settings=settings), model)
    content["state_dict"] = {k: v.half() if v.is_floating_point() else v for k, v in flat.items()}
    loaded = load_psp(save_pt(tmp_path / "y.pt", content), settings=settings)
    assert torch.allclose(loaded.decoder.input.input, model.decoder.input.input, atol=1e-3)


def test_label_nc_says_that_a_model_is_for_maps(tmp_path: Path, settings: Settings) -> None:
    config = TINY
    path = save_pt(tmp_path / "x.pt", official(make(config), label_nc=3))
    for _ in range(2):  # converted now, and found converted
        assert load_psp(path, settings=settings).info["task"] == "segmentation_to_face"
    plain = load_psp(save_pt(tmp_path / "y.pt", official(make(config, 2), label_nc=0)), settings=settings)
    assert "task" not in plain.info


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("where", ["encoder.latlayer1.bias", "decoder.input.input", "latent_avg"])
def test_weights_that_are_no_numbers_are_an_error(
    tmp_path: Path, settings: Settings, where: str, value: float
) -> None:
    content = official(make())
    tensor = content["latent_avg"] if where == "latent_avg" else content["state_dict"][where]
    tensor.view(-1)[-1] = value
    path = save_pt(tmp_path / "x.pt", content)
    for cache in (settings.cache_dir, tmp_path / "file"):  # converted, and where nothing can be kept
        (tmp_path / "file").touch()
        with pytest.raises(CheckpointError, match=rf"x\.pt holds weights that are no numbers.* in {where}"):
            load_psp(path, settings=Settings(cache_dir=cache, offline=True))


class Evil:
    """A pickle that calls what it names."""

    def __init__(self, call: tuple[Any, tuple[object, ...]]) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, ...]:
        return self.call


def ways_to_run_code(target: Path) -> list[tuple[Any, tuple[object, ...]]]:
    import importlib
    import os
    import subprocess

    return [
        (os.mkdir, (str(target),)),
        (os.system, (f"mkdir {target}",)),
        (subprocess.call, (["mkdir", str(target)],)),
        (eval, (f"__import__('os').mkdir({str(target)!r})",)),
        (exec, (f"__import__('os').mkdir({str(target)!r})",)),
        (getattr, (pathlib.Path, "mkdir")),
        (importlib.import_module, ("antigravity",)),
        (pathlib.Path.mkdir, (target,)),
        (open, (str(target), "w")),
        (np.load, (str(target),)),
        (np.fromfile, (str(target),)),
        (pickle.loads, (b"cos\nmkdir\n(S'x'\ntR.",)),
        (torch.load, (str(target),)),
        (threading.Thread, ()),
    ]


@pytest.mark.parametrize("index", range(14))
@pytest.mark.parametrize("place", ["opts", "state_dict", "beside"])
def test_pickles_that_would_run_code_stay_refused(
    tmp_path: Path, settings: Settings, index: int, place: str
) -> None:
    evil = Evil(ways_to_run_code(tmp_path / "ran")[index])
    content = official(make())
    if place == "beside":
        content["more"] = evil
    else:
        content[place]["more"] = evil
    path = save_pt(tmp_path / "x.pt", content)
    with pytest.raises(CheckpointError, match=r"wants to use|is damaged"):
        load_psp(path, settings=settings)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "state",
    [
        (np.dtype("O"), b"cos\nsystem\n(S'true'\ntR."),
        (np.dtype("float64"), b"123"),
        ("float64", b"12345678"),
    ],
)
def test_numpys_values_are_made_here_and_only_of_numbers(
    tmp_path: Path, state: tuple[object, object]
) -> None:
    scalar = type(np.float64(0).__reduce__()[0])  # any builtin: what counts is the name in the file
    assert scalar
    path = save_pt(tmp_path / "x.pt", {"a": Evil((np.float64(0).__reduce__()[0], state))})
    with pytest.raises(CheckpointError, match="NumPy"):
        load_pickle(path)


def test_reading_leaves_no_name_allowed_even_from_several_threads(tmp_path: Path) -> None:
    path = save_pt(tmp_path / "x.pt", dict(HARMLESS))
    before = torch.serialization.get_safe_globals()
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(load_pickle, [path] * 20))) == 20
    assert torch.serialization.get_safe_globals() == before


def test_a_generator_with_all_that_a_trainer_leaves(tmp_path: Path, settings: Settings) -> None:
    model: PSP = make()
    state = model.decoder.state_dict()
    path = save_pt(
        tmp_path / "g.pt", {"g_ema": {f"module.{k}": v for k, v in state.items()}, "args": HARMLESS}
    )
    opened = open_generator(path, settings)
    assert torch.equal(opened.generator.input.input, model.decoder.input.input)
    state["conv1.conv.weight"].view(-1)[0] = float("nan")
    with pytest.raises(CheckpointError, match=r"g\.pt holds weights that are no numbers"):
        open_generator(save_pt(tmp_path / "g.pt", {"g_ema": state}), settings)
    state["conv1.conv.weight"].view(-1)[0] = 0.0
    odd = {"g_ema": state, "latent_avg": torch.zeros(5)}
    with pytest.raises(CheckpointError, match=r"'latent_avg' of g\.pt is \[5\]"):
        open_generator(save_pt(tmp_path / "g.pt", odd), settings)


def test_a_face_network_with_a_prefix_opens_and_one_with_nan_does_not(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = CurricularFace().state_dict()
    wrapped = {"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": np.int64(3)}
    assert isinstance(load_face_network(save_pt(tmp_path / "f.pth", wrapped)), CurricularFace)
    next(iter(state.values())).view(-1)[0] = float("nan")
    with pytest.raises(CheckpointError, match=r"f\.pth holds weights that are no numbers"):
        load_face_network(save_pt(tmp_path / "f.pth", state))
