"""Keeps results together with what they were made of: another photo empties them, other settings mark them.

What is shown must never be taken for a result of something else: pasted into another photo, or kept as
another variant. It is decided in the browser (``assets/results.js``), where nothing can come in the wrong
order; here it is said which controls a tab has and which events there are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.events import Dependency

from psp.parameters import LIKENESS, VARIANTS, Setting
from psp.ui.linked import LINK_ALONE, LINK_WITH_EXAMPLE

AT_FIRST: Mapping[str, Setting] = {VARIANTS.name: 4, LIKENESS.name: "exact"}
"""What the page takes unless somebody says otherwise, where that is not what the API takes."""

Components = Mapping[str, gr.components.Component]
When = Callable[..., Dependency]


@dataclass(frozen=True)
class Fresh:
    """What the browser has to know of a tab.

    Attributes:
        task: Name of the task.
        title: Of the button that runs it.
        inputs: By name, what a result belongs to: another one empties the results. The picture comes first.
        settings: By name, what a result was made with: other ones mark it.
        outputs: By the names of ``results.js``, what is emptied, marked and switched on or off.
    """

    task: str
    title: str
    inputs: Components
    settings: Components
    outputs: Components

    def names(self) -> list[str]:
        """Return the names of all that a result may be made of."""
        return [*self.inputs, *self.settings]

    def watch(self) -> None:
        """Compare what is shown with what the tab says, whenever that changes.

        To be called before anything else listens to these changes: Gradio lets listeners wait for each other.
        """
        changes = [component.change for component in self._watched()]  # type: ignore[attr-defined]  # all have it
        self._listen(partial(gr.on, changes), "changed")

    def ask(self, when: When) -> None:
        """Note what the tab says when a run is asked for; to be called before the run's own listener."""
        self._listen(when, "asked")

    def begin(self, slot: str, names: Iterable[str], given: Sequence[object] = ()) -> str:
        """Return the ``js`` of a run's event, which notes what it is made of.

        Args:
            slot: Tells the runs of a tab apart: "one", or "every" for all faces, …
            names: The inputs and settings that the run depends on.
            given: The event's inputs, where the tab's seed may be among them: it is chosen with the click.
        """
        said = [self.task, slot, [*names]]
        return f"(...values) => results.begun({_listed(said)}, values, {json.dumps(self._seed_at(given))})"

    def draw(self, slot: str, given: Sequence[object]) -> str:
        """Return the ``js`` of a run that goes on once its drawing has become a file, its first input.

        Args:
            slot: As for :meth:`begin`.
            given: The event's inputs, the tab's seed among them.
        """
        return f"(...values) => results.drawn({_listed([self.task, slot])}, values, {self._seed_at(given)})"

    def follow(self, event: Dependency, slot: str) -> Dependency:
        """Note the results of a run, and its end, whichever it is.

        Returns:
            The event after a success, for what is shown besides.
        """
        self.fail(event, slot)
        return self._listen(event.success, "done", slot, more=[self.outputs["details"]])

    def fail(self, event: Dependency, slot: str) -> None:
        """Note the end of a run that failed, or was cancelled."""
        self._listen(event.failure, "ended", slot)

    def opening(self) -> str:
        """Return the ``js`` of the event that opens an example: its input and its result come together."""
        return f"(...values) => results.opening({json.dumps(self.task)}, values)"

    def opened(self, event: Dependency) -> Dependency:
        """Note an example that was opened, or could not be; return the event after a success."""
        self._listen(event.failure, "opened", False)
        return self._listen(event.success, "opened", True)

    def address(self, event: Dependency) -> None:
        """Complete the link of a result that ``event`` showed; :meth:`settle` it besides."""
        said = {"alone": LINK_ALONE, "input": LINK_WITH_EXAMPLE}
        self._listen(event.success, "addressed", said, more=[self.outputs["link"]])

    def settle(self, event: Dependency) -> None:
        """Take back what ``event`` showed, where the result that it belongs to is gone by now."""
        self._listen(event.success, "settled")

    def listen(self, when: When, what: str) -> Dependency:
        """Let ``results.js`` do ``what`` when something happens."""
        return self._listen(when, what)

    def _own(self) -> list[str]:
        """Return the names of the settings that an example may have changed: they are outputs as well."""
        return [name for name in self.settings if name in self.outputs and name not in ("seed", "given")]

    def _seed_at(self, given: Sequence[object]) -> int | None:
        seed = self.settings.get("seed")
        return next((at for at, each in enumerate(given) if seed is not None and each is seed), None)

    def _watched(self) -> list[gr.components.Component]:
        return [*self.inputs.values(), *self.settings.values()]

    def _listen(
        self, when: When, what: str, *first: object, more: Sequence[gr.components.Component] = ()
    ) -> Dependency:
        spec: dict[str, Any] = {
            "task": self.task,
            "title": self.title,
            "inputs": [*self.inputs],
            "settings": [*self.settings],
            "outputs": [*self.outputs],
            "defaults": {name: _first(name, self.settings[name]) for name in self._own()},
            "gallery": isinstance(self.outputs["first"], gr.Gallery),
        }
        said = _listed([spec, *first])
        return when(
            None,
            inputs=[*self._watched(), *more],
            outputs=[*self.outputs.values()],
            js=f"(...values) => results.{what}({said}, ...values)",
            api_visibility="private",
        )


def _first(name: str, component: gr.components.Component) -> Any:  # noqa: ANN401  (what Gradio holds)
    """Return what a setting is at the page before anybody changed it."""
    return AT_FIRST.get(name, component.value)  # type: ignore[attr-defined]  # fields have it


def _listed(values: Iterable[object]) -> str:
    """Return values as the arguments of a call in the browser."""
    return ", ".join(json.dumps(value) for value in values)
