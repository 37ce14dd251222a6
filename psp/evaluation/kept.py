"""What an evaluation found, kept beside the model of the user's own that it measured, for its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psp.checkpoints.evaluations import REPORT, Evaluated, is_report, keep_evaluations
from psp.checkpoints.hashes import file_sha256
from psp.config import Settings
from psp.errors import CheckpointError, SettingsError
from psp.evaluation.table import Scores
from psp.files.saving import require_own
from psp.registry.lookup import find_entry


@dataclass(frozen=True)
class Measured:
    """The file of a model as it was before it was measured.

    Attributes:
        path: Where it is.
        task: The task that it is measured for.
        sha256: Of its content.
        cache_dir: Where hashes are kept.
    """

    path: Path
    task: str
    sha256: str
    cache_dir: Path

    @classmethod
    def of(cls, model: str, task: str, settings: Settings) -> Measured:
        """Return the file that ``model`` means, after seeing that figures can be kept beside it.

        Raises:
            SettingsError: It is no model of the user's own on this machine, or a file is in the way.
            CheckpointError: It is not there.
        """
        path = find_entry(model, task, settings).path
        if path is None:
            raise SettingsError(
                f"{model} is no model of your own on this machine, so its figures are not kept.",
                "Leave out --for-card, or give the folder that training wrote (runs/mine/best).",
            )
        if not path.is_file():
            raise CheckpointError(f"There is no file {path.name}.", "Check the path.")
        require_own(path.with_name(REPORT), is_report)
        return cls(path, task, file_sha256(path, settings.cache_dir), settings.cache_dir)

    def keep(self, scores: Scores, split: str, size: int) -> str:
        """Keep the means of each source; return what to say of it.

        Args:
            scores: What was measured.
            split: "val" or "all".
            size: At how many pixels.

        Raises:
            CheckpointError: The model was replaced while it was measured.
            OSError: The file cannot be written.
        """
        if file_sha256(self.path, self.cache_dir) != self.sha256:
            raise CheckpointError(
                f"{self.path.name} was replaced while it was measured, so its figures are not kept.",
                "Measure it again when its training is over.",
            )
        fresh = [
            Evaluated(self.task, self.sha256, source, split, count, size, figures, variant)
            for source, variant, count, figures in scores.by_source()
        ]
        return f"kept for the card in {keep_evaluations(self.path.parent, tuple(fresh))}"
