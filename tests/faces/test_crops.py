"""A crop that was made before is handed out again: equal, the caller's own, and within a budget."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from psp.config import Settings
from psp.errors import FaceIndexError, FaceNotFoundError
from psp.faces import alignment
from psp.faces.alignment import Alignment, align, align_all
from psp.faces.crops import Crops, PhotoFile
from psp.inference.pipeline import PspPipeline


class Searches:
    """Counts how often faces are looked for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        search = alignment.detect_faces

        def counted(photo: Image.Image, min_faces: int = 1) -> object:
            self.count += 1
            return search(photo, min_faces)

        patch.setattr(alignment, "detect_faces", counted)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Searches:
    return Searches(monkeypatch)


def file_of(photo: Image.Image, crops: Crops) -> PhotoFile:
    return PhotoFile(hashlib.sha256(photo.tobytes()).hexdigest(), lambda: photo, crops)


def same(one: Alignment, other: Alignment) -> bool:
    numbers = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("quad", "to_photo"))
    plain = all(
        getattr(one, name) == getattr(other, name) for name in ("faces", "face", "photo_size", "sure")
    )
    return numbers and plain and one.crop.tobytes() == other.crop.tobytes()


def test_a_crop_is_made_once_and_is_that_of_the_photo(astronaut: Image.Image, searches: Searches) -> None:
    crops, wanted = Crops(), align(astronaut)
    searches.count = 0
    for _ in range(3):
        assert same(file_of(astronaut, crops).align(0, 256), wanted)
    assert searches.count == 1
    assert same(file_of(astronaut, crops).align(0, 128), align(astronaut, size=128))


def test_a_known_photo_is_not_opened(astronaut: Image.Image) -> None:
    crops = Crops()
    first = file_of(astronaut, crops)
    assert not crops.knows(first.content)
    first.align(0, 256)
    assert crops.knows(first.content)

    def never() -> Image.Image:
        raise AssertionError("opened again")

    PhotoFile(first.content, never, crops).align(0, 256)


def test_each_face_of_a_photo_is_its_own(two_people: Image.Image, searches: Searches) -> None:
    crops = Crops()
    wanted = [align(two_people, face) for face in (0, 1)]
    everybody = align_all(two_people, 1)
    for _ in range(2):
        for face in (0, 1):
            assert same(file_of(two_people, crops).align(face, 256), wanted[face])
        found = file_of(two_people, crops).align_all(1, 256)
        assert len(found) == len(everybody) and all(map(same, found, everybody))
    with pytest.raises(FaceIndexError):
        file_of(two_people, crops).align(2, 256)


def test_a_face_out_of_all_is_not_looked_for_again(two_people: Image.Image, searches: Searches) -> None:
    crops = Crops()
    file_of(two_people, crops).align_all(0, 256)
    assert same(file_of(two_people, crops).align(0, 256), align(two_people, 0))
    assert searches.count == 2  # the second is the plain one


def test_drawing_on_a_crop_changes_nobody_elses(astronaut: Image.Image) -> None:
    crops, wanted = Crops(), align(astronaut)
    for _ in range(2):
        mine = file_of(astronaut, crops).align(0, 256)
        assert same(mine, wanted)
        mine.crop.paste((0, 0, 0), (0, 0, 256, 256))
        mine.quad[:] = 0


def test_what_has_no_face_is_looked_through_each_time(searches: Searches) -> None:
    crops, plain = Crops(), Image.new("RGB", (64, 64), "gray")
    for _ in range(2):
        with pytest.raises(FaceNotFoundError):
            file_of(plain, crops).align(0, 256)
    assert searches.count == 2 and crops.taken == 0
    assert not crops.knows(file_of(plain, crops).content)


def test_the_crops_that_were_used_last_stay_within_the_budget(astronaut: Image.Image) -> None:
    crops = Crops(most=600_000)  # of 256 px: two
    photos = [astronaut.crop((0, 0, 512 - shift, 512)) for shift in (0, 8, 16)]
    files = [file_of(photo, crops) for photo in photos]
    for index in (0, 1, 0, 2):
        files[index].align(0, 256)
        assert crops.taken <= 600_000
    assert [crops.knows(file.content) for file in files] == [True, False, True]
    files[1].align(0, 512)  # larger than all that may be kept
    assert not crops.knows(files[1].content)


def test_threads_get_the_same(astronaut: Image.Image) -> None:
    crops, wanted = Crops(), align(astronaut)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: file_of(astronaut, crops).align(0, 256), range(8)))
    assert all(same(each, wanted) for each in found)
    assert crops.taken < 300_000


def test_the_pipeline_looks_once_for_the_face_of_a_file(
    astronaut: Image.Image, tmp_path: Path, searches: Searches
) -> None:
    pipe = PspPipeline(Settings(device="cpu", offline=True, cache_dir=tmp_path / "cache"))
    astronaut.save(tmp_path / "one.png")
    (tmp_path / "copy.png").write_bytes((tmp_path / "one.png").read_bytes())
    (place,) = pipe.places(tmp_path / "one.png")
    crop = pipe.align((tmp_path / "copy.png").read_bytes())
    assert crop.image.tobytes() == place.crop.tobytes() == align(astronaut).crop.tobytes()
    searches.count = 0
    pipe.photo_to_sketch(str(tmp_path / "copy.png"))
    assert searches.count == 0
    assert pipe.align(astronaut).image.tobytes() == crop.image.tobytes()  # a picture that is no file
    assert searches.count == 1
