"""A gallery is a page of its own: everything is in it, nothing foreign is believed or written over."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from psp.codes.recipe import Recipe, picture_to_png, recipe_of_png
from psp.errors import InputError, SettingsError
from psp.inference.examples import FOLDER, Rendered, find_example, rendered
from psp.publish.front_matter import read_front_matter
from psp.publish.gallery import LIST, Gallery, make_gallery
from psp.publish.gallery_credits import example_credit

SCRIPT = '<script>alert("x")</script>'


def stored(link: str) -> Rendered:
    example = find_example(link)
    assert example is not None
    return rendered(example)


def plain(colour: int = 90, side: int = 128) -> Image.Image:
    ramp = np.linspace(0, 255, side, dtype=np.uint8)
    return Image.fromarray(
        np.stack([np.tile(ramp, (side, 1)), np.full((side, side), colour, np.uint8)] * 2, -1)[..., :3]
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """An example's result, one of three variants, and one of nobody's with its couple."""
    folder = tmp_path / "out"
    (folder / "couples").mkdir(parents=True)
    (folder / "astronaut-encode.png").write_bytes(stored("encode/astronaut").pngs()[0])
    (folder / "mixed.png").write_bytes(stored("style_mix/features_of_another").pngs()[1])
    recipe = Recipe("toonify", "/home/me/models/mine.pt", "0" * 64, {"strength": 0.5, "face": 0})
    made = plain()
    (folder / "me.png").write_bytes(picture_to_png(made, recipe))
    couple = Image.new("RGB", (256, 128), (200, 30, 30))
    couple.paste(made, (128, 0))
    (folder / "couples" / "me.png").write_bytes(picture_to_png(couple, recipe))
    return folder


def made(results: Path, tmp_path: Path, **options: object) -> tuple[Gallery, str]:
    gallery = make_gallery(results, tmp_path / "site", **options)  # type: ignore[arg-type]
    return gallery, gallery.page.read_text(encoding="utf-8")


def test_a_page_has_all_results_with_what_they_were_made_of(results: Path, tmp_path: Path) -> None:
    gallery, page = made(results, tmp_path, title="Our faces", licence="Ask first.")
    assert [item.name for item in gallery.items] == ["Astronaut", "Me", "Mixed"]  # by task
    assert all(item.before for item in gallery.items)
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        if not name.startswith(("http", "data:")):
            assert (tmp_path / "site" / name).is_file(), name
    assert "<title>Our faces</title>" in page and "Ask first." in page
    assert "synthetic" in page and "non-commercial" in page
    with Image.open(tmp_path / "site" / "shown" / "me-toonify-before.webp") as before:
        assert before.size == (128, 128) and before.convert("RGB").getpixel((64, 64))[0] > 180  # type: ignore[index]
    with Image.open(tmp_path / "site" / "preview.jpg") as preview:
        assert preview.size == (1200, 630)
    for image in re.findall(r"<img [^>]+>", page):
        assert re.search(r'alt="[^"]+"', image)


def test_links_open_the_recipe_and_the_input_of_an_example(results: Path, tmp_path: Path) -> None:
    _, page = made(results, tmp_path, studio="https://me-studio.hf.space")
    links = [html.unescape(link) for link in re.findall(r'href="(https://[^"]+\?task=[^"]+)"', page)]
    first, own, mixed = (parse_qs(urlsplit(link).query) for link in links)
    assert first["task"] == ["encode"] and first["example"] == ["encode/astronaut"]
    assert mixed["example"] == ["style_mix/features_of_another"] and mixed["variant"] == ["1"]
    assert "example" not in own and own["strength"] == ["0.5"] and own["model"] == ["mine.pt"]
    assert all(link.startswith("https://me-studio.hf.space/?task=") for link in links)


def test_an_input_beside_is_known_by_its_bytes(results: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "photos"
    inputs.mkdir()
    shutil.copy(FOLDER / "photos" / "synthetic_glasses.jpg", inputs / "she.jpg")
    plain(30, 64).save(inputs / "he.png")
    for name in ("she", "he"):
        recipe = Recipe("encode", "auto", "", {"align": False, "face": 0})
        (results / f"{name}-encode.png").write_bytes(picture_to_png(plain(len(name)), recipe))
    gallery, _ = made(results, tmp_path, inputs=inputs)
    found = {item.name: item for item in gallery.items}
    assert found["She"].example == find_example("frontalize/with_glasses") and found["She"].before
    assert found["He"].example is None and found["He"].before


def test_a_result_is_not_taken_for_the_input_of_another(results: Path, tmp_path: Path) -> None:
    recipe = Recipe("encode", "auto", "", {"align": False, "face": 0})
    (results / "me-encode.png").write_bytes(picture_to_png(plain(40), recipe))  # beside me.png, a result
    gallery, _ = made(results, tmp_path)
    assert not next(item for item in gallery.items if item.slug == "me-encode").before


def test_what_strangers_wrote_is_text(results: Path, tmp_path: Path) -> None:
    evil = Recipe("encode", SCRIPT, '"><img src=x>', {"face": 0})
    info = PngInfo()
    info.add_text("psp-recipe", evil.to_json())
    info.add_text("Comment", "/home/me/private")
    plain(7).save(results / "a&b 'onload=x.png", pnginfo=info)
    (results / "LICENSE.md").write_text(SCRIPT)
    gallery, page = made(results, tmp_path, title=SCRIPT, licence=SCRIPT)
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "'onload=x" not in page
    card = (tmp_path / "site" / "README.md").read_text(encoding="utf-8")
    assert read_front_matter(card)["title"] == SCRIPT and read_front_matter(card)["sdk"] == "static"
    assert SCRIPT not in card.partition("\n---\n")[2]
    slug = next(item.slug for item in gallery.items if item.recipe.model == SCRIPT)
    assert re.fullmatch(r"[a-z0-9-]+", slug)
    copied = (tmp_path / "site" / "pictures" / f"{slug}.png").read_bytes()
    assert b"/home/me" not in copied  # what else was in the file is not copied


def test_nothing_of_this_machine_is_in_it(results: Path, tmp_path: Path) -> None:
    made(results, tmp_path, url="https://me.example.org/faces/")
    for path in (tmp_path / "site").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(tmp_path).encode() not in data and b"/home/me" not in data, path.name
    with Image.open(tmp_path / "site" / "pictures" / "me-toonify.png") as picture:
        recipe = recipe_of_png(picture)
    assert recipe is not None and recipe.model == "mine.pt"


def test_link_previews_have_whole_addresses_where_the_page_knows_its_own(
    results: Path, tmp_path: Path
) -> None:
    _, page = made(results, tmp_path, url="https://me.example.org/faces")
    assert 'property="og:image" content="https://me.example.org/faces/preview.jpg"' in page
    assert 'property="og:url" content="https://me.example.org/faces/"' in page
    for option in ("studio", "url"):
        with pytest.raises(SettingsError, match=f"--{option}.*no address"):
            made(results, tmp_path, **{option: "javascript:alert(1)"})


def test_no_other_file_is_written_over_and_old_pages_are_cleared(results: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("mine")
    (site / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match=r"index\.html is there already"):
        made(results, tmp_path)
    assert sorted(path.name for path in site.rglob("*")) == ["index.html", "notes.txt"]
    (site / "index.html").unlink()
    made(results, tmp_path)
    (results / "me.png").unlink()
    gallery, _ = made(results, tmp_path)
    assert len(gallery.items) == 2 and not list(site.rglob("me-toonify*"))
    assert (site / "notes.txt").read_text() == "mine"
    (site / "gallery.css").write_text("body { mine }")
    with pytest.raises(SettingsError, match=r"gallery\.css is there already"):
        made(results, tmp_path)


def test_a_list_that_names_other_files_clears_nothing(results: Path, tmp_path: Path) -> None:
    made(results, tmp_path)
    listed = json.loads((tmp_path / "site" / LIST).read_text())
    (tmp_path / "mine.txt").write_text("")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    listed["files"] |= {"../mine.txt": empty, str(tmp_path / "mine.txt"): empty}
    (tmp_path / "site" / LIST).write_text(json.dumps(listed))
    made(results, tmp_path)
    assert (tmp_path / "mine.txt").is_file()


def test_the_same_results_give_the_same_bytes(results: Path, tmp_path: Path) -> None:
    made(results, tmp_path)
    first = {path: path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file()}
    made(results, tmp_path)
    assert {path: path.read_bytes() for path in first} == first


def test_what_cannot_be_a_gallery_is_told(results: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    plain().save(tmp_path / "empty" / "photo.png")
    with pytest.raises(InputError, match=r"no result of the studio.*infer"):
        make_gallery(tmp_path / "empty", tmp_path / "site")
    with pytest.raises(InputError, match="no folder"):
        make_gallery(tmp_path / "gone", tmp_path / "site")
    with pytest.raises(SettingsError, match="lie in each other"):
        make_gallery(results, results / "site")
    assert not (tmp_path / "site").exists()


def test_every_example_has_its_credit() -> None:
    from psp.inference.examples import EXAMPLES

    for example in EXAMPLES:
        told = example_credit(example)
        assert re.search("public domain|CC0|non-commercial", told), example.link
        assert "as above" not in told or "non-commercial" in told
