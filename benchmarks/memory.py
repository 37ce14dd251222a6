"""Memory of the served studio before and after requests that are made to take it.

    python benchmarks/memory.py            # or with names of requests: quads pad blobs upload sessions photos

Starts the studio of this checkout on loopback for each kind of request, sends them over plain HTTP, and
prints the server's resident memory in MB: before, at most, and two seconds after.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
_SERVE = """
import sys
from psp import PspPipeline
from psp.config import Settings
from psp.inference.memory import keep_memory
from psp.ui.app import build_app, launch_settings
keep_memory()
page = build_app(PspPipeline(Settings(device="cpu", offline=True)))
_, url, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_settings())
print(url, flush=True)
sys.stdin.read()
"""


class Studio:
    """A served studio and its memory."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "GRADIO_TEMP_DIR": str(folder)},
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip().rstrip("/")
        self.config = json.loads(urllib.request.urlopen(f"{self.url}/config").read())

    def close(self) -> None:
        """Stop serving."""
        self._process.kill()
        self._process.wait()

    def memory(self, name: str = "VmRSS") -> int:
        """Return the resident memory in MB: now, or with "VmHWM" at most so far."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) // 1024

    def post(self, path: str, body: object) -> tuple[int, Any]:
        """Send JSON; return the status and what came back."""
        return self._send(path, json.dumps(body).encode(), "application/json")

    def form(self, path: str, fields: dict[str, str], name: str, data: bytes) -> tuple[int, Any]:
        """Send a form with one file."""
        edge = uuid.uuid4().hex
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = b"".join([*parts, head.encode(), data, f"\r\n--{edge}--\r\n".encode()])
        return self._send(path, body, f"multipart/form-data; boundary={edge}")

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """Upload a file and return it as a request names it."""
        status, said = self.form("/gradio_api/upload", {}, name, data)
        path = said[0] if status == 200 else f"not uploaded: {status}"
        return {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": name}

    def call(self, function: int, data: list[Any]) -> str:
        """Run a function of the page through the queue and return its last message."""
        session = uuid.uuid4().hex
        body = {"data": data, "fn_index": function, "session_hash": session}
        status, said = self.post("/gradio_api/queue/join", body)
        if status != 200:
            return f"{status} {str(said)[:200]}"
        last = ""
        with urllib.request.urlopen(f"{self.url}/gradio_api/queue/data?session_hash={session}") as stream:
            for line in stream:
                if b"process_completed" in line:
                    last = line.decode()[:300]
                    break
        return last

    def function(self, name: str, inputs: int | None = None) -> int:
        """Return the number of the first function of a name."""
        found = [
            each["id"]
            for each in self.config["dependencies"]
            if each["api_name"] == name and (inputs is None or len(each["inputs"]) == inputs)
        ]
        return int(found[0])

    def _send(self, path: str, data: bytes, kind: str) -> tuple[int, Any]:
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read()[:300].decode(errors="replace")
        except (ConnectionError, urllib.error.URLError) as error:
            return 0, str(error)


def _photo(side: int = 512, seed: int = 0) -> bytes:
    """Return a photo of an example face, enlarged to ``side`` pixels."""
    path = sorted((ROOT / "examples").rglob("*.jpg"))[0]
    out = io.BytesIO()
    with Image.open(path) as opened:
        small = opened.convert("RGB").rotate(seed % 4)
        small.resize((side, side)).save(out, "JPEG", quality=80)
    return out.getvalue()


def quads(studio: Studio) -> str:
    """Details of a client whose quad is thin and 1e7 pixels long."""
    photo = studio.upload("me.jpg", _photo())
    quad = [[0, 0], [0, 1e7], [1, 1e7], [1, 0]]
    details = {
        "recipe": {"task": "encode", "model": "mobile-1024", "model_sha256": "", "settings": {}},
        "model": "mobile-1024", "size": 1024, "device": "cpu", "quality": None, "timings": {},
        "warnings": [],
        "alignment": {"faces": 1, "face": 0, "quad": quad, "side": 1.0},
    }  # fmt: skip
    return studio.call(studio.function("show"), [photo, photo, None, details, None])


def pad(studio: Studio) -> str:
    """Eight layers of 64 megapixels each, from one PNG of 250 kB."""
    out = io.BytesIO()
    Image.new("RGBA", (8000, 8000), (0, 0, 0, 1)).save(out, "PNG")
    layer = studio.upload("layer.png", out.getvalue())
    drawing = {"background": None, "layers": [layer] * 8, "composite": None, "id": None}
    return studio.call(studio.function("take"), ["draw", drawing])


def blobs(studio: Studio) -> str:
    """A stroke for layer number 100 million of the pad."""
    editor = next(each["id"] for each in studio.config["components"] if each["type"] == "imageeditor")
    fields = {
        "component_id": str(editor), "session_hash": "x", "fn_name": "accept_blobs",
        "type": "layer", "index": "100000000", "id": "one",
    }  # fmt: skip
    return str(studio.form("/gradio_api/component_server", fields, "blob", b"x"))


def upload(studio: Studio) -> str:
    """A file of 1.2 GB as the photo."""
    photo = studio.upload("big.png", b"\0" * 1_200_000_000)
    return studio.call(studio.function("encode"), [photo, "auto", False, 0, None])


def sessions(studio: Studio) -> str:
    """Three thousand requests without a session."""
    last: tuple[int, Any] = (0, "")
    for _ in range(3000):
        last = studio.post("/gradio_api/call/align", {"data": [None, 0]})
        if last[0] == 503:  # the line is full: let it go on
            time.sleep(0.2)
    return str(last)


def photos(studio: Studio) -> str:
    """Sixty-five photos of 36 megapixels, one after the other."""
    last = ""
    for index in range(65):
        photo = studio.upload(f"{index}.jpg", _photo(6000, index))
        last = studio.call(studio.function("encode"), [photo, "auto", False, 0, None])
    return last


_ALL = {each.__name__: each for each in (quads, pad, blobs, upload, sessions, photos)}


def main() -> None:
    """Measure the requests that are named, or all."""
    for name in sys.argv[1:] or _ALL:
        with tempfile.TemporaryDirectory() as folder:
            studio = Studio(Path(folder))
            try:
                studio.call(
                    studio.function("encode"), [studio.upload("w.jpg", _photo()), "auto", True, 0, None]
                )
                before = studio.memory()
                said = _ALL[name](studio)
                time.sleep(2)
                after, most = studio.memory(), studio.memory("VmHWM")
                print(
                    f"{name:10} before {before:5} MB  at most {most:5} MB  after {after:5} MB  {said[:160]}"
                )
            finally:
                studio.close()


if __name__ == "__main__":
    main()
