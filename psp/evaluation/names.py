"""What can be measured, by name: known without torch, as the command line offers it."""

from psp.tasks import MODEL_TASKS

TASKS = (*MODEL_TASKS, "generator")
"""The tasks that have a model, and random faces of the generator."""
