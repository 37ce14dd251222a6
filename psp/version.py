"""The version, said here alone: the build, ``psp --version`` and what is pushed to the Hub read it."""

__version__ = "1.0.0"
