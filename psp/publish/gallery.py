"""A static page of results: pictures in two sizes, the page, its preview, and the card of a static Space."""

from __future__ import annotations

import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageOps

from psp.checkpoints.card import clean
from psp.codes.recipe import picture_to_png, picture_to_webp
from psp.errors import SettingsError
from psp.files.bundled import assets_dir
from psp.files.saving import Made, write_files
from psp.pictures.images import load_picture
from psp.publish.gallery_credits import example_credit, licence_file, model_terms
from psp.publish.gallery_inputs import origin_of
from psp.publish.gallery_page import About, Item, gallery_html
from psp.publish.gallery_results import Found, find_results
from psp.tasks import TASKS

LIST = "gallery.json"
"""The list of what was written, by hash: of what may be replaced or removed the next time."""

_SHOWN, _QUALITY = 768, 84  # pixels a side on the page, and WebP's quality: some 60 kB
_PREVIEW = (1200, 630)  # what link previews show
_ADDRESS = re.compile(r"https?://[^\s\"'<>?#]+")
_MADE_BY = "pSp Studio"


@dataclass(frozen=True)
class Gallery:
    """What was made.

    Attributes:
        page: ``index.html``.
        items: The results on it.
        size: Bytes of all files.
    """

    page: Path
    items: tuple[Item, ...]
    size: int


def make_gallery(
    folder: Path,
    out: Path,
    *,
    title: str = "Faces by pSp Studio",
    studio: str = "http://127.0.0.1:7860",
    url: str = "",
    licence: str = "",
    inputs: Path | None = None,
    step: Callable[[str, float], None] | None = None,
) -> Gallery:
    """Write a page of the results in ``folder`` to ``out``.

    Files of an earlier gallery there are replaced, or removed where they are not needed any more. No other
    file is touched.

    Args:
        folder: Where results are.
        out: Where the page goes.
        title: Its title.
        studio: Address of the studio that its links open.
        url: Address at which the page will be, for link previews; empty: not known.
        licence: What to say of its use.
        inputs: Where the files are that the results were made from, if not beside them.
        step: Told how far it is.

    Raises:
        InputError: There is no result.
        SettingsError: An address is none, or a file is in the way that no gallery has made.
        OSError: A file cannot be written.
    """
    studio, url = (_address(text, name) for text, name in ((studio, "--studio"), (url, "--url")))
    title = clean(title) or _MADE_BY
    if out.resolve().is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(out.resolve()):
        raise SettingsError(f"{out} and {folder} lie in each other.", "Choose another folder with -o.")
    results = find_results(folder, inputs)
    files: dict[str, bytes] = {}
    items: list[Item] = []
    for number, found in enumerate(results):
        if step:
            step(found.name, number / len(results))
        item, pictures = _item(found, {item.slug for item in items})
        items.append(item)
        files |= pictures
    credits = licence_file(folder)
    terms = model_terms(item.recipe.model for item in items)
    examples = list(dict.fromkeys(example_credit(item.example) for item in items if item.example))
    about = About(title, studio, url, " ".join(licence.split()), terms, examples, credits)
    files |= _beside(items, about, files)
    _write(out, files)
    return Gallery(out / "index.html", tuple(items), sum(map(len, files.values())))


def _address(text: str, option: str) -> str:
    if text and not _ADDRESS.fullmatch(text):
        raise SettingsError(f"{option} is {text[:80]!r}, which is no address.", "Write https://….")
    return text if not text or text.endswith("/") else f"{text}/"


def _item(found: Found, taken: set[str]) -> tuple[Item, dict[str, bytes]]:
    """Return one result as the page has it, and its files by name."""
    picture = load_picture(found.path)
    origin = origin_of(found, picture)
    name = clean(found.name).replace("_", " ").strip() or TASKS[found.recipe.task].title
    name = name[:1].upper() + name[1:]
    task = "" if found.recipe.task in found.path.stem else f"-{found.recipe.task}"
    slug = _slug(f"{found.path.stem}{task}", taken)
    recipe = replace(found.recipe, model=clean(found.recipe.model))
    shown = min(_SHOWN, picture.width)
    files = {
        f"pictures/{slug}.png": picture_to_png(
            picture, recipe
        ),  # anew: a file may hold more than the studio wrote
        f"shown/{slug}.webp": picture_to_webp(_resized(picture, shown), _QUALITY),
    }
    if origin.before is not None:
        files[f"shown/{slug}-before.webp"] = _webp(_resized(origin.before.convert("RGB"), shown))
    return Item(slug, name, recipe, picture.width, shown, origin.before is not None, origin.example), files


def _slug(text: str, taken: set[str]) -> str:
    """Return a name of its own for addresses."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80] or "face"
    number = 1
    while (free := slug if number == 1 else f"{slug}-no-{number}") in taken:
        number += 1
    return free


def _resized(picture: Image.Image, side: int) -> Image.Image:
    return picture if picture.size == (side, side) else picture.resize((side, side), Image.Resampling.LANCZOS)


def _webp(picture: Image.Image) -> bytes:
    """Return an input as WebP; unlike results it is not marked as synthetic."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=_QUALITY, method=6)
    return out.getvalue()


def _beside(items: Sequence[Item], about: About, pictures: dict[str, bytes]) -> dict[str, bytes]:
    """Return what is there besides the pictures, by name."""
    files = {
        "index.html": gallery_html(items, about).encode(),
        "gallery.css": (assets_dir() / "gallery.css").read_bytes(),
        "gallery.js": (assets_dir() / "gallery.js").read_bytes(),
        "preview.jpg": _preview(items, pictures),
        "README.md": _card(about, len(items)).encode(),
    }
    if about.credits:
        files[about.credits[0]] = about.credits[1].encode()
    return files


def _preview(items: Sequence[Item], pictures: dict[str, bytes]) -> bytes:
    """Return the picture of link previews: some results, of different tasks where there are several."""
    count = min(len(items), 4)
    width, height = _PREVIEW[0] // count, _PREVIEW[1]
    sheet = Image.new("RGB", _PREVIEW)
    for place in range(count):
        item = items[place * len(items) // count]
        face = load_picture(pictures[f"shown/{item.slug}.webp"])
        sheet.paste(ImageOps.fit(face, (width, height), Image.Resampling.LANCZOS), (place * width, 0))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=86, comment=_MADE_BY.encode())
    return out.getvalue()


def _card(about: About, count: int) -> str:
    """Return the card that makes the folder a static Space."""
    fields = {
        "title": about.title[:80],
        "emoji": "🖼️",
        "colorFrom": "indigo",
        "colorTo": "pink",
        "sdk": "static",
        "app_file": "index.html",
        "short_description": f"{count} synthetic faces by pixel2style2pixel",
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    title = re.sub(r"[<>|`\[\]*_#!\\&]", lambda found: f"&#{ord(found[0])};", about.title)
    return (
        "\n".join(["---", *lines, "tags:", "- synthetic", "- pixel2style2pixel", "---"])
        + f"\n\n# {title}\n\nA page of synthetic faces: open `index.html`, or put this folder on any host.\n"
    )


def _write(out: Path, files: dict[str, bytes]) -> None:
    """Write all files or none, and remove what an earlier gallery left."""
    for folder in sorted({(out / name).parent for name in files}):
        if folder.is_symlink():
            raise SettingsError(f"{folder} leads elsewhere.", "Choose another folder with -o.")
    earlier = _earlier(out)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    listed = json.dumps({"made by": _MADE_BY, "files": hashes}, indent=1).encode()
    write_files(
        {out / name: data for name, data in {**files, LIST: listed}.items()}, _made(out, earlier), sync=False
    )
    for name in earlier.keys() - files.keys():
        path = out / name
        if _made(out, earlier)(path):
            path.unlink()


def _made(out: Path, earlier: dict[str, str]) -> Made:
    """Return what knows the files of an earlier gallery: listed there, and unchanged since."""

    def made(path: Path) -> bool:
        if not path.is_file() or path.is_symlink():
            return False
        name = path.relative_to(out).as_posix()
        if name == LIST:
            return bool(earlier)
        return earlier.get(name) == hashlib.sha256(path.read_bytes()).hexdigest()

    return made


def _earlier(out: Path) -> dict[str, str]:
    """Return what an earlier gallery wrote to ``out``, hashes by name; empty: there is none."""
    try:
        data = json.loads((out / LIST).read_text(encoding="utf-8"))
        files = data["files"] if data["made by"] == _MADE_BY else {}
        inside = out.resolve()
        return {str(k): str(v) for k, v in files.items() if (out / str(k)).resolve().is_relative_to(inside)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
