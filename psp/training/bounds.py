"""The most that a run may be asked for: known without torch, as the command line refuses by it, too."""

MAX_BATCH = 65536
MAX_WORKERS = 256
