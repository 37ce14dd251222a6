"""What reproduces a result, and the metadata of every picture the studio makes; never the photo itself."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field

from PIL import Image
from PIL.PngImagePlugin import PngInfo

Setting = bool | int | float | str

# IPTC's word for "made by a trained model"; readers of metadata look for it in XMP.
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{_SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>'
)


@dataclass(frozen=True)
class Recipe:
    """Task, model and settings of one result.

    Attributes:
        task: Name of the task.
        model: Name of the model family, or of the file.
        model_sha256: Hash of the model's file.
        settings: The request's settings by their API names.
    """

    task: str
    model: str
    model_sha256: str
    settings: dict[str, Setting] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the recipe as plain data."""
        return asdict(self)

    def to_json(self) -> str:
        """Return the recipe as one line of JSON, keys sorted."""
        return json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False)


def picture_to_png(picture: Image.Image, recipe: Recipe) -> bytes:
    """Return ``picture`` as a lossless PNG that says that it is synthetic and how it was made."""
    info = PngInfo()
    info.add_text("Software", "pSp Studio")
    info.add_text("Description", "Synthetic face, made by a neural network (pixel2style2pixel).")
    info.add_text("psp-recipe", recipe.to_json())
    info.add_itxt("XML:com.adobe.xmp", _XMP)
    out = io.BytesIO()
    picture.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def recipe_of_png(picture: Image.Image) -> Recipe | None:
    """Return the recipe in a PNG that the studio made; None where there is none or it cannot be read."""
    text = picture.info.get("psp-recipe")
    if not isinstance(text, str):
        return None
    try:
        return Recipe(**json.loads(text))
    except (ValueError, TypeError):
        return None
