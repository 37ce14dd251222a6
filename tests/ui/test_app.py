"""The served studio through ``gradio_client``: the contract of the API, good requests and bad ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from safetensors.numpy import load

from psp.codes.recipe import recipe_of_png
from psp.inference.pipeline import PspPipeline, Result
from psp.ui.app import build_app

# The contract of the design: endpoint, parameters in order with their defaults, kind of the first output.
PHOTO = {"photo": "required", "model": "auto", "align": True, "face": 0}
DRAWN = {"model": "auto", "variants": 1, "seed": 0, "layers": "auto", "alpha": 1.0}
CONTRACT: dict[str, tuple[dict[str, object], str]] = {
    "/encode": ({**PHOTO, "likeness": "quick"}, "image"),
    "/refine": (
        {
            "photo": "required",
            "latents": None,
            "model": "auto",
            "align": True,
            "face": 0,
            "likeness": "close",
        },
        "image",
    ),
    "/edit": (
        {
            "photo": "required",
            "directions": None,
            "model": "auto",
            "align": True,
            "face": 0,
            "edits": "",
            "likeness": "quick",
        },
        "image",
    ),
    "/move": (
        {
            "photo": "required",
            "style": None,
            "directions": None,
            "model": "auto",
            "align": True,
            "face": 0,
            "edits": "",
            "likeness": "quick",
            "seconds": 2.0,
            "loop": True,
            "size": 512,
            "format": "mp4",
            "through": None,
        },
        "file",
    ),
    "/video": (
        {
            "video": "required",
            "task": "toonify",
            "model": "auto",
            "face": 0,
            "edits": "",
            "strength": 1.0,
            "likeness": "quick",
        },
        "file",
    ),
    "/frontalize": (PHOTO, "image"),
    "/toonify": ({**PHOTO, "strength": 1.0}, "image"),
    "/super_resolution": ({**PHOTO, "factor": 0, "variants": 1, "seed": 0}, "gallery"),
    "/sketch_to_face": ({"sketch": "required", **DRAWN}, "gallery"),
    "/segmentation_to_face": ({"mask": "required", **DRAWN}, "gallery"),
    "/style_mix": (
        {
            "photo": "required",
            "style": None,
            "model": "auto",
            "align": True,
            "face": 0,
            "layers": "auto",
            "alpha": 1.0,
            "variants": 1,
            "seed": 0,
        },
        "gallery",
    ),
    "/align": ({"photo": "required", "face": 0}, "image"),
    "/decode": ({"latents": "required", "model": "auto"}, "image"),
    "/photo_to_sketch": ({"photo": "required", "align": True, "face": 0}, "image"),
    "/photo_to_mask": ({"photo": "required", "align": True, "face": 0}, "image"),
}
WITHOUT_CODES = ("/align", "/photo_to_sketch", "/photo_to_mask")

# One request by keyword for each endpoint, every parameter set to something else than its default, but for
# the likeness: the small family of these tests cannot be exact.
REQUESTS: dict[str, dict[str, object]] = {
    "/encode": {"photo": "two", "model": "mobile-1024", "align": True, "face": 1, "likeness": "quick"},
    "/refine": {
        "photo": "two", "latents": "latents", "model": "mobile-1024", "align": True, "face": 1,
        "likeness": "close",
    },
    "/edit": {
        "photo": "two", "directions": "directions", "model": "mobile-1024", "align": True, "face": 1,
        "edits": "tint:0.5,features-1:-1", "likeness": "quick",
    },
    "/move": {
        "photo": "two", "style": "style", "directions": "directions", "model": "mobile-1024", "align": True,
        "face": 1, "edits": "tint:0.5", "likeness": "quick", "seconds": 1.0, "loop": False, "size": 256,
        "format": "gif", "through": ["photo", "latents"],
    },
    "/video": {
        "video": "video", "task": "edit", "model": "mobile-1024", "face": 0, "edits": "features-1:1",
        "strength": 0.5, "likeness": "quick",
    },
    "/frontalize": {"photo": "photo", "model": "mobile-1024", "align": False, "face": 0},
    "/toonify": {"photo": "two", "model": "mobile-1024", "align": True, "face": 1, "strength": 0.5},
    "/super_resolution": {
        "photo": "two", "model": "mobile-1024", "align": True, "face": 1,
        "factor": 8, "variants": 2, "seed": 5,
    },
    "/sketch_to_face": {
        "sketch": "sketch", "model": "mobile-1024", "variants": 2, "seed": 5,
        "layers": "0-3,7", "alpha": 0.5,
    },
    "/segmentation_to_face": {
        "mask": "mask", "model": "mobile-1024", "variants": 2, "seed": 5, "layers": "all", "alpha": 0.5,
    },
    "/style_mix": {
        "photo": "two", "style": "style", "model": "mobile-1024", "align": True, "face": 1,
        "layers": "0-5", "alpha": 0.7, "variants": 2, "seed": 5,
    },
    "/align": {"photo": "two", "face": 1},
    "/decode": {"latents": "latents", "model": "mobile-1024"},
    "/photo_to_sketch": {"photo": "photo", "align": False, "face": 0},
    "/photo_to_mask": {"photo": "two", "align": True, "face": 1},
}  # fmt: skip
FILES = ("photo", "style", "directions", "sketch", "mask", "latents", "video")


def filled(request: dict[str, object], inputs: dict[str, Path], hand: Any) -> dict[str, Any]:
    """Return a request with its files, each as ``hand`` gives it."""
    return {
        name: hand(str(inputs[str(value)]))
        if name in FILES
        else [hand(str(inputs[each])) for each in value]
        if isinstance(value, list)
        else value
        for name, value in request.items()
    }


@pytest.fixture(scope="module")
def client(url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


@pytest.fixture(scope="module")
def photo(inputs: dict[str, Path]) -> Path:
    return inputs["photo"]


def test_the_endpoints_and_their_parameters_are_the_contract(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    parameters = {
        name: {
            p["parameter_name"]: p["parameter_default"] if p["parameter_has_default"] else "required"
            for p in endpoint["parameters"]
        }
        for name, endpoint in api["named_endpoints"].items()
    }
    assert parameters == {name: wanted for name, (wanted, _) in CONTRACT.items()}
    for name, (wanted, _) in CONTRACT.items():
        assert list(parameters[name]) == list(wanted)  # the order counts too
    assert not api["unnamed_endpoints"]


@pytest.mark.parametrize("endpoint", CONTRACT)
def test_every_endpoint_returns_three_outputs(client: Client, endpoint: str) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    returns = [item["component"] for item in api["named_endpoints"][endpoint]["returns"]]
    assert returns == [CONTRACT[endpoint][1].capitalize(), "File", "Json"]


def pictures_of(first: Any) -> list[Path]:
    return [Path(first)] if isinstance(first, str) else [Path(item["image"]) for item in first]


@pytest.mark.parametrize("endpoint", REQUESTS)
def test_every_endpoint_by_keyword_gives_the_bytes_of_the_pipeline(
    client: Client,
    pipeline: PspPipeline,
    inputs: dict[str, Path],
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("psp.inference.decoders.STEPS", 4)  # what is served runs in this process
    request = REQUESTS[endpoint]
    assert list(request) == list(CONTRACT[endpoint][0])
    sent = filled(request, inputs, handle_file)
    first, latents, details = client.predict(**sent, api_name=endpoint)

    result: Result = getattr(pipeline, endpoint.removeprefix("/"))(**filled(request, inputs, Path))
    pictures = [path.read_bytes() for path in pictures_of(first)]
    wanted = [result.png(index) for index in range(len(result.images))]
    assert pictures == ([result.clip.data] if result.clip else wanted)
    assert len(pictures) == request.get("variants", 1)
    assert (Path(latents).read_bytes() if latents else None) == result.latents_file()
    assert (latents is None) == (endpoint in WITHOUT_CODES)
    # What it costs, how large it is; what it gained.
    more = {"/video": {"video"}, "/refine": {"refined"}}.get(endpoint, set())
    assert set(details) - more == {
        "recipe", "model", "passes", "size", "device", "alignment", "quality", "timings", "warnings",
    }  # fmt: skip
    assert details["recipe"] == result.details["recipe"]
    assert details["quality"] == result.details["quality"]


@pytest.mark.parametrize(
    ("endpoint", "given"),
    [
        ("/encode", "photo"),
        ("/toonify", "photo"),
        ("/super_resolution", "photo"),
        ("/sketch_to_face", "sketch"),
        ("/style_mix", "photo"),
        ("/edit", "photo"),
    ],
)
def test_defaults_are_enough_and_codes_have_their_shape(
    client: Client, inputs: dict[str, Path], endpoint: str, given: str
) -> None:
    first, latents, details = client.predict(**{given: handle_file(str(inputs[given]))}, api_name=endpoint)
    assert load(Path(latents).read_bytes())["codes"].shape == (14, 512)
    with Image.open(pictures_of(first)[0]) as opened:
        assert (opened.format, opened.size) == ("PNG", (128, 128))
        assert "Synthetic" in opened.info["Description"]
        recipe = recipe_of_png(opened)
    assert recipe is not None and recipe.task == endpoint.removeprefix("/")
    assert details["model"] == "mobile-1024"


def test_a_seed_by_chance_is_told(client: Client, inputs: dict[str, Path]) -> None:
    sketch = handle_file(str(inputs["sketch"]))
    seeds = {
        client.predict(sketch=sketch, seed=-1, api_name="/sketch_to_face")[2]["recipe"]["settings"]["seed"]
        for _ in range(2)
    }
    assert len(seeds) == 2
    assert min(seeds) >= 0


def test_a_turned_photo_is_upright_for_the_model(
    client: Client, astronaut: Image.Image, photo: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = astronaut.transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "turned.png", exif=exif)
    straight, *_ = client.predict(photo=handle_file(str(photo)), api_name="/encode")
    again, *_ = client.predict(photo=handle_file(str(tmp_path / "turned.png")), api_name="/encode")
    assert Path(again).read_bytes() == Path(straight).read_bytes()


def test_decoding_a_file_of_variants_gives_the_first_and_leaves_no_files(
    client: Client, pipeline: PspPipeline, inputs: dict[str, Path], tmp_path: Path
) -> None:
    made = pipeline.sketch_to_face(inputs["sketch"], variants=3)
    path = tmp_path / "variants.safetensors"
    path.write_bytes(made.latents_file() or b"")
    empty = set(Path(get_upload_folder()).glob("tmp*"))
    first, latents, details = client.predict(latents=handle_file(str(path)), api_name="/decode")
    assert Path(first).read_bytes() == made.png(0)
    assert load(Path(latents).read_bytes())["codes"].shape == (14, 512)
    assert "holds 3 variants" in details["warnings"][0]
    assert set(Path(get_upload_folder()).glob("tmp*")) == empty


def bad_file(name: str, folder: Path) -> Path:
    path = folder / name
    if name == "text.jpg":
        path.write_text("no picture")
    elif name == "empty.jpg":
        path.write_bytes(b"")
    elif name == "tiny.png":
        Image.new("RGB", (16, 16)).save(path)
    elif name == "no_face.png":
        Image.new("RGB", (160, 160), (99, 99, 99)).save(path)
    elif name == "huge.png":
        Image.new("1", (20_000, 20_000)).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.jpg", "not a picture"),
        ("empty.jpg", "empty"),
        ("tiny.png", "too small"),
        ("no_face.png", "No face was found.*align"),
        ("huge.png", "too large"),
    ],
)
def test_a_bad_file_is_told_and_the_next_request_served(
    client: Client, photo: Path, tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(photo=handle_file(str(bad_file(name, tmp_path))), api_name="/encode")
    assert client.predict(photo=handle_file(str(photo)), api_name="/encode")[2]["size"] == 128


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"face": 5}, "no face number 5"),
        ({"model": "nothing"}, "no model called 'nothing'"),
        ({"model": "/etc/passwd"}, "no model called"),
    ],
)
def test_a_bad_setting_is_told(client: Client, photo: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(photo=handle_file(str(photo)), api_name="/encode", **settings)


def test_no_photo_is_told(client: Client) -> None:
    with pytest.raises(AppError, match="no photo"):
        client.predict(photo=None, api_name="/encode")


def test_an_unforeseen_error_tells_nothing_of_the_server(
    pipeline: PspPipeline, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret path /srv/secret")

    monkeypatch.setattr(pipeline, "encode", broken)
    page = build_app(pipeline)
    _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", _frontend=False)
    try:
        with pytest.raises(AppError, match="went wrong") as caught:
            Client(url, verbose=False).predict(photo=handle_file(str(photo)), api_name="/encode")
        assert "secret" not in str(caught.value)
    finally:
        page.close()


def test_the_page_is_built_without_loading_a_model(pipeline: PspPipeline) -> None:
    fresh = PspPipeline(pipeline.settings)
    assert isinstance(build_app(fresh), gr.Blocks)
    assert fresh.network.loaded_count == 0


def test_every_function_of_the_page_does_something(pipeline: PspPipeline) -> None:
    # A browser goes through all of them for each component when the page is opened.
    functions = build_app(pipeline).fns.values()
    assert [each._id for each in functions if not (each.fn or each.js or each.cancels)] == []


@pytest.mark.parametrize(
    ("endpoint", "given", "settings", "words"),
    [
        ("/toonify", "photo", {"strength": 1.5}, "1.5"),
        ("/super_resolution", "photo", {"factor": 5}, "5"),
        ("/sketch_to_face", "sketch", {"variants": 99}, "99"),
        ("/sketch_to_face", "sketch", {"layers": "40-"}, "layers are 0 to 13"),
        ("/sketch_to_face", "sketch", {"layers": "some"}, "cannot be understood"),
        ("/style_mix", "photo", {"alpha": -1}, "-1"),
        ("/edit", "photo", {"edits": "smile"}, "cannot be understood"),
        ("/edit", "photo", {"edits": "smile:9"}, "-2 to 2"),
        ("/edit", "photo", {"edits": "beauty:1"}, "no direction 'beauty'"),
        ("/edit", "photo", {"likeness": "perfect"}, "quick"),
        ("/refine", "photo", {"likeness": "quick"}, "close, exact"),
        ("/move", "photo", {}, "Nothing would move"),
        ("/move", "photo", {"edits": "pose-1:1", "seconds": 60}, "60"),
        ("/move", "photo", {"edits": "pose-1:1", "size": 4096}, "256, 512"),
        ("/move", "photo", {"edits": "pose-1:1", "format": "exe"}, "exe"),
        ("/video", "photo", {}, "no video that can be read"),
        ("/video", "latents", {}, "no video that can be read"),
        ("/video", "video", {"task": "frontalize"}, "frontalize"),
        ("/video", "video", {"task": "edit"}, "Nothing would change"),
        ("/video", "video", {"likeness": "close"}, "close"),
        ("/video", "video", {"face": 3}, "no face number 3"),
        ("/segmentation_to_face", "two", {}, "not square"),
        ("/decode", "photo", {}, "safetensors"),
        ("/decode", "latents", {"model": "ffhq-1024"}, "offline"),
        ("/photo_to_sketch", "photo", {"face": 3}, "no face number 3"),
    ],
)
def test_what_an_endpoint_cannot_do_is_told_in_words(
    client: Client, inputs: dict[str, Path], endpoint: str, given: str, settings: dict[str, Any], words: str
) -> None:
    name = next(iter(CONTRACT[endpoint][0]))
    with pytest.raises(AppError, match=words):
        client.predict(**{name: handle_file(str(inputs[given]))}, **settings, api_name=endpoint)


def test_uploads_are_deleted_within_a_day_and_the_queue_has_a_limit(pipeline: PspPipeline) -> None:
    page = build_app(pipeline)
    assert page.delete_cache is not None
    every, age = page.delete_cache
    assert every + age <= 86_400
    assert page._queue.max_size == pipeline.settings.queue_size


def test_every_setting_has_a_label_and_help(pipeline: PspPipeline) -> None:
    kinds = (gr.Slider, gr.Number, gr.Dropdown, gr.Checkbox, gr.Radio, gr.Textbox)
    settings = [block for block in build_app(pipeline).blocks.values() if isinstance(block, kinds)]
    assert len(settings) > 30
    assert [block for block in settings if not (block.label and block.info)] == []


@pytest.mark.parametrize("lent", [False, True])
def test_all_model_work_waits_in_one_line_and_more_of_it_where_a_gpu_is_lent(
    pipeline: PspPipeline, lent: bool
) -> None:
    if lent:
        pipeline = PspPipeline(pipeline.settings, accelerate=lambda function, seconds: function)
    page = build_app(pipeline)
    lines: dict[str, Any] = {
        str(function.api_name): (function.concurrency_id, function.concurrency_limit)
        for function in page.fns.values()
        if f"/{function.api_name}" in CONTRACT
    }
    without_model = {"align", "photo_to_sketch", "photo_to_mask"}
    assert {lines[name] for name in lines if name not in without_model} == {("model", 8 if lent else 1)}
    assert {lines[name][0] for name in without_model} == {"faces"}
