"""Which weight files the studio knows: family, task, file, source, hash, licence. No tensors, no network.

Three kinds stand here: the bundled family, the official checkpoints, and auxiliary files for training. What
is on this machine is told from file names alone (``list_models``); ``psp.checkpoints`` verifies and loads.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psp.config import Settings
from psp.errors import ModelNotFoundError

BUNDLED = "portraits-128"
OFFICIAL = "ffhq-1024"
OWN_FILE = "own file"  # the family of a checkpoint given by its path

Where = Literal["bundled", "folder", "cache", "hub", "by hand"]

_SUFFIXES = (".pt", ".pth", ".safetensors")
_MODEL_OF_TASK = {"style_mix": "encode"}  # tasks that run on another task's model
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
        return (
            f"Download {self.page} with a browser, put it as {self.file} into a folder, and start with "
            "PSP_WEIGHTS_DIR set to that folder."
        )


@dataclass(frozen=True)
class ModelStatus:
    """Whether one model can be used.

    Attributes:
        entry: The model.
        where: "bundled", "folder" (``PSP_WEIGHTS_DIR``) or "cache": it is on this machine. "hub": it is
            downloaded when it is first used. "by hand": a person has to put the file into the folder.
    """

    entry: ModelEntry
    where: Where

    @property
    def ready(self) -> bool:
        """Whether it works now, without network."""
        return self.where in ("bundled", "folder", "cache")


def _official(task: str, file: str, drive_id: str, sha256: str | None) -> ModelEntry:
    """Return an official checkpoint; the mirror holds those whose hash is known."""
    source, revision = (_PSP_MIRROR, _PSP_REVISION) if sha256 else (None, None)
    return ModelEntry(OFFICIAL, task, file, _RESEARCH, source, revision, sha256, drive_id)


def _bundled(task: str) -> ModelEntry:
    licence = "Trained by this repository on licensed pictures; see the model card in assets/portraits-128."
    return ModelEntry(BUNDLED, task, f"{task}.safetensors", licence, bundled=True)


MODELS: tuple[ModelEntry, ...] = (
    _bundled("encode"),
    _bundled("frontalize"),
    _bundled("sketch_to_face"),
    _bundled("segmentation_to_face"),
    _bundled("super_resolution"),
    _bundled("toonify"),
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
"""Every model that a request can name by family."""

_COMMON_NAMES = {"model.safetensors"}

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


def families() -> tuple[str, ...]:
    """Return the names of all families, the bundled one first."""
    return tuple(dict.fromkeys(entry.family for entry in MODELS))


def tasks_of(family: str) -> tuple[str, ...]:
    """Return the tasks that ``family`` has models for, those that share a model included.

    Raises:
        ModelNotFoundError: There is no such family.
    """
    if family not in families():
        raise _unknown(family)
    own = tuple(entry.task for entry in MODELS if entry.family == family)
    return own + tuple(task for task, model in _MODEL_OF_TASK.items() if model in own)


def find_entry(
    model: str | Path, task: str, settings: Settings | None = None, *, allow_path: bool = True
) -> ModelEntry:
    """Return the entry that ``model`` means for ``task``.

    Args:
        model: "auto" (``settings.model``), the name of a family, of an auxiliary pSp file, or a path.
        task: Name of the task in the API; "style_mix" uses the model of "encode".
        settings: The settings; by default those of the environment.
        allow_path: Whether ``model`` may be a path; pass False for requests from the web, which must not be
            able to probe the machine's files. "auto" may mean a path all the same.

    Raises:
        ModelNotFoundError: No model of that name is known, or its family has none for the task.
    """
    if model == "auto":
        model, allow_path = (settings or Settings.from_env()).model, True
    task = _MODEL_OF_TASK.get(task, task)
    for entry in MODELS:
        if (entry.family, entry.task) == (model, task):
            return entry
    if model in families():
        others = [name for name in families() if task in tasks_of(name)]
        hint = (
            f"Models that do: {', '.join(others)}."
            if others
            else f"It has: {', '.join(tasks_of(str(model)))}."
        )
        raise ModelNotFoundError(f"The model {str(model)!r} does not do {task!r}.", hint)
    if model == "e4e-ffhq" and task == "encode":
        return AUXILIARY["e4e-ffhq"]
    if allow_path and _looks_like_path(model):
        path = Path(model).expanduser()
        return ModelEntry(OWN_FILE, task, path.name, "The licence of your own file.", path=path)
    raise _unknown(str(model), allow_path)


def assets_dir() -> Path:
    """Return the folder of the bundled files: ``assets/`` beside the package."""
    return Path(__file__).resolve().parent.parent / "assets"


def file_on_disk(
    entry: ModelEntry, settings: Settings, assets: Path | None = None
) -> tuple[Path, Where] | None:
    """Return where the file of ``entry`` is on this machine, unverified, or None.

    Args:
        entry: The model.
        settings: Names the local folder and the cache.
        assets: The folder of the bundled files; the repository's own by default.
    """
    places: list[tuple[Path, Where]] = []
    if entry.path is not None:
        places.append((entry.path, "folder"))
    if entry.bundled:
        places.append(((assets or assets_dir()) / entry.family / entry.file, "bundled"))
    if settings.weights_dir is not None and entry.path is None:
        places.append((settings.weights_dir / entry.family / entry.file, "folder"))
        # Bundled files are called after tasks only: too common a name for a shared folder, as are others.
        if not entry.bundled and entry.file not in _COMMON_NAMES:
            places.append((settings.weights_dir / entry.file, "folder"))
    if entry.source is not None:
        places.append((download_path(entry, settings), "cache"))
        places.append((_hub_cache_path(entry.source, entry.revision or "main", entry.file), "cache"))
    return next(((path, where) for path, where in places if path.is_file()), None)


def download_path(entry: ModelEntry, settings: Settings) -> Path:
    """Return where a download of ``entry`` is kept."""
    folder = (entry.source or entry.family).replace("/", "--")
    return settings.cache_dir / "hub" / folder / (entry.revision or "main") / entry.file


def list_models(settings: Settings, assets: Path | None = None) -> tuple[ModelStatus, ...]:
    """Return what can be used, in the registry's order: reads no file, asks no network.

    Args:
        settings: Names the local folder and the cache, and says whether the Hub may be asked.
        assets: The folder of the bundled files; the repository's own by default.
    """
    found = []
    for entry in MODELS:
        place = file_on_disk(entry, settings, assets)
        away: Where = "hub" if entry.source and not settings.offline else "by hand"
        found.append(ModelStatus(entry, place[1] if place else away))
    return tuple(found)


def _hub_cache_path(repo: str, revision: str, file: str) -> Path:
    """Return where the Hub's own client keeps a file: filled by ``hf download`` or a Space's preloading."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
    return cache / f"models--{repo.replace('/', '--')}" / "snapshots" / revision / file


def _looks_like_path(model: str | Path) -> bool:
    return isinstance(model, Path) or "/" in model or os.sep in model or model.lower().endswith(_SUFFIXES)


def _unknown(model: str, allow_path: bool = False) -> ModelNotFoundError:
    known = ", ".join(families())
    or_path = ", or the path of a .pt or .safetensors file" if allow_path else ""
    return ModelNotFoundError(f"There is no model called {model!r}.", f"Known: {known}{or_path}.")
