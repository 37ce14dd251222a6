"""Files on disk: written whole or not at all, never over what is another's, and known by their hash.

Words:
    draft: a file while it is written; it gets its name when it is whole.
    stamp: what the system tells of a file (size, time, number) without reading it.
    pin: the sha256 that a file of the repository must have; ``SHA256SUMS`` lists them.
"""
