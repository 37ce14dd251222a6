"""The controls of settings, made of the task table: what a setting is called, its range, default and help."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from psp.codes.latents import GROUPS
from psp.config import Settings
from psp.parameters import ALIGN, FACE, MODEL, SEED, Parameter
from psp.registry.lookup import families, known_models, tasks_of
from psp.ui.seeds import seed_control

Controls = dict[str, gr.components.Component]
"""Controls by the names that the API and recipes have for them."""

# Whole numbers up to here are slid, others typed.
_SLID = 100


def setting_controls(settings: Sequence[Parameter], task: str) -> Controls:
    """Make the controls of ``settings`` inside the current layout: two a row, an odd one first, alone.

    Args:
        settings: What is set.
        task: Name of the task that it is set for.

    Returns:
        The controls in the order of ``settings``.
    """
    odd = len(settings) % 2
    made = {setting.name: _control(setting, task) for setting in settings[:odd]}
    for at in range(odd, len(settings), 2):
        with gr.Row():
            made |= {setting.name: _control(setting, task) for setting in settings[at : at + 2]}
    return made


def align_controls() -> tuple[gr.Checkbox, gr.Number]:
    """Make the switch for alignment and the number of the face."""
    return align_control(), _number(FACE)


def align_control() -> gr.Checkbox:
    """Make the switch for alignment."""
    return _checkbox(ALIGN)


def model_input(task: str, settings: Settings) -> gr.Dropdown:
    """Make the choice of a model: families that do ``task``, never paths of the server."""
    # Unknown names are answered by check_model, in the same words everywhere.
    return gr.Dropdown(
        [("auto", "auto"), *_choices(task, settings)],
        value=MODEL.default,
        label=MODEL.label,
        info=_info(MODEL),
        allow_custom_value=True,
    )


def _choices(task: str, settings: Settings) -> list[tuple[str, str]]:
    """Return label and name of the families to choose from.

    One that is not here is among them: it may be there later, and until then the request says why it is not.
    """
    choices = []
    for family in families(settings):
        tasks = tasks_of(family, settings)
        title = next(entry.title for entry in known_models(settings) if entry.family == family)
        label = f"{family}: {title}" if title else family
        if task in tasks or not tasks:
            choices.append((label if tasks else f"{label} (not here)", family))
    return choices


def _control(setting: Parameter, task: str) -> gr.components.Component:
    """Make the control of one setting."""
    if setting.name == SEED.name:
        return seed_control(task, int(setting.default), setting.label, _info(setting))
    if setting.grammar == "layers":
        return _layers(setting)
    if setting.grammar == "edits":
        return gr.Textbox(str(setting.default), label=setting.label, info=_info(setting), max_lines=1)
    if setting.type is bool:
        return _checkbox(setting)
    if setting.words:
        return _words(setting)
    return _numeric(setting)


def _numeric(setting: Parameter) -> gr.components.Component:
    """Make the control of a number: a choice where there are few, else a field or a slider."""
    assert setting.is_number, f"{setting.name}: a text is one of a few words"
    if setting.choices:
        named: list[tuple[str, str | int | float]] = [(title, number) for number, title in setting.choices]
        return gr.Dropdown(named, value=setting.default, label=setting.label, info=_info(setting))
    return _number(setting) if setting.type is int and setting.high > _SLID else _slider(setting)


def _words(setting: Parameter) -> gr.Radio:
    offered = [(word.capitalize(), word) for word in setting.words]
    return gr.Radio(offered, value=str(setting.default), label=setting.label, info=_info(setting))


def _checkbox(setting: Parameter) -> gr.Checkbox:
    return gr.Checkbox(value=bool(setting.default), label=setting.label, info=_info(setting))


def _number(setting: Parameter) -> gr.Number:
    return gr.Number(
        value=int(setting.default), precision=0, minimum=setting.low, label=setting.label, info=_info(setting)
    )


def _slider(setting: Parameter) -> gr.Slider:
    whole = setting.type is int
    return gr.Slider(
        setting.low,
        setting.high,
        value=int(setting.default) if whole else float(setting.default),
        step=1 if whole else (setting.high - setting.low) / 20,
        label=setting.label,
        info=_info(setting),
    )


def _layers(setting: Parameter) -> gr.Dropdown:
    """Make the choice of layers: by name, or as a range that is typed."""
    choices = [("Automatic", "auto"), *((title, name) for name, title in GROUPS.items()), ("All", "all")]
    return gr.Dropdown(
        choices,
        value=setting.default,
        label=setting.label,
        info=f"{_info(setting)}. Or write ranges, or shares: 8-, pose:0.5,features",
        allow_custom_value=True,
    )


def _info(setting: Parameter) -> str:
    """Return a setting's help as a sentence of the page."""
    return setting.help[0].upper() + setting.help[1:]
