"""The shape of a model, read from its tensors or from JSON: nobody is asked what is in a file."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from psp.errors import CheckpointError
from psp.models.compact import CompactConfig
from psp.models.discriminator import DiscriminatorConfig
from psp.models.encoder import EncoderConfig, EncoderKind
from psp.models.encoders import AnyEncoderConfig
from psp.models.generator import GeneratorConfig
from psp.models.generators import AnyConfig
from psp.models.irse import Stage
from psp.models.mobile import MobileConfig
from psp.models.psp import PSPConfig
from psp.models.restyle import MOST_PASSES, PICTURE, RestyleConfig

_T = TypeVar("_T")

Shapes = Mapping[str, tuple[int, ...]]
RestyleKind = Literal["restyle", "restyle_e4e"]
Backbone = Literal["ir_se", "resnet"]

ENCODER_TYPES: dict[str, EncoderKind] = {
    "GradualStyleEncoder": "gradual",
    "BackboneEncoderUsingLastLayerIntoW": "w",
    "BackboneEncoderUsingLastLayerIntoWPlus": "w_plus",
    "Encoder4Editing": "e4e",
}
"""What ``opts['encoder_type']`` of official and e4e files means here."""

RESTYLE_TYPES: dict[str, tuple[RestyleKind, Backbone]] = {
    "BackboneEncoder": ("restyle", "ir_se"),
    "ResNetBackboneEncoder": ("restyle", "resnet"),
    "ProgressiveBackboneEncoder": ("restyle_e4e", "ir_se"),
    "ResNetProgressiveBackboneEncoder": ("restyle_e4e", "resnet"),
}
"""What it means in ReStyle's files."""

_NEXT = "Use a pSp, e4e or ReStyle checkpoint; files of other projects cannot be loaded."
_LARGEST = 65536  # no size, width or count is larger: a config that says so would only exhaust the machine
_MOST_UNITS = 1000
_MOST_HALVINGS = 16
# Fields that a StyleGAN2's config once had; files say 0 where they mean nothing by it.
_GONE = frozenset({"noise_maps_up_to", "prior_rank"})


def infer_config(
    shapes: Shapes,
    encoder_type: str | None = None,
    output_size: int | None = None,
    passes: int | None = None,
) -> PSPConfig:
    """Return the configuration that the tensors of an official, e4e or ReStyle state dict belong to.

    Args:
        shapes: Shape of every tensor, by its official key.
        encoder_type: What the file's options say of the encoder; None: told from the keys.
        output_size: What the file's options say of the output, in pixels; None: told from the noise planes.
        passes: How often ReStyle's encoder looks, as the options of its files alone say; None: the official
            five.

    Raises:
        CheckpointError: A key is missing, or the tensors and the options contradict each other.
    """
    generator = infer_generator(shapes)
    if output_size is not None and output_size != generator.size:
        _refuse(
            f"The file's options say {output_size} px, but decoder.noises are those of {generator.size} px."
        )
    encoder: AnyEncoderConfig
    if _is_restyle(shapes):
        encoder = _restyle_encoder(shapes, encoder_type, passes)
    else:
        kind = _kind(shapes, encoder_type)
        if passes is not None:  # taken as it is, the picture that it made would be missing
            _refuse(f"This is ReStyle over {encoder_type or kind!r}, whose passes are not known here.")
        encoder = _encoder(shapes, kind, generator.n_codes)
    if encoder.n_codes != generator.n_codes:
        _refuse(f"encoder.styles makes {encoder.n_codes} codes, but the decoder takes {generator.n_codes}.")
    if encoder.code_dim != generator.style_dim:
        _refuse(f"The encoder's codes are {encoder.code_dim} wide, but the decoder's {generator.style_dim}.")
    return PSPConfig(encoder, generator)


def config_to_json(config: PSPConfig | AnyConfig | DiscriminatorConfig) -> str:
    """Return ``config`` as JSON, always the same text for the same config."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True, separators=(",", ":"))


def config_from_json(text: str) -> PSPConfig:
    """Return the config that ``config_to_json`` wrote, now or before a field was added to the config.

    Raises:
        CheckpointError: It is no JSON, a field without a default is missing, one is unknown, of another type
            or out of all proportion, or the fields do not fit each other.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            "The model's config is not JSON.", "Download or save the file again."
        ) from error
    try:
        config = _decode(PSPConfig, value, "config")
    except AssertionError as error:
        raise CheckpointError(f"The model's config contradicts itself: {error}.", _NEXT) from error
    if sum(stage.units for stage in config.encoder.stages) > _MOST_UNITS:
        _refuse(f"config.encoder.stages has more than {_MOST_UNITS} units.")
    return config


def generator_config_from_json(text: str) -> AnyConfig:
    """Return the config of a generator that stands by itself, written as JSON of its fields.

    Raises:
        CheckpointError: As for ``config_from_json``.
    """
    try:
        return _decode_generator(json.loads(text), "config")
    except (ValueError, RecursionError, AssertionError) as error:
        raise CheckpointError(
            f"The generator's config cannot be used: {error}.", "Save the file again."
        ) from error


def _refuse(problem: str) -> NoReturn:
    raise CheckpointError(problem, _NEXT)


def _shape(shapes: Shapes, key: str, rank: int) -> tuple[int, ...]:
    """Return the shape of ``key``, which must have ``rank`` axes."""
    if key not in shapes:
        _refuse(f"The state dict has no {key}.")
    if len(shapes[key]) != rank:
        _refuse(f"{key} has shape {list(shapes[key])}; {rank} axes were expected.")
    return shapes[key]


def _count(shapes: Shapes, prefix: str, suffix: str) -> int:
    """Return how many keys ``prefix<number>suffix`` there are."""
    middles = (
        k[len(prefix) : len(k) - len(suffix)] for k in shapes if k.startswith(prefix) and k.endswith(suffix)
    )
    return sum(middle.isdecimal() for middle in middles)


def infer_generator(shapes: Shapes) -> GeneratorConfig:
    """Return the configuration of the generator whose tensors are ``decoder.*`` in ``shapes``.

    Raises:
        CheckpointError: A key is missing, or they contradict each other.
    """
    planes = _count(shapes, "decoder.noises.noise_", "")
    if planes < 3 or planes % 2 == 0:
        _refuse(f"The state dict has {planes} tensors decoder.noises.noise_*; an odd number was expected.")
    noises = [_shape(shapes, f"decoder.noises.noise_{index}", 4) for index in range(planes)]
    size = 2 ** ((planes + 3) // 2)  # planes = 2·log2(size) − 3
    if noises[-1][-1] != size:
        _refuse(f"decoder.noises.noise_{planes - 1} is {noises[-1][-1]} px wide; {size} were expected.")
    channels = [_shape(shapes, "decoder.input.input", 4)[1]]
    for level in range(planes // 2):
        channels.append(_shape(shapes, f"decoder.convs.{2 * level}.conv.weight", 5)[1])
    return GeneratorConfig(
        size=size,
        style_dim=_shape(shapes, "decoder.conv1.conv.modulation.weight", 2)[1],
        n_mlp=_count(shapes, "decoder.style.", ".weight"),
        channels=tuple(channels),
    )


def _kind(shapes: Shapes, encoder_type: str | None) -> EncoderKind:
    if any(key.startswith("encoder.styles.") for key in shapes):
        fitting: tuple[EncoderKind, ...] = ("gradual", "e4e")
    elif any(key.startswith("encoder.output_layer_2.") for key in shapes):
        fitting = ("w_plus",)
    elif "encoder.linear.weight" in shapes:
        fitting = ("w",)
    else:
        _refuse(
            "The state dict has none of encoder.styles.*, encoder.output_layer_2.*, encoder.linear.weight."
        )
    if encoder_type is None:
        return fitting[0]
    _require_known(encoder_type)
    if encoder_type in RESTYLE_TYPES:
        _refuse(f"The file's options name the encoder {encoder_type!r}, but the keys are of {fitting[0]!r}.")
    kind = ENCODER_TYPES[encoder_type]
    if kind not in fitting:
        _refuse(f"The file's options name the encoder {encoder_type!r}, but the keys are of {fitting[0]!r}.")
    return kind


def _require_known(encoder_type: str) -> None:
    known = (*ENCODER_TYPES, *RESTYLE_TYPES)
    if encoder_type not in known:
        _refuse(f"The file's options name an encoder {encoder_type!r}; known are {', '.join(known)}.")


def _is_restyle(shapes: Shapes) -> bool:
    """Return whether an encoder makes its codes as ReStyle's do: by map2style networks without a pyramid."""
    return not any(key.startswith("encoder.latlayer") for key in shapes) and any(
        key.startswith("encoder.styles.") for key in shapes
    )


def _restyle_encoder(shapes: Shapes, encoder_type: str | None, passes: int | None) -> RestyleConfig:
    """Read an encoder of ReStyle; the keys tell the backbone, the options whether codes are offsets."""
    backbone: Backbone = "resnet" if "encoder.conv1.weight" in shapes else "ir_se"
    kind: RestyleKind = "restyle"
    if encoder_type is not None:
        _require_known(encoder_type)
        kind, named = RESTYLE_TYPES.get(encoder_type, (kind, None))
        if named != backbone:
            _refuse(
                f"The file's options name the encoder {encoder_type!r}, but the keys are of ReStyle's with "
                f"the backbone {backbone!r}."
            )
    official = RestyleConfig()
    passes = official.passes if passes is None else passes
    if not 1 <= passes <= MOST_PASSES:
        _refuse(f"The file's options say {passes} passes; 1 to {MOST_PASSES} were expected.")
    first = "encoder.conv1.weight" if backbone == "resnet" else "encoder.input_layer.0.weight"
    width, seen, *_ = _shape(shapes, first, 4)
    if seen != official.in_channels + PICTURE:
        _refuse(f"{first} takes {seen} channels; 6 were expected: a photo's, and those of the picture made.")
    code_dim, style_width = _shape(shapes, "encoder.styles.0.linear.weight", 2)
    halvings = _count(shapes, "encoder.styles.0.convs.", ".weight")
    if halvings > _MOST_HALVINGS:
        _refuse(f"encoder.styles.0 has {halvings} convolutions, more than any picture can be halved.")
    config = RestyleConfig(
        n_codes=_count(shapes, "encoder.styles.", ".linear.weight"),
        code_dim=code_dim,
        backbone=backbone,
        width=width,
        stages=_resnet_stages(shapes) if backbone == "resnet" else _stages(shapes),
        style_width=style_width,
        passes=passes,
        kind=kind,
    )
    return dataclasses.replace(config, in_size=2**halvings * config.shrinks)


def _resnet_stages(shapes: Shapes) -> tuple[Stage, ...]:
    """Read a ResNet's units: those of one width are a stage, which halves if its first unit projects."""
    stages: list[Stage] = []
    for index in range(_count(shapes, "encoder.body.", ".conv1.weight")):
        depth = _shape(shapes, f"encoder.body.{index}.conv1.weight", 4)[0]
        if stages and stages[-1].depth == depth:
            stages[-1] = dataclasses.replace(stages[-1], units=stages[-1].units + 1)
        else:
            projects = f"encoder.body.{index}.downsample.0.weight" in shapes
            stages.append(Stage(depth, 1, stride=2 if projects else 1))
    return tuple(stages)


def _encoder(shapes: Shapes, kind: EncoderKind, n_codes: int) -> EncoderConfig:
    width, in_channels, *_ = _shape(shapes, "encoder.input_layer.0.weight", 4)
    stages = _stages(shapes)
    if kind in ("gradual", "e4e"):
        if len(stages) < 3:
            _refuse(f"encoder.body has {len(stages)} widths; at least 3 were expected.")
        return _pyramid_encoder(shapes, kind, width, in_channels, stages)
    rows, dim = _shape(shapes, "encoder.linear.weight", 2)
    code_dim = rows if kind == "w" else dim
    return EncoderConfig(
        kind=kind, in_channels=in_channels, n_codes=n_codes, code_dim=code_dim, width=width, stages=stages
    )


def _stages(shapes: Shapes) -> tuple[Stage, ...]:
    """Read the backbone: consecutive units of one width are a stage; each stage halves."""
    stages: list[Stage] = []
    for index in range(_count(shapes, "encoder.body.", ".res_layer.1.weight")):
        depth = _shape(shapes, f"encoder.body.{index}.res_layer.1.weight", 4)[0]
        if stages and stages[-1].depth == depth:
            stages[-1] = Stage(depth, stages[-1].units + 1)
        else:
            stages.append(Stage(depth, 1))
    return tuple(stages)


def _pyramid_encoder(
    shapes: Shapes, kind: EncoderKind, width: int, in_channels: int, stages: tuple[Stage, ...]
) -> EncoderConfig:
    """Read the map2style networks: each has log2(size of its level) convolutions, which tells the levels."""
    n_codes = _count(shapes, "encoder.styles.", ".linear.weight")
    code_dim, style_width = _shape(shapes, "encoder.styles.0.linear.weight", 2)
    depths = [_count(shapes, f"encoder.styles.{index}.convs.", ".weight") for index in range(n_codes)]
    least = depths[0]
    if depths != sorted(depths) or depths[-1] > least + 2 or least > _MOST_HALVINGS:
        _refuse(f"encoder.styles.* have {depths} convolutions; a rising row of three levels was expected.")
    return EncoderConfig(
        kind=kind,
        in_channels=in_channels,
        in_size=2**least * math.prod(stage.stride for stage in stages),
        n_codes=n_codes,
        code_dim=code_dim,
        width=width,
        stages=stages,
        style_width=style_width,
        coarse=sum(depth == least for depth in depths),
        medium=sum(depth <= least + 1 for depth in depths),
    )


def _decode(cls: type[_T], value: object, where: str) -> _T:
    """Build the dataclass ``cls`` from a JSON object of its fields; those with a default may be missing."""
    if not isinstance(value, dict):
        _refuse(f"{where} is not an object.")
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    unknown = sorted(set(value) - {field.name for field in fields})
    # The parts of a model are made by a factory, not by a default: they are always written.
    missing = [f.name for f in fields if f.name not in value and f.default is dataclasses.MISSING]
    if unknown or missing:
        problem = f"has an unknown field {unknown[0]!r}" if unknown else f"lacks the field {missing[0]!r}"
        _refuse(f"{where} {problem}.")
    hints = get_type_hints(cls)
    return cls(**{name: _decode_value(hints[name], value[name], f"{where}.{name}") for name in value})


def _decode_generator(value: object, where: str) -> AnyConfig:
    """Build the config of the kind of generator that ``value`` names; StyleGAN2's names none."""
    if isinstance(value, dict) and "kind" in value:
        return _decode(MobileConfig, value, where)
    if isinstance(value, dict):
        for name in _GONE & set(value):
            if value[name] != 0:
                _refuse(f"{where}.{name} is of an earlier studio's portraits-128, which is read no more.")
        value = {name: value[name] for name in value if name not in _GONE}
    return _decode(GeneratorConfig, value, where)


def _decode_encoder(value: object, where: str) -> AnyEncoderConfig:
    """Build the config of the encoder that ``value`` names by its kind."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "compact":
        return _decode(CompactConfig, value, where)
    if kind in get_args(RestyleKind):
        return _decode(RestyleConfig, value, where)
    return _decode(EncoderConfig, value, where)


def _decode_value(hint: object, value: object, where: str) -> object:
    if hint == AnyConfig:
        return _decode_generator(value, where)
    if hint == AnyEncoderConfig:
        return _decode_encoder(value, where)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _decode(hint, value, where)
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_decode_value(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if get_origin(hint) is Literal and value in get_args(hint):
        return value
    if hint is int and type(value) is int and 0 <= value <= _LARGEST:
        return value
    _refuse(f"{where} cannot be {str(value)[:40]!r}.")
