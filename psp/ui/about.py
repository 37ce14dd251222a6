"""The About tab: where models come from, under which licences, and what happens to uploads."""

from __future__ import annotations

import gradio as gr

_TEXT = """
**What this is.** A studio over pixel2style2pixel (pSp): *Encoding in Style: a StyleGAN Encoder for
Image-to-Image Translation*, Richardson et al., CVPR 2021, [arXiv 2008.00951](https://arxiv.org/abs/2008.00951).

**Results are synthetic.** Every picture made here says so in its metadata. The studio identifies nobody.

**Your pictures** stay on the machine that runs this page, in a temporary folder, and are deleted in a day.

**Models.**

- `portraits-128`, bundled: trained by this project on painted portraits © artflow.ai (CC BY 4.0), official
  portraits of the US Congress (public domain), portraits from cjdowner/interfaces (CC0), official portraits
  © UK Parliament (CC BY 3.0); changes were made. Its card stands in `assets/portraits-128/README.md`.
- `ffhq-1024`, the official checkpoints, where they are installed: MIT code, but the weights descend from
  FFHQ, StyleGAN2 and CelebAMask-HQ: **research only, not for commercial use**.
- Faces are found with dlib and its 68-point predictor, whose licence **excludes commercial products**.
- Perceptual distances: LPIPS (BSD-2-Clause) on AlexNet (BSD-3-Clause).
"""


def about_tab() -> None:
    """Lay out the tab, inside the current Blocks."""
    gr.Markdown(_TEXT)
