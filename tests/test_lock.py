"""What is installed is known: the lock has all that requirements.txt asks for, and the wheel says so."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import date

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from psp.version import __version__
from tests.pages import ROOT
from tests.sbom import LOCK, SBOM, Pin, read_lock, sbom

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
)
PINS = read_lock()
EXCEPTIONS = ROOT / ".ci" / "audit-exceptions.txt"


def installed(python: str, system: dict[str, str]) -> dict[str, Pin]:
    """Return what the lock installs there, by name."""
    there = {**system, "python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, Pin] = {}
    for pin in PINS:
        if not pin.marker or Marker(pin.marker).evaluate(there):
            assert pin.name not in found, f"two versions of {pin.name} at once"
            found[pin.name] = pin
    return found


def asked_for(python: str) -> list[Requirement]:
    """Return what requirements.txt asks for there."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    every = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return [each for each in every if not each.marker or each.marker.evaluate({"python_version": python})]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: "-".join(system.values()))
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_all_that_is_asked_for(python: str, system: dict[str, str]) -> None:
    there = installed(python, system)
    for each in asked_for(python):
        assert there[each.name].version in each.specifier, each
    assert len(there) > len(asked_for(python))  # and what these ask for


def test_every_version_has_hashes_and_no_address_stands_in_the_lock() -> None:
    assert all(pin.hashes for pin in PINS)
    text = LOCK.read_text(encoding="utf-8")
    assert not re.search(r"://|--index|--extra|--find-links|--trusted| @ ", text)
    assert text.count("--hash=") == sum(len(pin.hashes) for pin in PINS)
    assert len(text) < 400_000


def test_ranges_begin_where_they_were_tried() -> None:
    for each in asked_for("3.10"):
        assert any(part.operator in (">=", "==") for part in each.specifier), each


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    assert SBOM.read_text(encoding="utf-8") == sbom(), "run python -m tests.sbom"
    told = json.loads(SBOM.read_text(encoding="utf-8"))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert told["metadata"]["component"]["version"] == __version__
    refs = [told["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in told["components"])]
    assert len(refs) == len(set(refs))
    needs = {each["ref"]: each["dependsOn"] for each in told["dependencies"]}
    assert {ref for needed in needs.values() for ref in needed} <= set(refs)
    direct = {ref.partition("@")[0].removeprefix("pkg:pypi/") for ref in needs[refs[0]]}
    assert direct == {each.name for each in asked_for("3.10")}


def test_every_exception_of_the_audit_has_a_reason_and_a_day() -> None:
    for line in EXCEPTIONS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r"[A-Z][A-Za-z0-9-]+ .{20,} \(by (\d{4}-\d\d-\d\d)\)", line)
            assert match and date.fromisoformat(match[1]), line


@pytest.mark.skipif(os.name == "nt", reason="they are for bash")
@pytest.mark.parametrize("script", ["lock", "versions", "audit"])
def test_the_commands_can_be_read(script: str) -> None:
    path = ROOT / ".ci" / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
    named = re.findall(r"tests/[\w/]+\.py\b", path.read_text(encoding="utf-8"))
    assert all((ROOT / name).exists() for name in named)
