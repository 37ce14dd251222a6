"""The card of a pushed model says what is known of it, and nothing of the machine it comes from."""

from __future__ import annotations

import json

import pytest

from psp.checkpoints.card import CardFile, clean, entry_name, holds_credential, holds_path, model_card, plain
from psp.models.architecture import config_to_json
from tests.checkpoints.samples import TINY

INFO = {
    "config": config_to_json(TINY),
    "decoder": "generator.safetensors",
    "preset": "mine",
    "pictures": "12000",
    "data": "cats 300, more-cats 20",
    "figures": json.dumps({"LPIPS": 0.12345678, "val_identity": 0.4, "note": "x", "broken": float("nan")}),
}


def card(info: dict[str, str] | None = None, repo: str = "me/psp-cats", licence: str | None = "mit") -> str:
    files = [
        CardFile("encode.safetensors", 4_800_000, "encode", info or INFO),
        CardFile("generator.safetensors", 900, "", {}),
    ]
    return model_card(repo, files, licence)


def test_the_hub_can_read_its_front_matter() -> None:
    import yaml  # comes with huggingface_hub

    front = yaml.safe_load(card().split("---")[1])
    assert front["license"] == "mit"
    assert front["library_name"] == "psp-studio"
    assert front["pipeline_tag"] == "image-to-image"
    assert {"pixel2style2pixel", "psp", "stylegan2"} <= set(front["tags"])
    assert yaml.safe_load(card(licence=None).split("---")[1])["license"] == "other"


def test_it_tells_what_the_files_say() -> None:
    text = card()
    for words in (
        "16 px", "6 of 32", "RGB, 32 px", "12000", "cats 300, more-cats 20", "| LPIPS | 0.123457 |",
        "Results are synthetic", "4.8 MB", "0.9 kB", "## Limits", "`mit`",
    ):  # fmt: skip
        assert words in text
    assert "note" not in text.partition("## Files")[0].partition("Measured")[2]  # no number
    assert "nan" not in text


def test_it_shows_the_three_ways_to_use_it() -> None:
    text = card()
    assert '["psp-cats"]\nhub = "me/psp-cats"\ntasks = ["encode"]' in text
    assert 'PspPipeline.from_pretrained("me/psp-cats")' in text
    assert "python -m psp encode photo.jpg --model me/psp-cats" in text
    assert '["my-mobile-1024"]' in card(repo="me/mobile-1024")  # that name is taken
    assert entry_name("me/auto") == "my-auto"


@pytest.mark.parametrize("figures", ["", "no json", "[1, 2]", "{}", '{"a": true}'])
def test_without_figures_it_says_so(figures: str) -> None:
    assert "No held-out figures" in card({**INFO, "figures": figures})


def test_a_file_without_what_is_optional_has_a_card_too() -> None:
    assert "6 of 32" in card({"config": INFO["config"]})


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("/home/me/faces: 300", "faces: 300"),
        ("faces (/srv/secret/faces/), C:\\Users\\me\\cats 20", "faces (faces), cats 20"),
        ("~/cats and ~me/dogs and ../up and file:///x/y", "cats and dogs and up and y"),
        ("initiative-sh/artflow 12, 3/4 of it", "initiative-sh/artflow 12, 3/4 of it"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("https://me:secret@example.org/a", "https://…example.org/a"),
        ("token hf_abcdefghijkl", "token …"),
        ("two\n\nlines", "two lines"),
    ],
)
def test_paths_and_credentials_are_taken_out(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
    assert holds_path(text) == (
        cleaned != text and "hf_" not in text and ":secret" not in text and "\n" not in text
    )
    assert holds_credential(text) == ("…" in cleaned)


def test_no_markup_of_a_file_gets_onto_the_card() -> None:
    assert plain("<b>a</b> | [x](y) `z` # _w_") == (
        "&#60;b&#62;a&#60;/b&#62; &#124; &#91;x&#93;(y) &#96;z&#96; &#35; &#95;w&#95;"
    )
    nasty = {**INFO, "data": "x\n---\nlicense: stolen", "figures": json.dumps({"a|b\n# c": 1})}
    assert "\nlicense: stolen" not in card(nasty)
    assert "| a&#124;b &#35; c | 1 |" in card(nasty)
