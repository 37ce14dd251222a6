"""Only ``psp.pictures.images`` opens picture files: formats, limits, EXIF, colours, errors are the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Clips are those that the studio made itself.
HOME = {"psp/pictures/images.py", "psp/pictures/formats.py", "psp/pictures/clips.py"}
MODULES = sorted([*(ROOT / "psp").rglob("*.py"), ROOT / "app.py"])

OPENERS = {
    "Image": {"open", "frombuffer"},
    "PIL.Image": {"open"},
    "ImageFile": {"Parser", "ImageFile"},
    "cv2": {"imread", "imdecode", "imreadmulti", "VideoCapture"},
    "dlib": {"load_rgb_image"},
    "plt": {"imread"},
}
PACKAGES = {"imageio", "skimage", "torchvision", "pillow_heif", "tifffile", "rawpy"}


def openers(tree: ast.Module) -> list[str]:
    """Return the names in a module of what decodes picture files."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in OPENERS.get(ast.unparse(node.value), set()):
            found.append(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom) and node.module:
            taken = {alias.name for alias in node.names}
            if node.module.split(".")[0] in PACKAGES or (node.module == "PIL.Image" and "open" in taken):
                found.append(ast.unparse(node))
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in PACKAGES]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_else_opens_pictures(path: Path) -> None:
    if str(path.relative_to(ROOT).as_posix()) not in HOME:
        assert openers(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "from PIL import Image\nImage.open(path)",
        "import PIL.Image\nPIL.Image.open(path)",
        "from PIL.Image import open as open_picture",
        "import cv2\ncv2.imread(path)",
        "def read():\n    import imageio.v3",
        "from skimage import io",
    ],
)
def test_an_opener_would_be_found(code: str) -> None:
    assert openers(ast.parse(code))


def test_the_home_names_the_formats_that_it_opens() -> None:
    tree = ast.parse((ROOT / "psp/pictures/images.py").read_text(encoding="utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open"
    ]
    assert calls and all(any(keyword.arg == "formats" for keyword in call.keywords) for call in calls)
