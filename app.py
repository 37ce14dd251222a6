"""The Space's entry: settings, pipeline, page, launch; nothing else."""

from psp import zerogpu  # first: on a ZeroGPU Space it must come before torch
from psp.config import Settings
from psp.pipeline import PspPipeline
from psp.ui.app import build_app, launch


def main() -> None:
    """Open the studio."""
    pipeline = PspPipeline(Settings.from_env(), accelerate=zerogpu.on_gpu if zerogpu.is_active() else None)
    if zerogpu.is_active():
        pipeline.load()  # ZeroGPU lends the GPU to what the main process has loaded
    launch(build_app(pipeline))


if __name__ == "__main__":
    main()
