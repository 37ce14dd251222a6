"""What a run computes on, by Hugging Face Accelerate: a CPU, a GPU, many GPUs, many machines."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from psp.config import check_device
from psp.errors import SettingsError, TrainingError
from psp.training.config import TrainConfig

if TYPE_CHECKING:
    from accelerate import Accelerator

ACCELERATE = "accelerate>=1.10"
"""What training needs beside the studio: the extra "train"."""


def open_accelerator(config: TrainConfig, device: str = "auto", accumulate: int = 1) -> Accelerator:
    """Return what distributes a run; ``accelerate launch`` and ``torchrun`` start its processes.

    Args:
        config: The run; its ``mixed_precision`` holds unless ``accelerate launch`` was given one.
        device: "auto": the best there is; "cpu", "cuda", "mps".
        accumulate: Parts that a batch is cut into, one after the other, to save memory.

    Raises:
        SettingsError: Accelerate is not installed, or the device is not there.
        TrainingError: The batch cannot be divided among the processes.
    """
    device = check_device(device)
    if ":" in device:
        kind, _, index = device.partition(":")
        raise SettingsError(
            f"A run takes no single device such as {device}.",
            f"Set CUDA_VISIBLE_DEVICES={index} and give --device {kind}.",
        )
    _require_accelerate()
    import accelerate  # noqa: PLC0415  (only training needs it)
    from accelerate import state  # noqa: PLC0415  (as above)

    # Accelerate keeps one state a process; a second run in the same process may want another.
    state.AcceleratorState._reset_state(reset_partial_state=True)
    state.GradientState._reset_state()
    # "no" is also what a launch says that was not given one.
    launched = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    precision = config.mixed_precision if launched == "no" else launched
    if precision == "fp16" and (device == "cpu" or not torch.cuda.is_available()):
        raise SettingsError("fp16 needs a CUDA device.", "Use --mixed-precision bf16 or no.")
    accelerator = accelerate.Accelerator(
        cpu=device == "cpu",
        mixed_precision=precision,
        gradient_accumulation_steps=accumulate,
        # Each process gets its part of every batch, so that a batch is the same for any number of them.
        dataloader_config=accelerate.DataLoaderConfiguration(split_batches=True, non_blocking=True),
        kwargs_handlers=[
            accelerate.DistributedDataParallelKwargs(
                broadcast_buffers=False,  # norms are shared, stored noise never changes
                # Steps take turns with and without corrections.
                find_unused_parameters=getattr(config.model.encoder, "corrections", 0) > 0,
            )
        ],
        step_scheduler_with_optimizer=False,
    )
    if device != "auto" and accelerator.device.type != torch.device(device).type:
        raise SettingsError(
            f"The device {device!r} is not there: {accelerator.device.type} is.", "Leave out --device."
        )
    parts = accelerator.num_processes * accumulate
    if config.data_batch % parts or config.synthetic_batch % parts:
        synthetic = f", {config.synthetic_batch} of it synthetic," if config.synthetic_batch else ""
        raise TrainingError(
            f"A batch of {config.optimizer.batch}{synthetic} cannot be divided among "
            f"{accelerator.num_processes} processes in {accumulate} parts each.",
            f"Set --batch to a multiple of {parts}" + (", each of the two." if synthetic else "."),
        )
    return accelerator


def _require_accelerate() -> None:
    try:
        import accelerate  # noqa: F401, PLC0415  (whether it is there)
    except ImportError as error:
        raise SettingsError(
            "Training needs the package Accelerate, which is not installed.",
            f'Run: pip install "{ACCELERATE}" (the extra "train" of psp-studio brings it).',
        ) from error


def require_agreement(accelerator: Accelerator, step: int) -> None:
    """Refuse to go on where the processes of a run stand at different steps.

    Raises:
        TrainingError: They do: the run's folder is not the same for all machines.
    """
    steps = accelerator.gather(torch.tensor([step], device=accelerator.device)).tolist()
    if len(set(steps)) > 1:
        raise TrainingError(
            f"The processes stand at different steps: {steps}.",
            "Give --out as a folder that all machines share, or copy last.safetensors to each of them.",
        )
