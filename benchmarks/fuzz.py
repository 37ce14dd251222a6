"""Coverage-guided fuzzing of what reads strangers' files: pictures, and files of codes and checkpoints.

    pip install atheris
    python -m benchmarks.fuzz pictures --minutes 5      # or: maps, codes, checkpoints

Atheris changes files so that they reach new lines of ours, and of Pillow's readers, which are in Python. Each
must end as a picture, as codes, or as a PspError; anything else is a crash. It is told with its traceback;
the file is kept (``--keep``, fuzzed/ by default) and becomes a case of tests/hostile. A file that takes
longer than ``--slow`` seconds, or 2 GB, is one too.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

_MODULES = ["psp.pictures", "psp.codes", "psp.maps.palette", "psp.checkpoints.tensors", "PIL"]
_SIDE = 40
MISSING = "Atheris is not installed here, so nothing was tried. pip install atheris, then run it again."


def main() -> int:
    """Fuzz what the command line names; return 1 where something fell, 2 where nothing can be tried."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=sorted(_TARGETS))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--slow", type=int, default=10, help="seconds that one file may take")
    parser.add_argument("--keep", type=Path, default=Path("fuzzed"), help="where crashes are kept")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print(MISSING)
        return 2
    import atheris  # noqa: PLC0415  (not in every installation)

    with atheris.instrument_imports(include=_MODULES):
        one, seeds = _TARGETS[given.what]()
    given.keep.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        seconds = max(1, round(given.minutes * 60))
        limits = [
            f"-max_total_time={seconds}",
            f"-timeout={given.slow}",
            "-rss_limit_mb=2048",
            "-max_len=65536",
        ]
        kept = f"-artifact_prefix={given.keep}{os.sep}{given.what}-"
        atheris.Setup([sys.argv[0], *limits, kept, "-print_final_stats=1", corpus], one)
        atheris.Fuzz()  # ends the process itself: 0, or not 0 where something fell
    return 0


_Target = tuple[Callable[[bytes], None], list[bytes]]


def _pictures() -> _Target:
    """Read a file as a photo."""
    from psp.errors import PspError  # noqa: PLC0415  (to be instrumented)
    from psp.pictures.images import load_picture  # noqa: PLC0415

    def one(data: bytes) -> None:
        try:
            picture = load_picture(data, max_pixels=1_000_000)
        except PspError:
            return
        assert picture.mode == "RGB" and not picture.info

    return one, list(_drawn())


def _maps() -> _Target:
    """Read a file as a map."""
    from psp.errors import PspError  # noqa: PLC0415  (to be instrumented)
    from psp.maps.palette import CLASSES, picture_to_map  # noqa: PLC0415
    from psp.pictures.images import load_picture  # noqa: PLC0415

    def one(data: bytes) -> None:
        try:
            labels, _ = picture_to_map(load_picture(data, max_pixels=100_000, flat=False))
        except PspError:
            return
        assert labels.max() < len(CLASSES)

    return one, list(_drawn())


def _codes() -> _Target:
    """Read a file as codes, and as directions."""
    from psp.codes.directions import directions_from_bytes  # noqa: PLC0415  (to be instrumented)
    from psp.codes.latents import codes_from_bytes, recipe_of_codes  # noqa: PLC0415
    from psp.errors import PspError  # noqa: PLC0415

    def one(data: bytes) -> None:
        for read in (codes_from_bytes, lambda data: directions_from_bytes(data, 4, 8)):
            try:
                read(data)
            except PspError:
                continue
        try:
            recipe_of_codes(io.BytesIO(data))
        except ValueError:  # as it is documented
            return

    return one, _tensor_files()


def _checkpoints() -> _Target:
    """Read a file as tensors of a checkpoint, by both ways that there are."""
    from psp.checkpoints.tensors import load_tensors  # noqa: PLC0415  (to be instrumented)
    from psp.errors import PspError  # noqa: PLC0415

    path = Path(tempfile.mkdtemp()) / "x.safetensors"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        for mapped in (True, False):
            try:
                load_tensors(path, mapped=mapped)
            except PspError:
                continue

    return one, _tensor_files()


def _drawn() -> Iterator[bytes]:
    """Yield small pictures in every format and depth, with and without what stands beside the pixels."""
    from PIL import Image  # noqa: PLC0415  (to be instrumented)

    from psp.pictures.formats import known_formats  # noqa: PLC0415
    from psp.pictures.profiles import display_p3  # noqa: PLC0415

    picture = Image.linear_gradient("L").resize((_SIDE, _SIDE))
    exif = Image.Exif()
    exif[0x0112] = 6
    for form in known_formats():
        for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK", "F"):
            for more in ({}, {"exif": exif, "icc_profile": display_p3()}):
                out = io.BytesIO()
                try:
                    picture.convert(mode).save(out, form, **more)  # type: ignore[arg-type]
                except (OSError, ValueError, KeyError, TypeError):
                    continue  # the format has no such depth
                yield out.getvalue()


def _tensor_files() -> list[bytes]:
    """Return files of codes, of directions, and of other types."""
    import numpy as np  # noqa: PLC0415  (to be instrumented)
    from safetensors.numpy import save  # noqa: PLC0415

    recipe = '{"task": "encode", "model": "auto", "model_sha256": "", "settings": {"face": 0}}'
    codes = np.linspace(-1, 1, 32, dtype=np.float32).reshape(4, 8)
    maps = {"coarse": np.ones((1, 2, 2), np.int8), "coarse.scale": np.ones(1, np.float32)}
    maps |= {"fine": maps["coarse"], "fine.scale": maps["coarse.scale"]}
    said = '{"smile": {"layers": [0, 2], "low": -1, "high": 1, "title": "Smile"}}'
    return [
        save({"codes": codes, **maps}, {"recipe": recipe}),
        save({"codes": codes[None].astype(np.float16)}),
        save({"smile": codes[0], "age": codes}, {"directions": said}),
        save({"codes": codes.astype(np.int64)}),
        b"\x08\0\0\0\0\0\0\0{}      ",
    ]


_TARGETS: dict[str, Callable[[], _Target]] = {
    "pictures": _pictures, "maps": _maps, "codes": _codes, "checkpoints": _checkpoints
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
