"""Sharing a result: one picture with what it was made of, its caption and its recipe, handed to the visitor.

It goes to nobody else: a phone opens its own sheet to share it, all others save it (``assets/share.js``).
"""

from __future__ import annotations

import json
from typing import Any

from gradio.events import Dependency

from psp.codes.recipe import recipe_from_dict
from psp.errors import InputError
from psp.inference.pipeline import PspPipeline
from psp.inference.sharing import picture_to_share
from psp.ui.cache import cached
from psp.ui.fresh import Fresh
from psp.ui.gate.details import checked_details
from psp.ui.panel import Results
from psp.ui.results import See, choose, from_codes, open_png, paths_of, picture_at
from psp.ui.words import in_words


def connect_share(pipeline: PspPipeline, results: Results, fresh: Fresh, see: See) -> Dependency:
    """Make the button that shares the picture that is looked at.

    Args:
        pipeline: Reads pictures.
        results: The outputs, with the button.
        fresh: Knows whether the result is still there when its picture is ready.
        see: Makes what stands before it.

    Returns:
        The event that makes the picture.
    """

    def share(
        source: str | None,
        first: Any,  # noqa: ANN401  (what Gradio hands over)
        chosen: int,
        details: dict[str, Any] | None,
        seen: str | None,
    ) -> str:
        if not first or not details:
            raise InputError("There is no result to share yet.", f"Press {fresh.title} first.")
        details = checked_details(details)
        after, synthetic = pipeline.read(picture_at(first, chosen)), bool(details["model"])
        before = None
        if synthetic:  # else it is a crop, which nothing was made of
            before = see(source, details) if source and not from_codes(details) else None
            before = before or (open_png(seen) if seen else None)
        recipe = recipe_from_dict(details["recipe"])
        if len(paths_of(first)) > 1:
            recipe = recipe.of_variant(int(chosen or 0))
        made = picture_to_share(before, after, recipe, synthetic=synthetic)
        return cached(made, f"psp-studio-{recipe.task}.png")

    task = json.dumps(fresh.task)
    shared: Dependency = results.share.click(
        in_words(share),
        inputs=[results.source, results.first, results.chosen, results.details, results.seen],
        outputs=results.shared,
        api_visibility="private",
        show_progress="hidden",
        js=f"(...values) => ({choose(results, fresh, 2)})(...sharing.asked({task}, values))",
    )
    settled = fresh.listen(shared.success, "settled")  # it goes where its result has gone
    settled.success(
        None, results.shared, None, js=f"file => sharing.hand({task}, file)", api_visibility="private"
    )
    return shared
