"""The bundled family on photos that are no training pictures: every task gives a face of the right kind."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from psp.checkpoints import load_psp, read_info
from psp.checkpoints.siblings import all_siblings
from psp.config import Settings
from psp.faces.alignment import align
from psp.faces.detection import aligned_landmarks
from psp.faces.landmarks import yaw
from psp.files.bundled import assets_dir
from psp.inference.compact_parser import map_face
from psp.inference.descriptors import identity_distance
from psp.inference.quality import lpips_network
from psp.maps.palette import map_agreement, map_to_tensor
from psp.models.psp import PSP
from psp.pictures.images import degrade, load_picture, to_pictures, to_tensor
from psp.pictures.sketches import photo_to_sketch, sketch_to_tensor
from psp.registry.lookup import find_entry, tasks_of

pytestmark = pytest.mark.usefixtures("true_family")

FAMILY = "mobile-1024"
TASKS = [task for task in tasks_of(FAMILY, Settings()) if task not in ("style_mix", "edit")]
SIZE = 256


@pytest.fixture(scope="module")
def crop() -> Image.Image:
    """The astronaut as the models see her: 256 px."""
    return align(load_picture("examples/photos/astronaut.jpg")).crop


@pytest.fixture(scope="module")
def turned() -> Image.Image:
    """A face that looks to one side."""
    return align(load_picture("examples/photos/synthetic_turned.jpg")).crop


@cache
def model(task: str) -> PSP:
    return load_psp(FAMILY, task=task, assets=assets_dir())


def prepare(task: str, crop: Image.Image) -> Tensor:
    if task == "sketch_to_face":
        return sketch_to_tensor(photo_to_sketch(crop), SIZE)
    if task == "segmentation_to_face":
        return map_to_tensor(map_face(crop), SIZE)
    if task == "super_resolution":
        return to_tensor(degrade(crop, 8))
    return to_tensor(crop)


@torch.inference_mode()
def make(task: str, crop: Image.Image) -> Tensor:
    """Return the result at the size of the crop, [1,3,256,256]."""
    psp = model(task)
    codes = psp.encode(prepare(task, crop), SIZE // 8 if task == "super_resolution" else None)
    return psp.decode(codes, SIZE).clamp(-1, 1)


def mirrored(crop: Image.Image) -> Image.Image:
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def lpips(a: Tensor, b: Tensor) -> float:
    with torch.inference_mode():
        return float(lpips_network()(a, b))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_follows_its_input(task: str, crop: Image.Image) -> None:
    made, photo = make(task, crop), to_tensor(crop)
    assert made.shape == (1, 3, SIZE, SIZE) and made.std() > 0.2
    assert lpips(made, make(task, mirrored(crop))) > 0.005  # two inputs, two faces
    assert lpips(made, photo) < lpips(torch.zeros_like(photo), photo)


def test_pictures_are_of_1024_pixels_and_small_ones_their_means(crop: Image.Image) -> None:
    psp = model("encode")
    with torch.inference_mode():
        codes = psp.encode(to_tensor(crop))
        full, half = psp.decode(codes), psp.decode(codes, 512)
    assert full.shape == (1, 3, 1024, 1024)
    assert (torch.nn.functional.avg_pool2d(full, 2) - half).abs().max() < 1e-4


@pytest.mark.parametrize("name", ["astronaut.jpg", "hopper.jpg", "synthetic_1.jpg", "synthetic_2.jpg"])
def test_encode_gives_the_same_person(name: str) -> None:
    face = align(load_picture(f"examples/photos/{name}")).crop
    others = [
        align(load_picture(f"examples/photos/{other}")).crop for other in ("astronaut.jpg", "hopper.jpg")
    ]
    made = to_pictures(make("encode", face))[0]
    own = identity_distance(made, face)
    assert own is not None and own < 0.45  # dlib's authors: under 0.6 it is one person
    for other in others:
        if other.tobytes() != face.tobytes():
            apart = identity_distance(made, other)
            assert apart is not None and apart > own + 0.2


def test_frontalise_turns_the_head_and_keeps_the_person(turned: Image.Image) -> None:
    def turn(picture: Image.Image) -> float:
        return abs(yaw(aligned_landmarks(np.array(picture))))

    front, encoded = (to_pictures(make(task, turned))[0] for task in ("frontalize", "encode"))
    assert turn(front) < 0.8 * turn(encoded)
    apart = identity_distance(front, turned)
    assert apart is not None and apart < 0.6


def test_super_resolution_is_nearer_to_the_photo_than_enlarging(crop: Image.Image) -> None:
    small, photo = to_tensor(degrade(crop, 8)), to_tensor(crop)
    assert lpips(make("super_resolution", crop), photo) < lpips(small, photo)


def test_toonify_keeps_the_person_and_is_no_photo(crop: Image.Image) -> None:
    toon, photo = make("toonify", crop), make("encode", crop)
    assert float((toon - photo).abs().mean()) > 0.03
    apart = identity_distance(to_pictures(toon)[0], crop)
    assert apart is not None and apart < 0.6


@pytest.mark.slow
def test_toonify_sees_the_person_by_the_plain_generator(crop: Image.Image) -> None:
    with torch.inference_mode():
        toon, plain = (model(task).encode(to_tensor(crop)) for task in ("toonify", "encode"))
    assert torch.allclose(toon, plain, atol=1e-4)


def test_a_map_is_drawn_as_it_was_given(crop: Image.Image) -> None:
    wanted = map_face(crop)
    drawn = map_face(to_pictures(make("segmentation_to_face", crop))[0])
    other = map_face(mirrored(to_pictures(make("encode", crop))[0]))
    assert map_agreement(drawn, wanted) > map_agreement(other, wanted)


@pytest.mark.slow
def test_random_faces_vary_and_the_average_code_is_a_face() -> None:
    psp = model("encode")
    z = torch.randn(6, psp.config.generator.style_dim, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        w = psp.map(z)
        assert w.shape == (6, 512)
        faces = [psp.decode(one[None, None].expand(-1, 23, -1), SIZE) for one in w]
        average = psp.decode(psp.w_avg[None], SIZE)
    spread = [lpips(faces[i], faces[j]) for i in range(6) for j in range(i)]
    assert np.mean(spread) > 0.3
    assert average.isfinite().all() and average.std() > 0.2


@pytest.mark.slow
def test_the_layers_mean_what_they_should(crop: Image.Image) -> None:
    psp = model("encode")
    with torch.inference_mode():
        codes = psp.encode(to_tensor(crop))
        other = psp.map(torch.randn(1, 512, generator=torch.Generator().manual_seed(3)))
        here = psp.decode(codes, SIZE)

        def shapes(layers: range) -> float:
            """How much the layout changes when ``layers`` are swapped: differences of blurred grey."""
            mixed = psp.decode(psp.mix(codes, other, tuple(layers)), SIZE)
            grey = torch.nn.functional.avg_pool2d((mixed - here).mean(dim=1, keepdim=True), 16)
            return float((grey - grey.mean()).abs().mean())

        assert shapes(range(4)) > 1.5 * shapes(range(16, 23))


@pytest.mark.parametrize("task", TASKS)
def test_files_share_the_generator_and_stay_small(task: str) -> None:
    path = assets_dir() / FAMILY / find_entry(FAMILY, task).file
    info = read_info(path)
    files = (path, *all_siblings(path))
    assert all(file.stat().st_size < 10_000_000 for file in files)
    assert {"generator.safetensors", "encode.safetensors"} <= {file.name for file in files}
    assert (info.get("base") == "encode.safetensors") == (task != "encode")
    assert re.search(r"non-commercial", info["licence"])
