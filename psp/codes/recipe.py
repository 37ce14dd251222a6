"""What reproduces a result, and the metadata of every picture the studio makes; never the photo itself."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from psp.codes.made_with import MadeWith, made_with_from
from psp.errors import InputError
from psp.parameters import SETTINGS, Setting
from psp.ranges import check_edits, check_layers, check_number, check_word, shown

SOFTWARE = "pSp Studio"
"""What pictures of the studio say of who made them."""

# IPTC's word for "made by a trained model"; readers of metadata look for it in XMP.
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{_SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>'
)
# Characters; a recipe is a handful of short words and numbers.
_LONGEST_VALUE, _LONGEST_RECIPE = 200, 4000


@dataclass(frozen=True)
class Recipe:
    """Task, model and settings of one result.

    Attributes:
        task: Name of the task.
        model: Name of the model family, or of the file.
        model_sha256: Hash of the model's file.
        settings: The request's settings by their API names.
        made_with: What else decides the bytes; None in recipes that do not say. Recipes that differ in it
            alone are equal: they ask for the same. It stands in files, not in links.
    """

    task: str
    model: str
    model_sha256: str
    settings: dict[str, Setting] = field(default_factory=dict)
    made_with: MadeWith | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        # NumPy's scalars as Python's own, for a recipe is written as JSON.
        plain = {name: getattr(value, "tolist", lambda v=value: v)() for name, value in self.settings.items()}
        object.__setattr__(self, "settings", plain)

    def of_variant(self, index: int) -> Recipe:
        """Return the recipe of one picture of several, by its number from 0."""
        return replace(self, settings={**self.settings, "variant": index})

    def to_dict(self) -> dict[str, object]:
        """Return the recipe as plain data."""
        told: dict[str, object] = {
            "task": self.task,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "settings": dict(self.settings),
        }
        return told if self.made_with is None else {**told, "made_with": self.made_with.to_dict()}

    def to_json(self) -> str:
        """Return the recipe as one line of JSON, keys sorted."""
        return json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False)

    def to_query(self) -> str:
        """Return the recipe as the query of a link to the page, "?task=…"."""
        settings = {
            name: json.dumps(value) if isinstance(value, bool) else value
            for name, value in self.settings.items()
            if name != "task"  # of a video: see recipe_from_query
        }
        return "?" + urlencode(
            {"task": self.task, "model": self.model, "sha256": self.model_sha256, **settings}
        )


def recipe_from_dict(data: object) -> Recipe:
    """Read a recipe from plain data that came from outside.

    Raises:
        InputError: It is no recipe, or a value has the wrong type or is out of the range that requests have.
    """
    if not isinstance(data, Mapping):
        raise _no_recipe()
    words = [data.get(name) for name in ("task", "model", "model_sha256")]
    settings = data.get("settings", {})
    # Printable: what cannot be written as UTF-8 would end the page's stream, and no name needs a newline.
    if not all(isinstance(w, str) and len(w) <= _LONGEST_VALUE and w.isprintable() for w in words):
        raise _no_recipe()
    if not isinstance(settings, Mapping):
        raise _no_recipe()
    kept = {name: _typed(name, value) for name, value in settings.items() if name in SETTINGS}
    task, model, sha256 = map(str, words)
    return Recipe(task, model, sha256, kept, made_with_from(data.get("made_with")))


def recipe_from_query(query: Mapping[str, str]) -> Recipe | None:
    """Read a recipe from the query of a link; None where the link holds none.

    Raises:
        InputError: A value cannot be understood.
    """
    if "task" not in query:
        return None
    # The task of a video is a setting, too, but no link leads to one.
    settings = {name: value for name, value in query.items() if name in SETTINGS and name != "task"}
    return recipe_from_dict(
        {
            "task": query["task"],
            "model": query.get("model", "auto"),
            "model_sha256": query.get("sha256", ""),
            "settings": settings,
        }
    )


def picture_to_png(picture: Image.Image, recipe: Recipe, *, synthetic: bool = True) -> bytes:
    """Return ``picture`` as a lossless PNG that says how it was made and, if so, that it is synthetic."""
    info = PngInfo()
    info.add_text("Software", SOFTWARE)
    if synthetic:
        info.add_text("Description", "Synthetic face, made by a neural network (pixel2style2pixel).")
    info.add_text("psp-recipe", recipe.to_json())
    if synthetic:
        info.add_itxt("XML:com.adobe.xmp", _XMP)
    out = io.BytesIO()
    picture.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def picture_to_webp(picture: Image.Image, quality: int) -> bytes:
    """Return ``picture`` as a small WebP that says that it is synthetic; its recipe is kept elsewhere.

    Args:
        picture: A generated picture.
        quality: 1 to 100.
    """
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=quality, method=6, xmp=_XMP.encode())
    return out.getvalue()


def recipe_of_png(picture: Image.Image) -> Recipe | None:
    """Return the recipe in a PNG that the studio made; None where there is none or it cannot be read."""
    text = picture.info.get("psp-recipe")
    return recipe_from_json(text) if isinstance(text, str) else None


def recipe_from_json(text: str) -> Recipe | None:
    """Return the recipe in a line of JSON; None where it is none."""
    if len(text) > _LONGEST_RECIPE:
        return None
    try:
        return recipe_from_dict(json.loads(text))
    except (ValueError, RecursionError, InputError):
        return None


def _typed(name: str, value: object) -> Setting:
    """Return a setting as its own type and within its range, from plain data or from the text of a link."""
    setting = SETTINGS[name]
    if setting.type is bool:
        known = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
        if isinstance(value, bool | str) and value in known:
            return known[value]
        raise InputError(f"The recipe's {name!r} is {shown(value)}.", "It is true or false.")
    try:
        if setting.is_number:
            return setting.type(check_number(name, value))
        if setting.words:
            return check_word(name, value)
        return check_edits(value) if setting.grammar == "edits" else check_layers(value)
    except InputError as error:
        raise InputError(f"The recipe cannot be used. {error.problem}", error.next_step) from error


def _no_recipe() -> InputError:
    return InputError("This is not a recipe of the studio.", "Use a PNG or a link that the studio made.")
