"""The documentation is whole: every snippet is looked at, every link leads somewhere, nothing is left out."""

from __future__ import annotations

import re
import sys

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.parameters import MAX_SEED
from psp.registry.table import AUXILIARY, MODELS
from psp.tasks import CALLS, TASKS
from tests.file_map import PAGE, written
from tests.pages import OTHERS, PAGES, ROOT, anchors, blocks, commands, lines, links, spans, text_of, words

SERVES = "serves until it is stopped; tests/ui serve the same page"
THE_HOLE = next((block.body for block in blocks("python") if "gr.Interface" in block.body), "")
# By what stands there, without the comment of a line of shell: why it is neither run nor parsed.
NOT_RUN = {
    "pip install -r requirements.txt && python app.py": "downloads, then serves; test_house.py holds it",
    "pip install -r tests/requirements.txt && pytest": "downloads, then runs this; test_house.py holds it",
    "GRADIO_SERVER_NAME=0.0.0.0 python app.py": SERVES,
    "PSP_MODEL=ffhq-1024 PSP_WEIGHTS_DIR=/data/psp python app.py": SERVES + "; wants files of 1.2 GB",
    'PSP_AUTH="me:correct horse battery" python app.py': SERVES,
    "python benchmarks/speed.py": "measures for minutes",
    "python -m tests.load --clients 50 --minutes 5": "loads for minutes; tests/load has a shorter one",
    "pip install atheris": "downloads; benchmarks/fuzz.py says where it is missing",
    "python -m benchmarks.fuzz pictures --minutes 5": "fuzzes for minutes, with what is no requirement",
    "pip download --no-deps random-face==2021.7.21.1": "downloads; tests/checkpoints read a wheel like it",
    "hf upload me/our-faces site . --repo-type space": "wants an account; the Hub's own program",
    'pip install "accelerate>=1.10"': "downloads; tests/test_package.py holds it to the extra",
    "ruff check . && ruff format . && mypy && lint-imports": "test_house.py runs each of them",
    "pip install --require-hashes -r requirements.lock": "downloads; test_lock.py holds the lock",
    ".ci/lock": "asks the package index; test_lock.py holds what it made",
    ".ci/audit": "asks for vulnerabilities on the web",
    ".ci/versions lowest-direct 3.10": "downloads, then runs tests for minutes",
    ".ci/versions locked 3.13": "downloads, then runs tests for minutes",
    THE_HOLE: "a page of another program with the hole of Gradio; tests/ui/test_paths.py tries it on ours",
    "curl -s http://127.0.0.1:7860/gradio_api/call/predict": "asks that page",
}
LANGUAGES = {"python", "bash", "toml", "bibtex", "text", "py", "sh", "js"}
"""The first three are run, the last three by tests/ui/api; text is what is no code."""


def _stands(line: str) -> str:
    """Return a line of shell as ``NOT_RUN`` has it."""
    plain = re.sub(r" +# .*", "", line).strip()
    return plain.partition(" -H ")[0] if plain.startswith("curl ") else plain


@pytest.mark.parametrize("page", PAGES)
def test_no_snippet_is_left_out(page: str, pytestconfig: pytest.Config) -> None:
    found = blocks(pages=(page,))
    assert {block.language for block in found} <= LANGUAGES
    fences = re.findall(r"^\s*(?:```|~~~)", text_of(page), re.MULTILINE)
    assert len(fences) == 2 * len(found)  # none is indented, or written in another way
    markers = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    for block in found:
        for line in lines(block) if block.language == "bash" else ():
            said = words(line)
            if said[0] == "pytest":
                assert all((ROOT / word).exists() for word in said if word.startswith("tests/"))
                assert {said[i + 1] for i, word in enumerate(said) if word == "-m"} <= markers
            elif said[0] == "printf":
                assert "align PHOTOS" in block.body  # the end of the walk from photos to a model
            else:
                each = len(commands(line)) == _stands(line).count("&&") + 1
                assert each or _stands(line) in NOT_RUN, line


def test_every_exception_is_needed() -> None:
    there = {_stands(line) for block in blocks("bash") for line in lines(block)}
    there |= {block.body for block in blocks("python")}
    assert set(NOT_RUN) <= there


@pytest.mark.parametrize("page", (*PAGES, *OTHERS))
def test_links_lead_somewhere(page: str) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue  # on the web
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert target.resolve().is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT).as_posix()), link


def test_every_page_is_linked_from_the_first() -> None:
    assert {page for page in PAGES if page != "README.md"} <= {
        link.partition("#")[0] for link in links("README.md")
    }


def test_the_first_page_stays_one_to_start_from() -> None:
    assert text_of("README.md").count("\n") <= 150


def test_every_setting_is_documented_with_its_default() -> None:
    source = (ROOT / "psp" / "config.py").read_text(encoding="utf-8")
    names = set(re.findall(r'"((?:PSP|HF)_[A-Z_]+)"', source))
    page = text_of("docs/settings.md")
    assert names == set(re.findall(r"\b(?:PSP|HF)_[A-Z_]+", page)) & names != set()
    rows = re.findall(r"^\| `(PSP_[A-Z_]+)` \| (?:`([^`]+)`|–) \|", page, re.MULTILINE)
    assert {name for name, _ in rows} == {name for name in names if name.startswith("PSP_")}
    usual = Settings.from_env({})
    for name, default in rows:
        assert not default or Settings.from_env({name: default}) == usual, name


def test_every_variable_that_is_read_anywhere_is_documented() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "psp").rglob("*.py")))
    read = set(re.findall(r'\b(?:env|environ)(?:\.get\(|\[)"((?:PSP|HF|GRADIO)_[A-Z_]+)"', source))
    told = {name for span in spans() for name in re.findall(r"\b[A-Z]+_[A-Z_]+", span)}
    assert read
    assert read <= told


def test_every_task_and_endpoint_is_documented() -> None:
    tasks, api = anchors("docs/tasks.md"), text_of("docs/api.md")
    for task in TASKS.values():
        assert re.sub(r"[^\w\- ]", "", task.title.lower()).replace(" ", "-") in tasks
    names = [*TASKS, "align", "decode", "photo_to_sketch", "photo_to_mask"]
    assert all(f"`/{name}`" in api and hasattr(PspPipeline, name) for name in names)


def test_every_official_file_is_documented() -> None:
    page = text_of("docs/models.md")
    assert all(entry.file in page for entry in (*MODELS, *AUXILIARY.values()) if not entry.bundled)


def test_every_setting_of_the_tasks_is_documented_with_its_default_and_range() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text_of("docs/tasks.md"), re.MULTILINE))
    said = {parameter.name: parameter for task in CALLS.values() for parameter in task.parameters}
    for name, parameter in said.items():
        known = rows[name]
        plain = parameter.default if parameter.type is not bool else str(parameter.default).lower()
        default = f"{plain:g}" if isinstance(plain, float) else str(plain)
        assert default in known.partition("(")[2], name
        numbers = parameter.numbers or ((parameter.high,) if parameter.is_number and name != "face" else ())
        for number in numbers:
            assert "2³² − 1" in known if number == MAX_SEED else f"{number:g}" in known, name


def test_the_layers_of_the_page_are_those_that_are_held() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    held = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    told = re.search(r"## Layers.*?```text\n(.*?)```", text_of("docs/architecture.md"), re.DOTALL)
    assert told and told[1].split("\n")[:-1] == [layer for layer in held if layer != "__main__"]


def test_the_map_of_files_is_complete() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "run python -m tests.file_map"


def test_what_is_promised_of_bytes_is_stated_once() -> None:
    stated = [
        page for page in PAGES if re.search(r"same machine|on one machine", text_of(page), re.IGNORECASE)
    ]
    assert stated == ["docs/tasks.md"]
    assert len(re.findall(r"same machine|on one machine", text_of("docs/tasks.md"), re.IGNORECASE)) == 1
