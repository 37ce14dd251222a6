"""What the studio knows of weight files, and what it tells of a machine without opening any."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from psp.config import Settings
from psp.errors import ModelNotFoundError
from psp.registry import lookup
from psp.registry.lookup import AUXILIARY, MODELS, OWN_FILE, find_entry, list_models, tasks_of

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return Settings(cache_dir=tmp_path / "cache", weights_dir=tmp_path / "weights")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_importing_the_registry_imports_no_torch_and_no_hub() -> None:
    heavy = "{'torch', 'huggingface_hub', 'safetensors'}"
    code = f"import sys, psp.registry.lookup; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_entries_are_well_formed() -> None:
    for entry in (*MODELS, *AUXILIARY.values()):
        assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert entry.bundled or entry.page
        assert entry.licence
        assert (entry.source is None) == (entry.revision is None)
    assert len({(entry.family, entry.task) for entry in MODELS}) == len(MODELS)


def test_every_task_of_the_official_family_is_there() -> None:
    assert lookup.families(Settings()) == ("mobile-1024", "ffhq-1024")
    assert set(tasks_of("ffhq-1024", Settings())) == {
        "encode",
        "frontalize",
        "sketch_to_face",
        "segmentation_to_face",
        "super_resolution",
        "toonify",
        "style_mix",
        "edit",
    }
    with pytest.raises(ModelNotFoundError, match="ffhq-1024"):
        tasks_of("nonsense", Settings())


def test_names_are_found(settings: Settings) -> None:
    assert find_entry("auto", "encode", settings).family == "mobile-1024"
    assert find_entry("auto", "encode", Settings(model="ffhq-1024")).file == "psp_ffhq_encode.pt"
    assert find_entry("ffhq-1024", "style_mix") == find_entry("ffhq-1024", "encode")
    assert find_entry("e4e-ffhq", "encode") is AUXILIARY["e4e-ffhq"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelNotFoundError, match=r"'nonsense'.*mobile-1024, ffhq-1024"):
        find_entry("nonsense", "encode")


def test_the_bundled_family_does_every_task() -> None:
    assert set(tasks_of("mobile-1024", Settings())) == set(tasks_of("ffhq-1024", Settings()))


def test_a_family_without_the_task_says_which_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = tuple(e for e in lookup.MODELS if (e.family, e.task) != ("mobile-1024", "toonify"))
    monkeypatch.setattr(lookup, "MODELS", fewer)
    with pytest.raises(ModelNotFoundError, match="ffhq-1024"):
        find_entry("mobile-1024", "toonify")
    with pytest.raises(ModelNotFoundError, match="It has: encode"):
        find_entry("mobile-1024", "no-such-task")


def test_paths_are_for_the_operator_only(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    entry = find_entry(path, "toonify")
    assert (entry.family, entry.task, entry.path, entry.file) == (OWN_FILE, "toonify", path, "mine.pt")
    assert find_entry("mine.safetensors", "encode").path == Path("mine.safetensors")
    with pytest.raises(ModelNotFoundError, match="There is no model called"):
        find_entry(str(path), "encode", allow_path=False)
    # What the operator set as the default is reached through "auto".
    assert find_entry("auto", "encode", Settings(model=str(path)), allow_path=False).path == path


def test_list_models_tells_where_each_is(settings: Settings, tmp_path: Path) -> None:
    assert settings.weights_dir is not None
    status = {(s.entry.family, s.entry.task): s for s in list_models(settings, tmp_path / "assets")}
    assert status["mobile-1024", "encode"].where == "by hand"
    assert status["ffhq-1024", "encode"].where == "hub"
    assert status["ffhq-1024", "toonify"].where == "by hand"
    assert not any(s.ready for s in status.values())

    put(tmp_path / "assets" / "mobile-1024" / "encode.safetensors")
    put(settings.weights_dir / "psp_ffhq_toonify.pt")
    put(settings.weights_dir / "ffhq-1024" / "psp_celebs_sketch_to_face.pt")
    put(lookup.download_path(find_entry("ffhq-1024", "encode"), settings))
    frontal = find_entry("ffhq-1024", "frontalize")
    folder = tmp_path / "hf/hub/models--trysem--pixel2style2pixel/snapshots" / str(frontal.revision)
    put(folder / frontal.file)
    status = {(s.entry.family, s.entry.task): s for s in list_models(settings, tmp_path / "assets")}
    assert status["mobile-1024", "encode"].where == "bundled"
    assert status["ffhq-1024", "toonify"].where == "folder"
    assert status["ffhq-1024", "sketch_to_face"].where == "folder"
    assert status["ffhq-1024", "encode"].where == "cache"
    assert status["ffhq-1024", "frontalize"].where == "cache"
    assert status["ffhq-1024", "super_resolution"].where == "hub"


def test_offline_nothing_is_promised_from_the_hub(tmp_path: Path) -> None:
    found = list_models(Settings(cache_dir=tmp_path, offline=True), tmp_path)
    assert {status.where for status in found} == {"by hand"}


def test_the_way_by_hand_is_named() -> None:
    assert (
        "drive.google.com/file/d/1YKoiVuFaqdvzDP5CZaqa3k5phL-VDmyz"
        in find_entry("ffhq-1024", "toonify").by_hand
    )
    assert "PSP_WEIGHTS_DIR" in find_entry("ffhq-1024", "encode").by_hand
    assert "assets/mobile-1024/encode.safetensors" in find_entry("mobile-1024", "encode").by_hand
