"""What the page tells of itself, and how it comes up."""

from __future__ import annotations

import gradio as gr
import pytest

from psp.config import Settings
from psp.ui.gate.line import take_turns
from psp.ui.gate.studio import Studio
from tests.ui.raw_http import Raw
from tests.ui.served import served


def test_only_what_an_endpoint_has_is_described_as_one() -> None:
    with Studio(Settings()) as page:
        told, hidden, button = gr.Textbox(), gr.Textbox(), gr.Button()
        button.click(lambda text: text, told, told, api_name="said")
        button.click(lambda text: text, hidden, hidden, api_visibility="private")
    parts = {part["id"]: part for part in page.get_config_file()["components"]}
    described = {name for name in parts[told._id] if name.startswith("api_info") or name == "example_inputs"}
    assert len(described) == 4 and described.isdisjoint(parts[hidden._id])
    assert parts[told._id].keys() - described == parts[hidden._id].keys()
    page.config = page.get_config_file()
    assert [each["component"] for each in page.get_api_info()["named_endpoints"]["/said"]["parameters"]] == [
        "Textbox"
    ]


def test_what_follows_another_event_has_no_component_to_listen_to() -> None:
    with Studio(Settings()) as page:
        button = gr.Button()
        first = button.click(lambda: None)
        first.success(lambda: None)
    clicked, after = page.get_config_file()["dependencies"]
    assert clicked["targets"] == [(button._id, "click")] and after["targets"] == []
    assert after["trigger_after"] == first["id"] and page.fns[after["id"]].targets == [(None, "success")]


def test_a_page_that_is_slow_to_answer_comes_up_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # What Gradio finds on a busy machine, where its own page takes longer than three seconds.
    monkeypatch.setattr("gradio.networking.url_ok", lambda _: False)
    with Studio(Settings()) as page:
        gr.Markdown("Here")
    take_turns(page, page.settings)
    with served(page) as url:
        assert Raw(url).send("/").status == 200
