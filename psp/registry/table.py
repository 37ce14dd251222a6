"""The weight files that come with the studio, or that it knows where to get: family, task, source, hash.

Three kinds stand here: the bundled family, the official checkpoints, and auxiliary files for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psp.tasks import MODEL_TASKS

BUNDLED = "mobile-1024"
OFFICIAL = "ffhq-1024"
OWN_FILE = "own file"  # the family of a checkpoint given by its path

COMMON_NAMES = frozenset({"model.safetensors", *(f"{task}.safetensors" for task in MODEL_TASKS)})
"""Names that say no more than a task: in a folder for many models they lie below the family's name."""

_RESEARCH = (
    "Code MIT; the weights descend from FFHQ, StyleGAN2 and CelebAMask-HQ: research use only, non-commercial."
)
_PSP_MIRROR = "trysem/pixel2style2pixel"
_PSP_REVISION = "38432361dadb040906bc23623efb58bdc061a6a4"


@dataclass(frozen=True)
class ModelEntry:
    """One weight file.

    Attributes:
        family: Name of the family, or ``OWN_FILE``.
        task: The task it was trained for, or what an auxiliary file is for.
        file: File name, in the bundled folder, in the local folder and on the Hub.
        licence: What its use is bound to, for a person.
        source: Hub repository; None: it cannot be downloaded by the studio.
        revision: Commit of that repository; where it is a branch, ``sha256`` alone pins the content.
        sha256: Hash of the whole file, lower-case hex; None: not known, so not verified.
        drive_id: Google Drive id of the authors' own upload.
        bundled: Whether it comes with the repository, in ``assets/<family>/``.
        path: Where the file is, for a file of the user's own; None: it is to be found.
        title: Name of the family for a person, where it has one.
        problem: Why a family of the user's own cannot be used at all, one sentence; empty: it can.
    """

    family: str
    task: str
    file: str
    licence: str
    source: str | None = None
    revision: str | None = None
    sha256: str | None = None
    drive_id: str | None = None
    bundled: bool = False
    path: Path | None = None
    title: str = ""
    problem: str = ""

    @property
    def page(self) -> str | None:
        """Where a person can get the file with a browser, or None."""
        if self.source:
            return f"https://huggingface.co/{self.source}/blob/{self.revision or 'main'}/{self.file}"
        return f"https://drive.google.com/file/d/{self.drive_id}" if self.drive_id else None

    @property
    def by_hand(self) -> str:
        """How a person gets the file into place, one sentence."""
        if self.bundled:
            return f"Restore assets/{self.family}/{self.file} from the repository."
        if self.path is not None:
            return f"{self.problem} Check its entry in the file of PSP_MODELS.".strip()
        if self.source is not None and self.family.partition("@")[0] == self.source:
            return (
                f"No file or folder here is called {self.source}, so the Hub is asked for it: check its "
                f"name, and that {self.page} is there."
            )
        name = f"{self.family}/{self.file}" if self.file in COMMON_NAMES else self.file
        return (
            f"Download {self.page} with a browser, put it as {name} into a folder, and start with "
            "PSP_WEIGHTS_DIR set to that folder."
        )


def _official(task: str, file: str, drive_id: str, sha256: str | None) -> ModelEntry:
    """Return an official checkpoint; the mirror holds those whose hash is known."""
    source, revision = (_PSP_MIRROR, _PSP_REVISION) if sha256 else (None, None)
    return ModelEntry(OFFICIAL, task, file, _RESEARCH, source, revision, sha256, drive_id)


def _bundled(task: str) -> ModelEntry:
    licence = (
        "MobileStyleGAN (Apache-2.0 as published), distilled from StyleGAN2-FFHQ, with encoders trained by "
        "this repository: research and non-commercial use; see the model card in assets/mobile-1024."
    )
    return ModelEntry(BUNDLED, task, f"{task}.safetensors", licence, bundled=True)


MODELS: tuple[ModelEntry, ...] = (
    *(_bundled(task) for task in MODEL_TASKS),
    _official(
        "encode",
        "psp_ffhq_encode.pt",
        "1bMTNWkh5LArlaWSc_wa8VKyq2V42T2z0",
        "f786ac5cf18fcdbc5c57c9f3f12cbedca69381fbdf5694dd132294e3133749d7",
    ),
    _official(
        "frontalize",
        "psp_ffhq_frontalization.pt",
        "1_S4THAzXb-97DbpXmanjHtXRyKxqjARv",
        "da69df9c3edfe6671731346f2aca45ee92af5134c52c91b84422a359b6f6349f",
    ),
    _official(
        "sketch_to_face",
        "psp_celebs_sketch_to_face.pt",
        "1lB7wk7MwtdxL-LL4Z_T76DuCfk00aSXA",
        "6a5058223b79a8db514d6b6815e9062dbb19fc752992ac2b967707cb49b64ed9",
    ),
    _official("segmentation_to_face", "psp_celebs_seg_to_face.pt", "1VpEKc6E6yG3xhYuZ0cq8D2_1CbT0Dstz", None),
    _official(
        "super_resolution",
        "psp_celebs_super_resolution.pt",
        "1ZpmSXBpJ9pFEov6-jjQstAlfYbkebECu",
        "4285ae6f061e699c1a420b493869255b148868bbd8974ee9eec7209984c7585b",
    ),
    _official("toonify", "psp_ffhq_toonify.pt", "1YKoiVuFaqdvzDP5CZaqa3k5phL-VDmyz", None),
)
"""Every model that comes with the studio and that a request can name by family."""


AUXILIARY: dict[str, ModelEntry] = {
    entry.task: entry
    for entry in (
        ModelEntry(
            "auxiliary",
            "identity",
            "InsightFace_Pytorch+model_ir_se50.pth",
            "InsightFace: research use only, non-commercial.",
            "lithiumice/ArcFace_PyTorch",
            "main",
            "a035c768259b98ab1ce0e646312f48b9e1e218197a0f80ac6765e88f8b6ddf28",
        ),
        ModelEntry(
            "auxiliary",
            "stylegan2-ffhq",
            "stylegan2-ffhq-config-f.pt",
            "NVIDIA Source Code License-NC: research use only, non-commercial.",
            "wmpscc/StyleGene",
            "main",
            "d0d7c5e71531c816b8cf01037393ee4fb65ed09dcb6434cc0197771e3051199b",
        ),
        ModelEntry(
            "auxiliary",
            "e4e-ffhq",
            "e4e_ffhq_encode.pt",
            _RESEARCH,
            "zhengchong/e4e",
            "main",
            "2ace1d9a8c05c10a399bcd500b8dda118f759ff1aac89dbdab7435f2136a0999",
        ),
        ModelEntry(
            "face-parsing",
            "face-parsing",
            "model.safetensors",
            "CC0 by its card; trained on CelebAMask-HQ, which is for non-commercial research.",
            "jonathandinu/face-parsing",
            "main",
        ),
    )
}
"""Files that are no family: networks for training, e4e's encoder, and the face parser."""
