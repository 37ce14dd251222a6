"""Every value of a request is a value, a default, or a sentence that names it and the next step."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from psp.inference.pipeline import PspPipeline
from tests.ui.raw_http import Raw
from tests.ui.test_app import CONTRACT, FILES, REQUESTS

WRONG: list[Any] = [
    "abc", "NaN", "false", "1", [], [1], {}, {"a": 1}, True, float("nan"), float("inf"), -1e300, 1e300,
    10**400, 2**63, 0.5, "x" * 100_000, "\ud800",
]  # fmt: skip

FIGURES = {"identity": 0.4, "lpips": 0.2, "l2": 0.1}
GAIN = {"before": FIGURES, "after": FIGURES, "steps": 40, "of": 40}


@pytest.fixture(scope="module")
def raw(url: str) -> Raw:
    return Raw(url)


@pytest.fixture(scope="module")
def files(raw: Raw, inputs: dict[str, Any]) -> dict[str, Any]:
    return {name: raw.upload(path.name, path.read_bytes()) for name, path in inputs.items()}


def values_of(endpoint: str, files: dict[str, Any]) -> dict[str, Any]:
    """Return a good request by parameters."""
    return {
        name: files[str(value)]
        if name in FILES
        else [files[each] for each in value]
        if isinstance(value, list)
        else value
        for name, value in REQUESTS[endpoint].items()
    }


def is_right(name: str, value: Any) -> bool:
    """Return whether what is wrong for most parameters is right for this one."""
    if name in ("alpha", "strength"):
        return value == 0.5 and isinstance(value, float)
    if name == "through":
        return value == []
    return (name in ("align", "loop") and value is True) or (name == "layers" and value == "1")


@pytest.mark.parametrize("endpoint", CONTRACT)
def test_wrong_values_get_a_sentence_with_the_parameters_name(
    raw: Raw, files: dict[str, Any], endpoint: str, monkeypatch: pytest.MonkeyPatch, pipeline: PspPipeline
) -> None:
    name_of = endpoint.removeprefix("/")
    reached: list[Any] = []

    def instead(*args: Any, **kwargs: Any) -> Any:
        reached.append(args)
        raise AssertionError("a wrong value went through")

    good = values_of(endpoint, files)
    for name in good:
        if name in FILES:
            continue
        for value in WRONG:
            if is_right(name, value):
                continue
            data = list({**good, name: value}.values())
            with monkeypatch.context() as patch:
                patch.setattr(pipeline, name_of, instead)
                event, said = raw.call(name_of, data)
            assert event == "error", (name, value)
            words = said["error"]
            named = {"align": "'align'", "loop": "'loop'"}.get(name, name)
            if value not in ("\ud800", "x" * 100_000):
                assert named in words, (name, value, words)
            assert "Something went wrong" not in words and len(words) < 400, (name, value, words)
            assert len([part for part in words.split(". ") if part.strip()]) >= 2, (
                words
            )  # the problem, the next step


@pytest.mark.parametrize("empty", [None, "", {}])
def test_without_a_file_it_is_told_which(raw: Raw, empty: Any) -> None:
    for endpoint, (wanted, _) in CONTRACT.items():
        data = [empty, *list(wanted.values())[1:]]
        event, said = raw.call(endpoint.removeprefix("/"), data)
        assert event == "error" and "There is no" in said["error"], (endpoint, said)


@pytest.mark.parametrize(
    "wrong",
    ["me.jpg", "/etc/passwd", 5, True, ["x"], {"path": 5}, {"path": ["x"]}, "https://example.org/a.png"],
)
def test_what_is_no_file_is_told(raw: Raw, wrong: Any) -> None:
    for endpoint, (wanted, _) in CONTRACT.items():
        data = [wrong, *list(wanted.values())[1:]]
        event, said = raw.call(endpoint.removeprefix("/"), data)
        name = next(iter(wanted))
        assert event == "error", endpoint
        assert f"The {name} is no file" in said["error"] or "not uploaded" in said["error"], said


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_settings_are_the_defaults(
    raw: Raw, files: dict[str, Any], pipeline: PspPipeline, empty: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []
    real = pipeline.sketch_to_face

    def watch(*args: Any, **kwargs: Any) -> Any:
        seen.append(args[1:])
        return real(*args, **kwargs)

    monkeypatch.setattr(pipeline, "sketch_to_face", watch)
    event, said = raw.call("sketch_to_face", [files["sketch"], *[empty] * 5])
    assert event == "complete", said
    assert seen == [("auto", 1, 0, "auto", 1.0)]


@pytest.mark.parametrize("count", [0, 1, 2, 4, 9, 40])
def test_lists_of_another_length_are_told(raw: Raw, count: int) -> None:
    event, said = raw.call("encode", [None] * count)
    assert event == "error"
    assert "takes 5 values" in said["error"] and "photo, model, align, face, likeness" in said["error"]


def test_whole_numbers_may_be_written_as_floats_and_keep_their_value(raw: Raw, files: dict[str, Any]) -> None:
    event, made = raw.call("sketch_to_face", [files["sketch"], "auto", 2.0, 7.0, "auto", 1])
    assert event == "complete", made
    settings = made[2]["recipe"]["settings"]
    assert (settings["variants"], settings["seed"], settings["alpha"]) == (2, 7, 1.0)
    assert isinstance(settings["seed"], int)


@pytest.mark.parametrize(
    "model", ["x" * 1_000_000, "x" * 150, "<b>x</b>", "a\nb", "../../etc/passwd", 5, ["auto"]]
)
def test_an_unknown_model_does_not_come_back_whole(raw: Raw, files: dict[str, Any], model: Any) -> None:
    event, said = raw.call("encode", [files["photo"], model, True, 0, "quick"])
    assert event == "error"
    assert len(said["error"]) < 300 and "<" not in said["error"]
    assert "model" in said["error"] or "too long" in said["error"]


def test_private_functions_answer_in_words_too(raw: Raw, url: str) -> None:
    functions = Raw(url).send("/config").json["dependencies"]
    private = [
        each
        for each in functions
        if each["backend_fn"] and each["queue"] is not False and not each["cancels"]
    ]
    assert len(private) > 40
    wrong = ["text", [[]], {"a": {"b": []}}]
    requests = []
    for each in private:
        for value in wrong:
            requests.append({"fn_index": each["id"], "data": [value] * len(each["inputs"])})
            requests.append(
                {"fn_index": each["id"], "data": [value] * len(each["inputs"]), "event_data": value}
            )
    outputs = []
    for start in range(0, len(requests), 24):
        outputs += raw.run_all(requests[start : start + 24])
    failed = [output for output in outputs if output is not None and not output["success"]]
    assert len(failed) > len(outputs) / 2
    vague = [output for output in failed if not output["error"] or "Something went wrong" in output["error"]]
    assert not vague


def place(quad: object) -> dict[str, Any]:
    return {"alignment": {"faces": 1, "face": 0, "side": 1.0, "quad": quad}}


@pytest.mark.parametrize(
    "change",
    [
        place([[0, 0], [0, 1e7], [1, 1e7], [1, 0]]),
        place([[0, 0], [0, 1e7], [1e7, 1e7], [1e7, 0]]),
        place([[9e5, 9e5], [9e5, 9e5 + 9], [9e5 + 9, 9e5 + 9], [9e5 + 9, 9e5]]),
        place([[0, 0]]), place([["x"] * 2] * 4), place("x"), place(None),
        {"alignment": {}}, {"alignment": []},
        {"alignment": {"faces": "<b>", "face": 0, "side": 1, "quad": []}},
        {"recipe": {}}, {"recipe": None}, {"quality": {"identity": "x"}}, {"quality": {}},
        {"timings": {"a": "b"}}, {"timings": None}, {"warnings": "x"}, {"warnings": [1]},
        {"refined": 5}, {"refined": {"steps": 1, "of": 2}}, {"refined": {**GAIN, "before": {"lpips": "<b>"}}},
        {"refined": {**GAIN, "steps": "<b>"}}, {"warnings": ["x"] * 1000},
        {"size": "x"}, {"model": 5}, {"passes": "x"}, {"passes": []},
    ],
)  # fmt: skip
def test_details_of_a_client_are_held_against_a_result(
    raw: Raw, url: str, files: dict[str, Any], change: dict[str, Any], astronaut: Image.Image
) -> None:
    recipe = {
        "task": "encode",
        "model": "mobile-1024",
        "model_sha256": "",
        "settings": {"align": True, "face": 0},
    }
    quad = [[100, 50], [100, 350], [400, 350], [400, 50]]
    details = {
        "recipe": recipe, "model": "mobile-1024", "size": 128, "device": "cpu", "quality": None,
        "timings": {"a": 1.0}, "warnings": [],
        "alignment": {"faces": 1, "face": 0, "quad": quad, "side": 300.0},
    }  # fmt: skip
    out = io.BytesIO()
    astronaut.resize((128, 128)).save(out, "PNG")
    made = raw.upload("encode.png", out.getvalue())
    functions = Raw(url).send("/config").json["dependencies"]
    show = next(each["id"] for each in functions if each["api_name"] == "show")
    paste = next(each["id"] for each in functions if each["api_name"] == "paste")
    requests = [
        {"fn_index": show, "data": [files["photo"], made, None, each, None]}
        for each in (details, details | change)
    ]
    requests.append({"fn_index": paste, "data": [files["photo"], made, None, details | change, None]})
    good, *bad = raw.run_all(requests)
    assert good is not None and good["success"], good
    for output in bad:
        assert output is not None and not output["success"]
        assert output["error"] and "Something went wrong" not in output["error"]
