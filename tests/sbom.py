"""The bill of materials that the wheel carries, made of requirements.lock: ``python -m tests.sbom``.

CycloneDX 1.6, as JSON. It has no time and no number of its own, so that the same lock gives the same bytes.
Hashes stand in the lock.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from psp.version import __version__
from tests.pages import ROOT

LOCK = ROOT / "requirements.lock"
SBOM = ROOT / "docs" / "sbom.cdx.json"
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[a-z,]+\])?==([^ ;]+)(?: ; (.+))?")
_OURS = "psp-studio"
# What the wheel has inside of it and is not ours alone; the cards say whose it is.
_INSIDE = {
    "mobile-1024": "Weights: MobileStyleGAN (FFHQ) and encoders trained here; research, not commercial.",
    "lpips-alex": "Weights: AlexNet of torchvision (BSD-3-Clause) and LPIPS v0.1 (BSD-2-Clause).",
}


@dataclass(frozen=True)
class Pin:
    """One version of a package.

    Attributes:
        name: As the lock has it.
        version: Its version.
        marker: Where it is installed; empty: everywhere.
        hashes: Of its files.
        via: Who asks for it: names of packages, or "-r requirements.txt".
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its address as a package."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(path: Path = LOCK) -> tuple[Pin, ...]:
    """Return what a lock pins, in its order."""
    found: list[Pin] = []
    entries = re.split(r"\n(?=[A-Za-z0-9])", "\n" + path.read_text(encoding="utf-8"))[1:]
    for entry in entries:
        first, *rest = entry.splitlines()
        match = _PIN.fullmatch(first.removesuffix("\\").strip())
        assert match, first
        said = [line.strip().removeprefix("#").strip() for line in rest if line.strip().startswith("#")]
        via = tuple(word for line in said if (word := line.removeprefix("via").strip()))
        hashes = tuple(HASH.findall(entry))
        found.append(Pin(match[1], match[2], match[3] or "", hashes, via))
    return tuple(found)


def sbom() -> str:
    """Return the bill of materials as it is now."""
    pins = read_lock()
    own = f"pkg:pypi/{_OURS}@{__version__}"
    needs: dict[str, set[str]] = {own: set(), **{pin.purl: set() for pin in pins}}
    for pin in pins:
        for name in pin.via:
            if name.startswith("-r "):
                needs[own].add(pin.purl)
            for other in pins:  # of several versions each may ask for each: markers say which meet
                if other.name == name:
                    needs[other.purl].add(pin.purl)
    told = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": _OURS,
                "version": __version__,
                "purl": own,
            }
        },
        "components": [*map(_component, pins), *(_inside(name) for name in _INSIDE)],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in needs.items()],
    }
    return json.dumps(told, indent=1) + "\n"


def _component(pin: Pin) -> dict[str, object]:
    told: dict[str, object] = {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
    }
    marker = [{"name": "psp:marker", "value": pin.marker}]
    return {**told, "properties": marker} if pin.marker else told


def _inside(name: str) -> dict[str, object]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"psp-studio/{name}",
        "name": name,
        "version": __version__,
        "description": _INSIDE[name],
    }


if __name__ == "__main__":
    SBOM.write_text(sbom(), encoding="utf-8")
