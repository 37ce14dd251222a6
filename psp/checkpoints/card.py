"""The model card of a model that is pushed to the Hub: made of what its files say, and of nothing else.

What comes from a file is cleaned: no path of a machine, no credential, no markup.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psp.checkpoints.evaluations import Evaluated
from psp.checkpoints.model_config import LIBRARY
from psp.checkpoints.model_input import model_input
from psp.models.architecture import config_from_json
from psp.models.compact import CompactConfig
from psp.models.encoders import AnyEncoderConfig
from psp.models.restyle import RestyleConfig
from psp.registry.lookup import RESERVED
from psp.tasks import TASKS

_LONGEST = 400  # characters of a text from a file
_CREDENTIAL = re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{8,}|(?<=://)[^/\s@]+@")
_PATH = re.compile(r"(?<![\w:/\\.<])(?:file:|~\w*|\.{1,2}|[A-Za-z]:)?[/\\]+[^\s,;:'\"()<>|]+")
_ENCODERS = {
    "gradual": "a feature pyramid over an IR-SE backbone, one small network a code",
    "e4e": "e4e: a first code and what the others differ by",
    "w": "one code for all layers (W)",
    "w_plus": "the backbone alone (W+)",
    "restyle": "ReStyle's, all codes from the backbone's last map",
    "restyle_e4e": "ReStyle's over e4e: a first code and what the others differ by",
    "compact": "a compact feature pyramid, one trunk a level and one layer a code",
}

_PIPELINE = "image-to-image"
# The columns of ``evaluate`` by their names for the Hub and for people.
_METRICS = {
    "l2": ("mse", "MSE in [−1,1]"),
    "lpips": ("lpips", "LPIPS (AlexNet)"),
    "identity": ("identity", "distance of dlib's face descriptors"),
    "similarity": ("similarity", "cosine of a face network"),
}
_INPUTS = {"sketch": "one channel (a sketch)", "photo": "RGB"}


@dataclass(frozen=True)
class CardFile:
    """One file on the card.

    Attributes:
        name: Its name in the repository.
        size: In bytes.
        task: The task that it is a model for; empty for a file that others need.
        info: Its metadata.
    """

    name: str
    size: int
    task: str
    info: Mapping[str, str]


def model_card(
    repo: str, files: Sequence[CardFile], licence: str | None, evaluations: Sequence[Evaluated] = ()
) -> str:
    """Return the card, Markdown with the front matter that the Hub reads.

    Args:
        repo: The repository, "owner/name".
        files: What is in it, models first.
        licence: The Hub's identifier of the licence; None: not stated.
        evaluations: What was measured of these very files.

    Raises:
        CheckpointError: The metadata of a model holds no config that can be read.
    """
    models, name = [file for file in files if file.task], repo.partition("/")[2]
    parts = [
        _front_matter(name, licence, evaluations),
        f"# {name}",
        _about(models),
        *(_model(file, [each for each in evaluations if each.task == file.task]) for file in models),
        _files(files),
        _usage(repo, [file.task for file in models]),
        _limits(models),
        _licence(licence, files),
    ]
    return "\n\n".join(parts) + "\n"


def clean(text: str, longest: int | None = _LONGEST) -> str:
    """Return ``text`` in one line of at most ``longest``, without credentials and folders of paths."""
    text = _CREDENTIAL.sub("…", " ".join(text.split()))
    return _PATH.sub(lambda found: re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)[:longest]


def plain(text: str, longest: int | None = _LONGEST) -> str:
    """Return ``clean(text)`` without markup, as it may stand on a card."""
    return re.sub(r"[<>|`\[\]*_#!\\&]", lambda found: f"&#{ord(found[0])};", clean(text, longest))


def holds_credential(text: str) -> bool:
    """Return whether ``text`` looks as if a credential were in it."""
    return _CREDENTIAL.search(text) is not None


def holds_path(text: str) -> bool:
    """Return whether ``text`` looks as if a path of this machine were in it."""
    return _PATH.search(text) is not None


def entry_name(repo: str) -> str:
    """Return a name for the family of ``repo`` in the file of own models."""
    name = repo.partition("/")[2][:60]
    return f"my-{name}" if name.lower() in RESERVED else name


def size_words(count: int) -> str:
    """Return a size in bytes for a person."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _front_matter(name: str, licence: str | None, evaluations: Sequence[Evaluated]) -> str:
    from huggingface_hub import EvalResult, ModelCardData  # noqa: PLC0415  (slow to import, for cards only)

    results = [
        EvalResult(
            task_type=_PIPELINE,
            task_name=TASKS[each.task].title,
            dataset_type="custom",  # a folder's name, which must not pass for a data set of the Hub
            # The library joins results that have this and the split in common, whatever else differs.
            dataset_config=", ".join(filter(None, (each.task, clean(each.data), each.variant))),
            dataset_name=f"{clean(each.data)}, {each.pictures} pictures",
            dataset_split=each.split,
            dataset_args={"size": each.size},
            metric_type=_METRICS[name][0],
            metric_name=_METRICS[name][1],
            metric_value=round(value, 4),
        )
        for each in evaluations
        for name, value in each.figures.items()
        if name in _METRICS
    ]
    data = ModelCardData(
        license=licence or "other",
        license_name=None if licence else "not-stated",
        library_name=LIBRARY,
        pipeline_tag=_PIPELINE,
        tags=["pixel2style2pixel", "psp", "stylegan2", _PIPELINE, LIBRARY, "synthetic"],
        model_name=name if results else None,
        eval_results=results or None,
    )
    return f"---\n{data.to_yaml()}\n---"


def _about(models: Sequence[CardFile]) -> str:
    tasks = ", ".join(f"*{TASKS[file.task].title}*" for file in models)
    return (
        "A pixel2style2pixel model ([*Encoding in Style*](https://arxiv.org/abs/2008.00951), CVPR 2021) for "
        f"pSp Studio: {tasks}. An encoder maps a picture to the W+ codes of a StyleGAN generator, which "
        "draws the result.\n\n"
        "**Results are synthetic.** Every picture that it makes is invented by a network; pSp Studio says so "
        "in the metadata of each."
    )


def _beside(encoder: AnyEncoderConfig) -> str:
    """Return what an encoder has besides its layers."""
    if isinstance(encoder, RestyleConfig):
        units = "IR-SE units" if encoder.backbone == "ir_se" else "a ResNet"
        return f" ({units}), {encoder.passes} {'pass' if encoder.passes == 1 else 'passes'}"
    if not isinstance(encoder, CompactConfig):
        return ""
    sees = "" if encoder.sight == "none" else ", beside what dlib's face network sees"
    count = encoder.corrections
    corrects = f", corrected {'once' if count == 1 else f'{count} times'} by its own result" if count else ""
    return sees + corrects + (", turned to the front" if encoder.frontal_rank else "")


def _model(file: CardFile, evaluations: Sequence[Evaluated]) -> str:
    config = config_from_json(file.info.get("config", ""))
    encoder, generator = config.encoder, config.generator
    takes = model_input(encoder.in_channels, file.info, file.name)
    given = _INPUTS.get(takes.kind or "", takes.words())
    rows = [
        ("task", f"`{file.task}`: {TASKS[file.task].caption}"),
        ("result", f"{generator.size} px"),
        ("codes", f"{generator.n_codes} of {generator.style_dim}"),
        ("encoder", f"{_ENCODERS[encoder.kind]}{_beside(encoder)}; {given}, {encoder.in_size} px"),
    ]
    if takes.classes is not None:
        rows.append(("classes", plain(takes.classes.listed(), longest=None)))
    for key, title in (("data", "data"), ("pictures", "pictures drawn in training"), ("preset", "preset")):
        if value := plain(file.info.get(key, "")):
            rows.append((title, value))
    text = [f"## {TASKS[file.task].title}", _table(("", ""), rows)]
    figures = _figures(file.info.get("figures", ""))
    if figures:
        text += ["Measured on held-out pictures in training:", _table(("figure", "value"), figures)]
    if evaluations:
        text += ["Measured by `psp evaluate`, means over the pictures:", _evaluated(evaluations)]
    if not figures and not evaluations:
        text.append("No held-out figures come with the file.")
    return "\n\n".join(text)


def _evaluated(evaluations: Sequence[Evaluated]) -> str:
    """Return a table with a row for each set of pictures."""
    measured = [name for name in _METRICS if any(name in each.figures for each in evaluations)]
    head = ("pictures of", "which", "number", "px", *(_METRICS[name][1] for name in measured))
    rows = []
    for each in evaluations:
        which = {"val": "held out", "all": "all"}.get(each.split, plain(each.split))
        figures = (f"{each.figures[name]:.4f}" if name in each.figures else "–" for name in measured)
        data = plain(f"{each.data} {each.variant}".strip())
        rows.append((data, which, str(each.pictures), str(each.size), *figures))
    return _table(head, rows)


def _figures(text: str) -> list[tuple[str, str]]:
    """Return the figures that a file's metadata holds; none where there are none or they are no numbers."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, dict):
        return []
    numbers = {k: v for k, v in found.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    return [(plain(name), f"{value:.6g}") for name, value in numbers.items() if math.isfinite(value)]


def _files(files: Sequence[CardFile]) -> str:
    rows = []
    for file in files:
        needs = [file.info[key] for key in ("decoder", "base") if key in file.info]
        what = TASKS[file.task].title if file.task else "needed by the others"
        rows.append(
            (f"`{file.name}`", what, ", ".join(f"`{name}`" for name in needs) or "–", size_words(file.size))
        )
    return "## Files\n\n" + _table(("file", "what", "needs beside it", "size"), rows)


def _usage(repo: str, tasks: Sequence[str]) -> str:
    name, first = entry_name(repo), tasks[0]
    listed = ", ".join(f'"{task}"' for task in tasks)
    given = {"photo": "photo.jpg", "sketch": "drawing.png", "mask": "map.png"}[TASKS[first].kind]
    return f"""## How to use it

In Python, with pSp Studio; it is downloaded when it is first used:

```python
from psp import PspPipeline

pipe = PspPipeline.from_pretrained("{repo}")
pipe.{first}("{given}").save("out/result.png")
```

On the command line:

```bash
python -m psp {first} {given} --model {repo}
```

To have it in the page's list of models, write this into a file `models.toml` and start with
`PSP_MODELS=models.toml python app.py`:

```toml
["{name}"]
hub = "{repo}"
tasks = [{listed}]
```"""


def _limits(models: Sequence[CardFile]) -> str:
    lines = [f"- {TASKS[file.task].title}: {TASKS[file.task].limits}" for file in models]
    lines.append(
        "- It draws what is like its training data; other pictures come out as relatives of those, and what "
        "the data leans to, it leans to."
    )
    lines.append("- It identifies nobody and must not be used to. Use pictures of people who agree to it.")
    return "\n".join(["## Limits", "", *lines])


def _licence(licence: str | None, files: Sequence[CardFile]) -> str:
    said = f"`{licence}`." if licence else "Not stated by its author: ask before you use it."
    told = dict.fromkeys(plain(file.info.get("licence", ""), longest=None) for file in files)
    made_of = [f"- {text}" for text in told if text]
    if made_of:
        said += "\n\nIts files say of the weights that are in them, which binds whoever uses it:\n\n"
        said += "\n".join(made_of) + "\n\n"
    return f"## Licence\n\n{said} The licences of the training data hold besides. pSp Studio's code is MIT."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
