"""The command ``serve``, which ``app.py`` runs too: settings, pipeline, page, launch."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from psp import zerogpu  # before torch, by its own rule

if TYPE_CHECKING:
    from psp.config import Settings
    from psp.inference.pipeline import PspPipeline


def add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to ``commands``; parsed options get a ``run`` to call with them."""
    about = "Open the studio's page, as app.py does; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where."
    parser = commands.add_parser("serve", help=about, description=about)
    parser.set_defaults(run=lambda options: serve())


def serve() -> None:
    """Serve the page until the process is asked to stop.

    Raises:
        PspError: A setting cannot be used, or the default model cannot be loaded on a ZeroGPU Space.
        OSError: The port is taken.
    """
    from psp.config import Settings  # noqa: PLC0415  (only this command needs it)
    from psp.ui.gate.folder import temporary_folder  # noqa: PLC0415  (as above)
    from psp.ui.gate.proxies import exempt_loopback  # noqa: PLC0415  (as above)

    exempt_loopback()
    from psp.ui.app import build_app, launch  # noqa: PLC0415  (Gradio asks for proxies when imported)
    from psp.ui.cache import name_by_secret  # noqa: PLC0415  (as above)
    from psp.ui.gate.serving import leave  # noqa: PLC0415  (as above)

    settings = Settings.from_env()
    pipeline = open_pipeline(settings)
    name_by_secret()
    with temporary_folder(settings.cache_dir):
        launch(build_app(pipeline))
    leave()


def open_pipeline(settings: Settings) -> PspPipeline:
    """Return the pipeline; on a ZeroGPU Space one that asks for a GPU. To be called in the main thread."""
    from psp.inference.pipeline import PspPipeline  # noqa: PLC0415  (only this command needs it)

    pipeline = PspPipeline(settings, accelerate=zerogpu.on_gpu if zerogpu.is_active() else None)
    if zerogpu.is_active():
        pipeline.network.load_all()  # here: in other threads torch does not know of the GPU that is lent
    return pipeline
