"""A Hub of repositories on the loopback: they are created, take commits with LFS files, and are read."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopbackloopback"


class RepoHub(http.server.ThreadingHTTPServer):
    """A stand-in for the Hub that keeps what is pushed to it, and gives it back by commit or branch."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RepoHandler)
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}  # repository, commit, file
        self.heads: dict[str, str] = {}
        self.private: set[str] = set()
        self.lfs: dict[str, bytes] = {}
        self.messages: list[str] = []
        self.asked: list[str] = []
        self.refuse: dict[str, tuple[int, str]] = {}  # part of a path: status and words of the answer

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def create(self, repo: str, private: bool = False) -> None:
        self.commits[repo] = {}
        self.commit(repo, {})
        if private:
            self.private.add(repo)

    def commit(self, repo: str, files: dict[str, bytes]) -> str:
        """Put ``files`` over what is there, as the next commit of the branch "main"."""
        every = {**self.commits[repo].get(self.heads.get(repo, ""), {}), **files}
        sha = hashlib.sha1(f"{repo}{len(self.commits[repo])}".encode()).hexdigest()
        self.commits[repo][sha] = every
        self.heads[repo] = sha
        return sha


class RepoHandler(http.server.BaseHTTPRequestHandler):
    server: RepoHub

    def do_GET(self) -> None:
        if self.refused():
            return
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+?)(?:/revision/([^/]+))?", self.place):
            commit = self.commit_of(found[1], found[2] or "main")
            if commit:
                self.answer({"id": found[1], "sha": commit, "private": found[1] in self.server.private})
                return
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.place):
            commit = self.commit_of(found[1], found[2])
            content = self.server.commits[found[1]][commit].get(found[3]) if commit else None
            if content is not None:
                self.answer(content, headers={"X-Repo-Commit": str(commit), "ETag": '"etag"'})
                return
        self.answer({"error": "Repository not found"}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.refused():
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer({"error": "Invalid username or password."}, 401)
        elif self.place == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif self.place == "/api/repos/create":
            self.create(json.loads(body))
        elif self.place.endswith("/info/lfs/objects/batch"):
            self.batch(json.loads(body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", self.place):
            files = json.loads(body)["files"]
            self.answer({"files": [{"path": f["path"], "shouldIgnore": False, **mode(f)} for f in files]})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.place):
            self.take(found[1], [json.loads(line) for line in body.splitlines()])
        else:
            self.answer({"error": "no such endpoint"}, 404)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.refused():
            return
        oid = self.place.rpartition("/")[2]
        assert hashlib.sha256(content).hexdigest() == oid
        self.server.lfs[oid] = content
        self.answer({})

    def create(self, asked: dict[str, Any]) -> None:
        repo = f"{asked['organization']}/{asked['name']}"
        there = repo in self.server.commits
        if not there:
            self.server.create(repo, asked.get("visibility") == "private" or bool(asked.get("private")))
        self.answer({"url": f"{self.server.base}/{repo}"}, 409 if there else 200)

    def batch(self, asked: dict[str, Any]) -> None:
        objects = []
        for item in asked["objects"]:
            upload = {"upload": {"href": f"{self.server.base}/lfs/{item['oid']}"}}
            missing = item["oid"] not in self.server.lfs
            objects.append({**item, **({"actions": upload} if missing else {})})
        self.answer({"transfer": "basic", "objects": objects})

    def take(self, repo: str, lines: list[dict[str, Any]]) -> None:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.server.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.lfs[value["oid"]]
        sha = self.server.commit(repo, files)
        url = f"{self.server.base}/{repo}/commit/{sha}"
        self.answer({"success": True, "commitOid": sha, "commitUrl": url})

    def commit_of(self, repo: str, revision: str) -> str | None:
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repo not in self.server.commits or (repo in self.server.private and not allowed):
            return None
        head = self.server.heads.get(repo)
        return head if revision == "main" else revision if revision in self.server.commits[repo] else None

    def refused(self) -> bool:
        self.place = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {self.place}")
        for part, (status, words) in self.server.refuse.items():
            if part in self.place:
                self.answer({"error": words}, status)
                return True
        return False

    def answer(
        self, body: dict[str, Any] | bytes, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def mode(file: dict[str, Any]) -> dict[str, str]:
    return {"uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular"}
