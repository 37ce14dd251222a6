"""The file of own models: what it may say, and what is told of everything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from psp.errors import SettingsError
from psp.registry import own
from psp.registry.own import OwnFamily, own_families

RESERVED = frozenset({"auto", "mobile-1024"})


def read(folder: Path, text: str) -> tuple[OwnFamily, ...]:
    (folder / "models.toml").write_text(text, encoding="utf-8")
    return own_families(folder / "models.toml", RESERVED)


def test_no_file_names_nothing() -> None:
    assert own_families(None, RESERVED) == ()


def test_every_key_is_read_and_paths_start_at_the_file(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        [mine]
        path = "runs/mine/best"
        title = "Meine Porträts"
        licence = "CC BY 4.0"
        [elsewhere]
        path = "/models/x.pt"
        tasks = ["toonify", "encode", "toonify"]
        [cats]
        hub = "me/psp-cats"
        revision = "v1.0"
        tasks = ["encode"]
        """,
    )
    assert found == (
        OwnFamily("mine", "Meine Porträts", "CC BY 4.0", tmp_path / "runs/mine/best"),
        OwnFamily("elsewhere", path=Path("/models/x.pt"), tasks=("toonify", "encode")),
        OwnFamily("cats", hub="me/psp-cats", revision="v1.0", tasks=("encode",)),
    )


def test_the_file_is_parsed_again_only_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    loads = own.tomllib.loads
    monkeypatch.setattr(own.tomllib, "loads", lambda text: parsed.append(1) or loads(text))
    path = tmp_path / "models.toml"
    assert [family.name for family in read(tmp_path, '[a]\npath = "x"')] == ["a"]
    assert own_families(path, RESERVED) == own_families(path, RESERVED)
    assert len(parsed) == 1
    path.write_text('[b]\npath = "x"')
    os.utime(path, ns=(1, 1))
    assert [family.name for family in own_families(path, RESERVED)] == ["b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mine\npath = 1", r"models\.toml is not TOML: .*line 1"),
        ('path = "x"', r"'path' stands outside of a table"),
        ("[mine]", "needs either a path or a hub"),
        ('[mine]\npath = "x"\nhub = "a/b"', "needs either"),
        ("[mine]\npath = 3", "a path that is no text"),
        ('[mine]\npath = " "', "a path that is no text"),
        ('[mine]\npath = "x"\ncolour = "red"', r"\[mine\] has an unknown key 'colour'\. Known: path, hub"),
        ('[my.cats]\npath = "x"', "unknown key 'cats'"),
        ('[mine]\nhub = "cats"', "which is no repository"),
        ('[mine]\nhub = "../cats"', "which is no repository"),
        ('[mine]\nhub = "a/b"\nrevision = "../../x"', "revision"),
        ('[mine]\npath = "x"\nrevision = "main"', "revision"),
        ('[mine]\nhub = "a/b"\ntasks = ["style_mix"]', r"tasks that are not known.*Known: encode"),
        ('[mine]\nhub = "a/b"\ntasks = "encode"', "tasks that are not known"),
        ('["my cats"]\npath = "x"', "no name for a model"),
        ('["a/b"]\npath = "x"', "no name for a model"),
        ('["cats.pt"]\npath = "x"', "no name for a model"),
        ('[Auto]\npath = "x"', "that the studio uses itself"),
        ('[mobile-1024]\npath = "x"', "that the studio uses itself"),
    ],
)
def test_what_cannot_be_understood_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read(tmp_path, text)


def test_no_text_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not TOML"):
        own_families(tmp_path / "models.toml", RESERVED)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml, cannot be read: .*PSP_MODELS"):
        own_families(tmp_path / "gone.toml", RESERVED)


@pytest.mark.parametrize("path", ["~\\u0000/x", "\\u0000", "a\\u0000b.pt"])
def test_a_path_with_nul_is_told(tmp_path: Path, path: str) -> None:
    with pytest.raises(SettingsError, match=r"models\.toml.*is no path"):
        read(tmp_path, f'[a]\npath = "{path}"')
