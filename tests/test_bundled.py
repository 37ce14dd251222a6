"""The bundled family on a photo that is no training picture: every task gives a face of the right kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from psp.checkpoints import load_psp, read_info
from psp.config import Settings
from psp.faces.alignment import align
from psp.faces.identity import identity_distance
from psp.inference.quality import lpips_network
from psp.maps.landmark_parser import photo_to_map
from psp.maps.palette import map_agreement, map_to_tensor
from psp.pictures.images import degrade, load_picture, to_pictures, to_tensor
from psp.pictures.sketches import photo_to_sketch, sketch_to_tensor
from psp.registry.lookup import assets_dir, find_entry, tasks_of

TASKS = [task for task in tasks_of("mobile-1024", Settings()) if task != "style_mix"]


@pytest.fixture(scope="module")
def crop() -> Image.Image:
    """The astronaut as the models see her: 128 px."""
    photo = load_picture("examples/photos/astronaut.jpg")
    return align(photo).crop.resize((128, 128), Image.Resampling.LANCZOS)


def prepare(task: str, crop: Image.Image) -> Tensor:
    if task == "sketch_to_face":
        return sketch_to_tensor(photo_to_sketch(crop), 128)
    if task == "segmentation_to_face":
        return map_to_tensor(photo_to_map(crop), 128)
    if task == "super_resolution":
        return to_tensor(degrade(crop, 8))
    return to_tensor(crop)


@torch.inference_mode()
def make(task: str, crop: Image.Image) -> Tensor:
    return load_psp("mobile-1024", task=task)(prepare(task, crop)).clamp(-1, 1)


def mirrored(crop: Image.Image) -> Image.Image:
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_follows_its_input(task: str, crop: Image.Image) -> None:
    made = make(task, crop)
    assert made.shape == (1, 3, 128, 128) and made.std() > 0.2
    lpips = lpips_network()
    grey = Image.new("RGB", (128, 128), (128, 128, 128))
    with torch.inference_mode():
        assert float(lpips(made, make(task, mirrored(crop)))) > 0.005  # two inputs, two faces
        assert float(lpips(made, to_tensor(crop))) < float(lpips(to_tensor(grey), to_tensor(crop)))


def test_super_resolution_is_nearer_to_the_photo_than_enlarging(crop: Image.Image) -> None:
    small = crop.resize((16, 16), Image.Resampling.BICUBIC).resize((128, 128), Image.Resampling.BICUBIC)
    lpips, photo = lpips_network(), to_tensor(crop)
    with torch.inference_mode():
        assert float(lpips(make("super_resolution", crop), photo)) < float(lpips(to_tensor(small), photo))


def test_toonify_keeps_the_person_and_is_no_photo(crop: Image.Image) -> None:
    toon, photo = make("toonify", crop), make("encode", crop)
    assert float((toon - photo).abs().mean()) > 0.03
    assert identity_distance(to_pictures(toon)[0], crop) < 0.8


def test_a_map_is_drawn_as_it_was_given(crop: Image.Image) -> None:
    wanted = photo_to_map(crop)
    drawn = photo_to_map(to_pictures(make("segmentation_to_face", crop))[0])
    other = photo_to_map(mirrored(to_pictures(make("encode", crop))[0]))
    assert map_agreement(drawn, wanted) > map_agreement(other, wanted)


def test_random_faces_vary_and_the_average_code_is_a_face() -> None:
    model = load_psp("mobile-1024")
    z = torch.randn(8, model.config.generator.style_dim, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        codes = model.map(z)
        assert codes.shape == (8, 12, 512)
        faces = model.decode(codes)
        average = model.decode(model.w_avg[None])
        lpips = lpips_network()
        spread = [float(lpips(faces[i : i + 1], faces[j : j + 1])) for i in range(8) for j in range(i)]
    assert np.mean(spread) > 0.15
    assert average.isfinite().all() and average.std() > 0.2


def test_the_layers_mean_what_they_should(crop: Image.Image) -> None:
    model = load_psp("mobile-1024")
    with torch.inference_mode():
        codes, other = (
            model.encode(to_tensor(crop)),
            model.map(torch.randn(1, 512, generator=torch.Generator().manual_seed(3))),
        )
        here = model.decode(codes)

        def shapes(layers: tuple[int, ...]) -> float:
            """How much the layout changes when ``layers`` are swapped: differences of blurred grey."""
            mixed = model.decode(model.mix(codes, other, layers))
            grey = torch.nn.functional.avg_pool2d((mixed - here).mean(dim=1, keepdim=True), 8)
            return float((grey - grey.mean()).abs().mean())

        assert shapes((0, 1, 2, 3)) > shapes((10, 11))


@pytest.mark.parametrize("task", TASKS)
def test_files_share_the_generator_and_stay_small(task: str) -> None:
    path = assets_dir() / "mobile-1024" / find_entry("mobile-1024", task).file
    info = read_info(path)
    assert path.stat().st_size < 10_000_000
    assert info.get("decoder") == "generator.safetensors" or info.get("base") == "encode.safetensors"
