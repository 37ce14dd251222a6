"""The Space's entry: settings, pipeline, folder, page, launch; nothing else."""

import sys

from psp import zerogpu  # first: on a ZeroGPU Space it must come before torch
from psp.cli.terminal import make_printable
from psp.config import Settings
from psp.errors import PspError
from psp.inference.memory import keep_memory
from psp.inference.pipeline import PspPipeline
from psp.ui.gate.folder import temporary_folder
from psp.ui.gate.proxies import exempt_loopback


def open_pipeline(settings: Settings) -> PspPipeline:
    """Return the pipeline; on a ZeroGPU Space one that asks for a GPU. To be called in the main thread."""
    pipeline = PspPipeline(settings, accelerate=zerogpu.on_gpu if zerogpu.is_active() else None)
    if zerogpu.is_active():
        pipeline.network.load_all()  # here: in other threads torch does not know of the GPU that is lent
    return pipeline


def main() -> None:
    """Open the studio."""
    make_printable()
    keep_memory()
    try:
        exempt_loopback()
        from psp.ui.app import build_app, launch  # noqa: PLC0415  (Gradio asks for proxies when imported)
        from psp.ui.gate.serving import leave  # noqa: PLC0415  (as above)

        settings = Settings.from_env()
        pipeline = open_pipeline(settings)
        with temporary_folder(settings.cache_dir):
            launch(build_app(pipeline))
    except PspError as error:
        sys.exit(f"error: {error}")
    leave()


if __name__ == "__main__":
    main()
