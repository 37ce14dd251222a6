"""The task table is the one place: methods, commands, endpoints and controls have what it says, no more."""

from __future__ import annotations

import argparse
import inspect
from typing import Any

import gradio as gr
import pytest

from psp.cli.main import build_parser
from psp.evaluation.pictures import MEASURES
from psp.folders.prefetch import _AS_ENCODE
from psp.inference.pipeline import PspPipeline
from psp.parameters import SETTINGS, Parameter
from psp.tasks import CALLS, MODEL_TASKS, TASKS, Task
from psp.ui.app import build_app
from psp.ui.gate.requests import given_by_clients

NOTHING = inspect.Parameter.empty


@pytest.fixture(scope="module")
def page(pipeline: PspPipeline) -> gr.Blocks:
    return build_app(pipeline)


def wanted(task: Task) -> list[tuple[str, object]]:
    """The table's arguments: the input, a second picture, the settings, lists, each with its default."""
    second, last = ([(name, None) for name in names] for names in (task.more, task.last))
    return [(task.kind, NOTHING), *second, *((p.name, p.default) for p in task.parameters), *last]


def settings_of(task: Task, page: gr.Blocks) -> list[gr.blocks.Block]:
    """The controls of a task's settings, in the order of its endpoint."""
    (function,) = (f for f in page.fns.values() if f.api_name == task.name)
    blocks = [block for block in function.inputs if not block.skip_api]
    first = 1 + len(task.more)
    return blocks[first : first + len(task.parameters)]


@pytest.mark.parametrize("task", CALLS.values(), ids=CALLS)
def test_the_method_of_a_task_has_its_settings_and_their_defaults(task: Task) -> None:
    given = inspect.signature(getattr(PspPipeline, task.name)).parameters.values()
    # "step" and, of files of codes, "variant" are for programs only: no client sends them.
    told = [(p.name, p.default) for p in given if p.name not in ("self", "step", "variant")]
    assert told == wanted(task)
    assert [type(default) for _, default in told] == [type(default) for _, default in wanted(task)]


@pytest.mark.parametrize("task", CALLS.values(), ids=CALLS)
def test_the_endpoint_of_a_task_has_its_settings_and_their_defaults(task: Task, page: gr.Blocks) -> None:
    (function,) = (f for f in page.fns.values() if f.api_name == task.name)
    names = given_by_clients(function)
    assert names == [name for name, _ in wanted(task)]
    for block, setting in zip(settings_of(task, page), task.parameters, strict=True):
        value: Any = block.value  # type: ignore[attr-defined]  # every input of a setting has one
        assert value == setting.default, setting.name


@pytest.mark.parametrize("task", CALLS.values(), ids=CALLS)
def test_the_controls_of_a_task_have_the_ranges_of_its_settings(task: Task, page: gr.Blocks) -> None:
    for block, setting in zip(settings_of(task, page), task.parameters, strict=True):
        assert setting.name not in SETTINGS or block.label == setting.label
        if isinstance(block, gr.Slider):
            assert (block.minimum, block.maximum) == (setting.low, setting.high)
        if setting.choices:
            assert isinstance(block, gr.Dropdown)
            assert [number for _, number in block.choices] == list(setting.numbers)


@pytest.mark.parametrize("task", CALLS.values(), ids=CALLS)
def test_the_command_of_a_task_has_its_settings_and_their_defaults(task: Task) -> None:
    commands = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    command: argparse.ArgumentParser = commands.choices[task.name]
    assert command.description == task.caption
    options = {action.dest: action for action in command._actions}
    assert task.kind in options and options[task.kind].option_strings == []
    for setting in task.parameters:
        option = options[setting.name]
        sign = f"--no-{setting.name}" if setting.type is bool else f"--{setting.name}"
        assert option.option_strings == [sign]
        assert option.default == setting.default
        assert option.help
    extra = {"help", "out", "paste", task.kind, *task.more, *task.last, "into", "size", "workers", "again"}
    assert set(options) - {setting.name for setting in task.parameters} <= extra


def test_every_setting_of_a_task_can_be_in_its_recipe() -> None:
    for task in CALLS.values():
        assert {setting.name for setting in task.parameters} - {"model"} <= set(SETTINGS)
        for setting in task.parameters:
            if setting.name != "model":
                assert setting.type is SETTINGS[setting.name].type


def test_every_task_with_a_model_can_be_measured_and_prepared_for() -> None:
    assert set(MEASURES) == set(MODEL_TASKS)
    photos = {name for name, task in TASKS.items() if task.kind == "photo"}
    assert {*_AS_ENCODE, "super_resolution"} == photos  # folders: each is prepared in a way of its own


def test_numbers_have_a_range_that_is_told_as_it_is() -> None:
    assert (
        Parameter("tilt", 0.5, "Tilt", "how much", low=0.25, high=2.5).told()
        == "Take a number from 0.25 to 2.5."
    )
    with pytest.raises(AssertionError, match="tilt"):
        Parameter("tilt", 0.5, "Tilt", "how much")


def test_the_table_fits_itself() -> None:
    assert set(MODEL_TASKS) == {task.model for task in TASKS.values()}
    for name, task in CALLS.items():
        assert task.name == name and task.title and task.caption
        assert task.model in ("", *MODEL_TASKS)
        assert task.has("model") == bool(task.model)
        assert (task.tracer in CALLS) == (task.kind in ("sketch", "mask"))
    assert all(task.limits for task in TASKS.values())
