"""What the API page, OpenAPI and the snippets say of the endpoints is true, and works as it stands."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from gradio_client.exceptions import AppError

from psp.config import Settings
from psp.inference.pipeline import PspPipeline
from psp.parameters import SETTINGS
from psp.tasks import CALLS
from psp.ui.app import build_app
from tests.ui.raw_http import Raw
from tests.ui.served import served

TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


@pytest.fixture(scope="module")
def endpoints(url: str) -> dict[str, Any]:
    return dict(Raw(url).send("/gradio_api/info").json["named_endpoints"])


def test_every_input_says_what_it_does(endpoints: dict[str, Any]) -> None:
    for name, endpoint in endpoints.items():
        for parameter in endpoint["parameters"]:
            words = parameter["python_type"]["description"]
            assert len(words) > 10, (name, parameter["parameter_name"])
            assert words.rstrip()[-1] in ".…", (name, parameter["parameter_name"], words)


def test_every_setting_has_its_own_type_and_range(endpoints: dict[str, Any]) -> None:
    for name, endpoint in endpoints.items():
        types = {each["parameter_name"]: each["type"] for each in endpoint["parameters"]}
        for setting in CALLS[name.strip("/")].parameters:
            said = types[setting.name]
            assert said["type"] == TYPES[setting.type], (name, setting.name)
            assert said["default"] == setting.default
            if setting.is_number:
                low, high = said["minimum"], said["maximum"]
                wanted = (
                    (setting.numbers[0], setting.numbers[-1])
                    if setting.choices
                    else (setting.low, setting.high)
                )
                assert (low, high) == wanted


def test_a_factor_is_a_number_everywhere(url: str, endpoints: dict[str, Any]) -> None:
    open_api = Raw(url).send("/gradio_api/openapi.json").json["paths"]["/gradio_api/call/v2/super_resolution"]
    schema = open_api["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["factor"]
    assert schema["type"] == "integer"
    assert str(list(SETTINGS["factor"].numbers)).strip("[]") in schema["description"]
    python, script = (
        endpoints["/super_resolution"]["code_snippets"][each] for each in ("python", "javascript")
    )
    assert "factor=0," in python
    assert "factor: 0," in script


def test_no_example_is_on_another_server(url: str) -> None:
    said = Raw(url).send("/gradio_api/info").body.decode()
    assert "githubusercontent" not in said
    assert "bus.png" not in said


def run_snippet(endpoint: dict[str, Any]) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(endpoint["code_snippets"]["python"], {})
    return printed.getvalue()


@pytest.mark.slow
def test_the_snippets_of_the_api_page_run_as_they_stand(endpoints: dict[str, Any]) -> None:
    for name, endpoint in endpoints.items():
        if name not in ("/decode", "/edit", "/move"):  # their files are for the bundled family
            assert "recipe" in run_snippet(endpoint), name


@pytest.mark.slow
@pytest.mark.usefixtures("true_family")
def test_the_examples_of_codes_and_of_directions_are_for_the_bundled_family(tmp_path: Path) -> None:
    pipeline = PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path))
    with served(build_app(pipeline)) as url:
        endpoints = Raw(url).send("/gradio_api/info").json["named_endpoints"]
        for name in ("/decode", "/edit"):
            assert "'size': 1024" in run_snippet(endpoints[name])
        with pytest.raises(AppError, match="Give edits, or another face"):  # nothing is asked for yet
            run_snippet(endpoints["/move"])


@pytest.mark.parametrize("factor", [8, 8.0])
def test_a_factor_is_taken_as_a_number(url: str, factor: float) -> None:
    raw = Raw(url)
    example = raw.send("/gradio_api/info").json["named_endpoints"]["/super_resolution"]["parameters"][0]
    said, values = raw.call("super_resolution", [example["example_input"], "auto", True, 0, factor, 1, 0])
    assert said == "complete"
    assert values[2]["recipe"]["settings"]["factor"] == 8
