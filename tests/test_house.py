"""The house keeps its rules: lint, format, types, layers, sizes, and what the README promises."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([*(ROOT / "psp").rglob("*.py"), ROOT / "app.py"])
TEST_COMMAND = "pip install -r tests/requirements.txt && pytest"
START_COMMAND = "pip install -r requirements.txt && python app.py"


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", ".")


def test_the_format_is_ruffs() -> None:
    run("ruff", "format", "--check", ".")


def test_the_types_are_right() -> None:
    run("mypy")


def test_imports_go_downward() -> None:
    code = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_small_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert text.count("\n") <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno <= 60, node.name


def test_bundled_files_fit_a_space() -> None:
    folders = ("assets", "benchmarks", "examples", "psp", "tests")
    files = [p for name in folders for p in (ROOT / name).rglob("*") if p.is_file() and p.suffix != ".pyc"]
    sizes = [path.stat().st_size for path in files]
    assert max(sizes) < 10_000_000
    assert sum(sizes) < 60_000_000


def test_the_readme_leads_with_the_two_commands_and_ci_runs_the_second() -> None:
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[0].strip() == START_COMMAND
    assert blocks[1].strip() == TEST_COMMAND
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "module", ["psp", "psp.inference.pipeline", "psp.ui.app", "psp.cli.main", "psp.zerogpu"]
)
def test_torch_dlib_and_opencv_come_after_the_page(module: str) -> None:
    code = f"import {module}, sys; sys.exit(bool({{'torch', 'dlib', 'cv2'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
