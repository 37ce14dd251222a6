"""A Hub on the loopback that has Spaces: machines, secrets, variables, commits that delete files as well."""

from __future__ import annotations

import base64
import json
import re
import socket
from typing import Any

from tests.checkpoints.loopback_repo import RepoHandler, RepoHub

ROUTE = re.compile(r"/api/spaces/([^/]+/[^/]+?)(?:/(\w+)(?:/main)?)?")


class SpaceHub(RepoHub):
    """A stand-in for the Hub that keeps Spaces, what they were given, and can break off an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = SpaceHandler
        self.sdk: dict[str, str] = {}
        self.hardware: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.cut = ""  # part of a path: the connection breaks there
        self.pro = True  # whether the account may have ZeroGPU

    def files(self, repo: str) -> dict[str, bytes]:
        return self.commits[repo][self.heads[repo]]


class SpaceHandler(RepoHandler):
    server: SpaceHub

    def do_GET(self) -> None:  # noqa: N802  (as the server calls it)
        if self.refused():
            return
        found = ROUTE.fullmatch(self.place)
        repo = found[1] if found else ""
        commit = self.commit_of(repo, "main")
        if commit is None:
            self.answer({"error": "Repository not found"}, 404)
            return
        names = [{"rfilename": name} for name in self.server.files(repo)]
        about = {"id": repo, "sha": commit, "private": repo in self.server.private, "siblings": names}
        self.answer({**about, "sdk": self.server.sdk[repo]})

    def create(self, asked: dict[str, Any]) -> None:
        assert asked["type"] == "space"
        repo = f"{asked['organization']}/{asked['name']}"
        if asked.get("hardware") == "zero-a10g" and not self.server.pro:
            self.answer({"error": "Subscribe to PRO"}, 402)
            return
        self.server.sdk[repo] = asked["sdk"]
        self.server.hardware[repo] = asked.get("hardware", "cpu-basic")
        there = repo in self.server.commits
        if not there:  # all of it before the answer, for then the next request comes
            self.server.create(repo, asked.get("visibility") == "private" or bool(asked.get("private")))
            self.server.commit(repo, {"README.md": b"---\nsdk: gradio\n---\n", ".gitattributes": b"*.bin\n"})
        self.answer({"url": f"{self.server.base}/{repo}"}, 409 if there else 200)

    def do_POST(self) -> None:  # noqa: N802  (as the server calls it)
        place = self.path.partition("?")[0]
        found = ROUTE.fullmatch(place)
        if found is None:
            super().do_POST()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.refused():
            return
        repo, what = found[1], found[2]
        if what == "preupload":
            files = json.loads(body)["files"]
            kinds = ("safetensors", "jpg", "png", "webp")
            modes = ["lfs" if file["path"].endswith(kinds) else "regular" for file in files]
            told = [
                {"path": file["path"], "shouldIgnore": False, "uploadMode": mode}
                for file, mode in zip(files, modes, strict=True)
            ]
            self.answer({"files": told})
        elif what == "commit":
            self.take(repo, [json.loads(line) for line in body.splitlines()])
        else:
            self.give(repo, str(what), json.loads(body))

    def give(self, repo: str, what: str, asked: dict[str, str]) -> None:
        if what == "hardware":
            if asked["flavor"] == "zero-a10g" and not self.server.pro:
                self.answer({"error": "Subscribe to PRO"}, 402)
                return
            self.server.hardware[repo] = asked["flavor"]
            self.answer({"stage": "BUILDING", "hardware": {"current": None, "requested": asked["flavor"]}})
            return
        kept = self.server.secrets if what == "secrets" else self.server.variables
        kept[asked["key"]] = asked["value"]
        self.answer({})

    def take(self, repo: str, lines: list[dict[str, Any]]) -> None:
        files = dict(self.server.files(repo))
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                if value.get("parentCommit") not in (None, self.server.heads[repo]):
                    self.answer({"error": "A commit has happened since."}, 412)
                    return
                self.server.messages.append(value["summary"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                files[value["path"]] = self.server.lfs[value["oid"]]
        sha = self.server.commit(repo, {})
        self.server.commits[repo][sha] = files
        self.answer(
            {"success": True, "commitOid": sha, "commitUrl": f"{self.server.base}/{repo}/commit/{sha}"}
        )

    def refused(self) -> bool:
        if self.server.cut and self.server.cut in self.path:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return True
        return super().refused()
