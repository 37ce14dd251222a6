"""The About tab: models and where they come from, licences, privacy, how to cite."""

from __future__ import annotations

import gradio as gr

from psp.config import Settings
from psp.registry.lookup import BUNDLED, OFFICIAL, ModelEntry, ModelStatus, families, list_models
from psp.tasks import TASKS
from psp.ui.words import escape

_TEXT = """
**What this is.** A studio over pixel2style2pixel (pSp): *Encoding in Style: a StyleGAN Encoder for
Image-to-Image Translation*, Richardson et al., CVPR 2021, [arXiv 2008.00951](https://arxiv.org/abs/2008.00951).
An encoder maps a picture to the W+ codes of a face generator; everything here is "encode, maybe mix, decode".

**Results are synthetic.** Every picture made here says so in its metadata. The studio identifies nobody: it
compares a result with its own input, and nothing else. Use photos of people who agree to it.

**Your pictures** stay on the machine that runs this page, in a private temporary folder, and are deleted
within a day; when the studio stops, at once. (One that was killed deletes them when it starts again.)
A recipe or its link never holds your picture.

**When many people use it**, requests wait in one line: the status above a result says your place in it, and
everybody takes turns. At most {queue} may wait; then the page asks you to try again. A request may take
{seconds} seconds; one that you close the page on is dropped.
"""

_LICENCES = """
**Licences.**

- `mobile-1024`, bundled: for **research and non-commercial use**. Its generator is MobileStyleGAN (Apache-2.0
  as published), which was distilled from NVIDIA's StyleGAN2-FFHQ, whose own terms are non-commercial (FFHQ is
  CC BY-NC-SA 4.0). The encoders were trained by this project, on pictures of that generator, public-domain
  and CC0 photographs, and maps by a network that learned from CelebAMask-HQ (non-commercial research). What
  they do well, and for whom less well, stands in `assets/mobile-1024/README.md`.
- `ffhq-1024`, the official checkpoints, where they are installed: MIT code, but the weights descend from
  FFHQ, StyleGAN2 and CelebAMask-HQ: **research only, not for commercial use**.
- Faces are found with dlib and its 68-point predictor, whose licence **excludes commercial products**.
- Perceptual distances: LPIPS (BSD-2-Clause) on AlexNet (BSD-3-Clause).
- Maps of photos are made by a small network that is bundled, or by SegFormer (`jonathandinu/face-parsing`,
  CC0 by its card) where that is installed; the details say which. Both descend from CelebAMask-HQ:
  **non-commercial research**. `PSP_FACE_PARSER=landmarks` makes maps from landmarks and colours instead.
- Example pictures: see `examples/LICENSE.md`.

**How to cite.**
"""

_CITATION = """@inproceedings{richardson2021encoding,
  title     = {Encoding in Style: a StyleGAN Encoder for Image-to-Image Translation},
  author    = {Richardson, Elad and Alaluf, Yuval and Patashnik, Or and Nitzan, Yotam and Azar, Yaniv and
               Shapiro, Stav and Cohen-Or, Daniel},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2021}
}"""

_WHERE = {
    "bundled": "ready",
    "folder": "ready (local folder)",
    "cache": "ready (downloaded)",
    "hub": "downloaded when first used",
    "by hand": "not here",
}


def about_tab(settings: Settings) -> None:
    """Lay out the tab, inside the current Blocks."""
    gr.Markdown(_TEXT.format(queue=settings.queue_size, seconds=settings.max_seconds))
    gr.Markdown(_models(settings))
    gr.Markdown(_LICENCES)
    gr.Code(_CITATION, language=None, label="BibTeX", interactive=False)


def _models(settings: Settings) -> str:
    """Return a list of all models as Markdown, with how to get those that are not here."""
    lines = ["**Models.**", ""]
    every = list_models(settings)
    for family in families(settings):
        statuses = [status for status in every if status.entry.family == family]
        entry = statuses[0].entry
        lines.append(f"- `{family}`{_about_own(entry)}")
        if not entry.problem:
            lines += [f"    - {_state(status)}" for status in statuses]
    return "\n".join(lines)


def _about_own(entry: ModelEntry) -> str:
    """Return what the file of own models says of a family; nothing for one of the studio's."""
    if entry.family in (BUNDLED, OFFICIAL):
        return ""
    title = f", {escape(entry.title)}" if entry.title else ""
    here = f". Not here: {escape(entry.by_hand)}" if entry.problem else ""
    whose = f"from {escape(entry.source)} on the Hub" if entry.source else "a model of this studio's owner"
    return f"{title}, {whose}. {escape(entry.licence)}{here}"


def _state(status: ModelStatus) -> str:
    entry = status.entry
    size = " (1.2 GB)" if status.where == "hub" and entry.family == OFFICIAL else ""
    how = f": {entry.by_hand}" if status.where == "by hand" else ""
    return f"{TASKS[entry.task].title}: {_WHERE[status.where]}{size}{how}"
