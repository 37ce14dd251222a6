"""The most that a run may be asked for: known without torch, as the command line refuses by it, too."""

MAX_BATCH = 65536
MAX_SEED = 2**32 - 1
MAX_WORKERS = 256
