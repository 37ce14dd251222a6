"""What a Space would get: the right files, a card that the Hub takes, and nothing that must not go."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from psp.errors import DeployError
from psp.publish.checkout import checkout_root, read_checkout
from psp.publish.front_matter import read_front_matter
from psp.publish.space_fields import FIELDS
from psp.publish.space_plan import plan_space, preload_lines
from psp.registry.table import AUXILIARY, MODELS
from tests.publish.conftest import CARD, commit

REPO = "me/studio"
ROOT = Path(__file__).resolve().parent.parent.parent


def with_card(checkout: Path, old: str, new: str) -> Path:
    assert old in CARD
    (checkout / "README.md").write_text(CARD.replace(old, new), encoding="utf-8")
    return checkout


def test_tests_benchmarks_and_what_is_hidden_stay(checkout: Path) -> None:
    plan = plan_space(checkout, REPO)
    assert [name for name in plan.sizes() if name.startswith((".", "tests", "benchmarks"))] == [
        ".gitattributes",  # made for the Space
        "benchmarks/shot.jpg",  # the card shows it
    ]
    assert plan.notes == ()


def test_the_card_has_no_dead_links_and_a_whole_address_for_its_picture(checkout: Path) -> None:
    card = plan_space(checkout, REPO).texts["README.md"]
    assert "![A shot](benchmarks/shot.jpg) how fast, [pages](docs/a.md), [rules](docs)." in card
    assert 'echo "[stays](tests/a.py)"' in card
    address = "https://huggingface.co/spaces/me/studio/resolve/main/benchmarks/shot.jpg"
    assert read_front_matter(card) == {**read_front_matter(CARD), "thumbnail": address}


def test_models_are_preloaded_in_the_uploaded_card_alone(checkout: Path) -> None:
    plan = plan_space(checkout, REPO, preload=["ffhq-1024", "e4e-ffhq"])
    first, second = read_front_matter(plan.texts["README.md"])["preload_from_hub"]  # type: ignore[misc]
    entry = next(entry for entry in MODELS if entry.family == "ffhq-1024")
    assert first.startswith(f"{entry.source} psp_ffhq_encode.pt,") and first.endswith(f" {entry.revision}")
    assert second == "zhengchong/e4e e4e_ffhq_encode.pt"
    assert (checkout / "README.md").read_text(encoding="utf-8") == CARD
    for name in ("mobile-1024", "encode", "auxiliary", "x"):
        with pytest.raises(DeployError, match="ffhq-1024"):
            preload_lines([name])


def test_git_says_what_goes_and_what_differs_is_told(checkout: Path) -> None:
    (checkout / "psp" / "forgotten.py").write_text("x = 2\n")
    (checkout / "psp" / "main.py").write_text("x = 3\n")
    (checkout / "docs" / "a.md").unlink()
    (checkout / "psp" / "my_token.txt").write_text("x")
    plan = plan_space(checkout, REPO)
    assert "psp/forgotten.py" not in plan.files and "docs/a.md" not in plan.files
    told = " ".join(plan.notes)
    assert "not in Git: psp/forgotten.py" in told
    assert "not as committed: docs/a.md, psp/main.py" in told


def test_without_git_files_are_taken_by_their_places_and_endings(checkout: Path) -> None:
    before = set(plan_space(checkout, REPO).sizes())
    (checkout / ".git").rename(checkout.parent / "git-away")
    for name in (
        ".env",
        "psp/.secret",
        "psp/__pycache__/a.py",
        "psp/a.pyc",
        "my.key",
        "out/me.png",
        "me.mp4",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("x")
    plan = plan_space(checkout, REPO)
    assert set(plan.sizes()) == before
    assert "There is no Git here" in plan.notes[0]


@pytest.mark.parametrize("name", ["secrets.toml", "my-token.txt", "id_rsa", "psp/server.pem", "prod.env"])
def test_a_secret_by_its_name_stays_even_if_it_is_in_git(checkout: Path, name: str) -> None:
    (checkout / name).write_text("x")
    commit(checkout)
    plan = plan_space(checkout, REPO)
    assert name not in plan.sizes()
    assert name in plan.notes[0]


def test_a_credential_inside_of_a_file_stops_all(checkout: Path) -> None:
    (checkout / "docs" / "b.md").write_text("token: hf_" + "aB3" * 11)
    commit(checkout)
    with pytest.raises(DeployError, match=r"docs/b\.md seems to hold a credential") as caught:
        plan_space(checkout, REPO)
    assert "aB3" not in str(caught.value)


def test_large_files_links_and_missing_files_are_told(checkout: Path) -> None:
    large = checkout / "psp" / "large.bin"
    with large.open("wb") as file:
        file.truncate(10_000_001)
    commit(checkout)
    with pytest.raises(DeployError, match=r"psp/large\.bin has 10\.0 MB"):
        plan_space(checkout, REPO)
    large.unlink()
    (checkout / "psp" / "away.py").symlink_to("/etc/hostname")
    commit(checkout)
    with pytest.raises(DeployError, match=r"psp/away\.py is a link"):
        plan_space(checkout, REPO)
    (checkout / "psp" / "away.py").unlink()
    (checkout / "app.py").unlink()
    with pytest.raises(DeployError, match=r"app\.py is not there.*git checkout app\.py"):
        plan_space(checkout, REPO)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("title: A studio\n", "", "no title"),
        ("emoji: 🎭", "emoji: A", "emoji in the front matter is 'A'"),
        ("colorTo: pink", "colorTo: brown", "one of red"),
        ("sdk: gradio", "sdk: docker", "Write gradio"),
        ("sdk_version: 6.31.0", "sdk_version: 5.9.1", r"5\.9\.1, and requirements\.txt wants gradio"),
        ("sdk_version: 6.31.0", "sdk_version: 6.31", "whole version"),
        ("app_file: app.py", "app_file: main.py", r"'main\.py', which is not there"),
        ('python_version: "3.12"', "python_version: 3.10", "in quotes"),
        ('python_version: "3.12"', 'python_version: "3.8"', "3.10"),
        ("license: mit", "license: My own", "identifier"),
        ("Photos to faces", "x" * 61, "at most 60"),
        ("benchmarks/shot.jpg\n---", "gone.jpg\n---", "thumbnail is 'gone.jpg'"),
        ("license: mit", "license: mit\nlicence: mit", "field 'licence', which Spaces do not know"),
        ("license: mit", "license: mit\nmodels: me/x", "list of repositories"),
        ("license: mit", "license: mit\ntags: [a, <b>]", "list of words"),
        ("license: mit", 'license: mit\nhf_oauth: "yes"', "true or false"),
        ("license: mit", "license: mit\nsuggested_hardware: big", "zero-a10g"),
        ("license: mit", "license: mit\npreload_from_hub: [x]", "owner/name"),
        ("license: mit", "license: [", r"no YAML \(line"),
        ("---\ntitle", "title", "card of a Space"),
        ("sdk: gradio", "sdk: docker\npinned: 3", r"several faults\. \(1\).*\(2\)"),
    ],
)
def test_a_wrong_card_is_told_field_by_field(checkout: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(DeployError, match=words):
        plan_space(with_card(checkout, old, new), REPO)


def test_a_comment_in_the_list_of_packages_is_refused(checkout: Path) -> None:
    (checkout / "packages.txt").write_text("libgl1\nffmpeg\n")
    plan_space(checkout, REPO)
    (checkout / "packages.txt").write_text("# nothing is needed\n")
    with pytest.raises(DeployError, match=r"packages\.txt holds '#'.*apt-get"):
        plan_space(checkout, REPO)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hardware": "gpu"}, "no hardware of the Hub"),
        ({"secrets": ["KEY=hush"]}, "by its name alone"),
        ({"secrets": ["MY KEY"]}, "no name of a variable"),
        ({"variables": ["KEY"]}, "NAME=VALUE"),
        ({"variables": ["KEY=hf_abcdefghijkl"]}, "Use --secret KEY"),
        ({"variables": ["A=1"], "secrets": ["A"]}, "both a secret and a variable"),
    ],
)
def test_wrong_options_are_told_and_no_value_is_repeated(
    checkout: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(DeployError, match=words) as caught:
        plan_space(checkout, REPO, **options)  # type: ignore[arg-type]
    assert "hush" not in str(caught.value) and "hf_" not in str(caught.value)
    with pytest.raises(DeployError, match="OWNER/NAME"):
        plan_space(checkout, "studio")


def test_an_installed_package_says_that_a_checkout_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psp.publish.checkout.__file__", str(tmp_path / "site" / "psp" / "publish" / "c.py"))
    with pytest.raises(DeployError, match=r"a Space is made of a checkout.*Clone"):
        checkout_root()


def test_this_repository_is_ready_to_be_a_space() -> None:
    plan = plan_space(checkout_root(), REPO, hardware="zero-a10g")
    assert checkout_root() == ROOT
    fields = read_front_matter(plan.texts["README.md"])
    assert set(fields) <= set(FIELDS) and fields["hf_oauth"] is True
    known = {entry.source for entry in (*MODELS, *AUXILIARY.values())}
    assert set(fields["models"]) <= known  # type: ignore[call-overload]
    assert sum(plan.sizes().values()) < 60_000_000
    assert not [
        name for name in plan.sizes() if name.startswith(("tests/", "benchmarks/")) and "shots" not in name
    ]
    card = plan.texts["README.md"]
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", card):
        assert target in plan.files


def test_an_empty_list_of_packages_installs_nothing() -> None:
    text = (ROOT / "packages.txt").read_text()
    done = subprocess.run(
        ["xargs", "-r", "echo", "apt-get"], input=text, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


def test_files_are_found_from_any_folder(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set(read_checkout(checkout).files)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert set(read_checkout(checkout).files) == names
