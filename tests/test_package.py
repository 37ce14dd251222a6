"""The package as somebody installs it: what is in the wheel, that it works from there, and that lists agree.

It is built and installed without a network; what it depends on comes from the environment of the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import site
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from psp.training.machine import ACCELERATE
from psp.version import __version__
from tests.pages import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PHOTO = ROOT / "examples" / "photos" / "synthetic_1.jpg"
LARGEST = 55_000_000  # bytes, of the wheel
WINDOWS = os.name == "nt"


@dataclass(frozen=True)
class Installed:
    """A bare environment with the wheel in it.

    Attributes:
        folder: Where it is; it has a dot in its name, as environments often do.
        elsewhere: An empty folder to be in.
    """

    folder: Path
    elsewhere: Path

    @property
    def scripts(self) -> Path:
        return self.folder / ("Scripts" if WINDOWS else "bin")

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PSP_", "PYTHON"))}
        return {**kept, "PSP_OFFLINE": "1", "PSP_CACHE_DIR": str(self.elsewhere / "cache")}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, far from the repository."""
        done = subprocess.run(
            [str(self.scripts / command[0]), *command[1:]],
            cwd=self.elsewhere,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that goes with the tests: pytest keeps those of three runs, and these files are large."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture(scope="module")
def built(folder: Path) -> Path:
    """The folder of the source archive and of the wheel that is made from it, by ``python -m build``."""
    command = [sys.executable, "-m", "build", "--no-isolation", "-o", str(folder / "dist"), str(ROOT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def installed(built: Path, folder: Path) -> Installed:
    made = Installed(folder / ".venv", folder / "elsewhere")
    made.elsewhere.mkdir()
    venv.create(made.folder, with_pip=False, symlinks=not WINDOWS)
    python = made.scripts / Path(sys.executable).name
    python = python if python.exists() else made.scripts / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    (wheel,) = built.glob("*.whl")
    done = subprocess.run([*pip, str(wheel)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    code = "import site; print(site.getsitepackages()[0])"
    own = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    # Behind the environment's own packages, so that psp is that of the wheel.
    (Path(own) / "of-the-tests.pth").write_text("\n".join(site.getsitepackages()))
    return made


def test_the_wheel_holds_the_package_and_what_comes_along_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"psp_studio-{__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < LARGEST
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"psp/py.typed", "psp/cli/main.py", "psp/assets/studio.css", "psp/examples/LICENSE.md"}
    for place in ("assets", "examples"):
        files = {path for path in (ROOT / place).rglob("*") if path.is_file()}
        wanted |= {f"psp/{path.relative_to(ROOT).as_posix()}" for path in files}
    assert wanted <= names
    assert {name.partition("/")[0] for name in names} == {"psp", f"psp_studio-{__version__}.dist-info"}
    assert not [name for name in names if re.search(r"tests?/|benchmarks|__pycache__", name)]


def test_the_wheel_says_what_it_is_made_of(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    place = f"psp_studio-{__version__}.dist-info/sboms/sbom.cdx.json"
    assert zipfile.ZipFile(wheel).read(place) == (ROOT / "docs" / "sbom.cdx.json").read_bytes()


def test_the_source_archive_can_make_the_wheel_and_leaves_the_rest_in_the_repository(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")  # the wheel was made of it
    assert archive.stat().st_size < LARGEST
    with tarfile.open(archive) as opened:
        tops = {name.split("/")[1] for name in opened.getnames()}
    assert {"psp", "assets", "examples", "app.py", "README.md", "LICENSE"} <= tops
    assert not {"tests", "benchmarks", ".ci"} & tops


def test_an_installed_command_encodes_a_photo_anywhere_without_a_network(installed: Installed) -> None:
    shutil.copy(PHOTO, installed.elsewhere / "photo.jpg")
    told = json.loads(installed.run("psp", "encode", "photo.jpg").stdout)
    assert told["model"] == "mobile-1024"
    assert list(installed.elsewhere.rglob("photo-encode.png"))


def test_an_installed_command_finds_its_models_and_knows_its_version(installed: Installed) -> None:
    lines = installed.run("psp", "models").stdout.splitlines()
    assert [line for line in lines if line.startswith("mobile-1024")]
    assert all("ready (bundled)" in line for line in lines if line.startswith("mobile-1024"))
    assert installed.run("psp", "--version").stdout == f"psp {__version__}\n"


def test_the_installed_package_is_that_of_the_wheel_with_all_examples(installed: Installed) -> None:
    code = """
import psp
from psp.files.bundled import assets_dir, examples_dir
from psp.inference.examples import EXAMPLES, rendered
assert all(example.path.is_file() and rendered(example).latents.is_file() for example in EXAMPLES)
print(psp.__file__, assets_dir(), examples_dir(), sep="\\n")
"""
    for place in installed.run("python", "-c", code).stdout.splitlines():
        assert Path(place).is_relative_to(installed.folder.resolve())


@pytest.mark.slow
@pytest.mark.skipif(WINDOWS, reason="a process is asked to stop by other means there")
def test_an_installed_command_opens_the_page_with_its_examples(installed: Installed) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    env = {**installed.env, "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port}
    command = [str(installed.scripts / "psp"), "serve"]
    with subprocess.Popen(command, cwd=installed.elsewhere, env=env, stdout=subprocess.PIPE) as studio:
        try:
            page = fetch(f"http://127.0.0.1:{port}/", wait=60).decode()
            assert "pSp Studio" in page
            (example,) = installed.folder.rglob("psp/examples/photos/synthetic_1.jpg")
            assert fetch(f"http://127.0.0.1:{port}/gradio_api/file={example}") == PHOTO.read_bytes()
        finally:
            studio.send_signal(signal.SIGTERM)
        assert studio.wait(30) in (0, -signal.SIGTERM)  # the page answers a moment before it listens for that


def fetch(url: str, wait: float = 0.0) -> bytes:
    """Return what is at ``url`` as soon as somebody answers."""
    end = time.monotonic() + wait
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            assert time.monotonic() < end, "nobody answers"
            time.sleep(0.1)


def project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, object] = tomllib.load(file)["project"]
    return found


def required(name: str) -> set[str]:
    """Return what a file of requirements asks for, one spelling for each."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return spelt(line for line in lines if line.strip() and not line.startswith(("#", "-r")))


def spelt(requirements: object) -> set[str]:
    assert not isinstance(requirements, str)
    return {text.strip().replace('"', "'") for text in requirements}  # type: ignore[attr-defined]


def test_the_package_depends_on_what_the_studio_is_installed_with() -> None:
    assert spelt(project()["dependencies"]) == required("requirements.txt")


def test_the_extras_are_what_training_and_the_tests_need() -> None:
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    assert extras["train"] == [ACCELERATE]
    own = spelt(extras["dev"]) - {"psp-studio[train]"} | spelt(extras["train"])
    assert own == required("tests/requirements.txt")
    assert not [text for text in required("requirements.txt") if text.startswith("accelerate")]


def test_the_first_page_says_what_is_no_wheel() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "face-recognition-models" in page
    assert "wheels only" not in page
