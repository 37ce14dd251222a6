"""Whole folders: alignment, what encoders see, and results, many pictures at a time.

Words:
    ledger: what came of every picture: the report, a CSV file, and the summary.
    row: one picture's line in it.
    batch: pictures that go through the network together.
    worker: a process that prepares pictures ahead of the network.
    couple: what the model saw, beside its result, in one picture.
"""
