"""What the tests share: the program, built once, and its shipped logs."""

import base64
import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOGS = ROOT / "testdata" / "logs"


@pytest.fixture(scope="session")
def webshellscan(tmp_path_factory) -> str:
    """The program."""
    if given := os.environ.get("WEBSHELLSCAN"):
        return given
    binary = tmp_path_factory.mktemp("bin") / "webshellscan"
    subprocess.run(["go", "build", "-o", binary, "./cmd/webshellscan"], cwd=ROOT, check=True)
    return str(binary)


class Server:
    """Keeps files as the server does: UUID.ext, with names of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.ids = 0
        folder.mkdir()

    def upload(self, path: Path, name: str | None = None) -> dict:
        """Returns what a task is told of a file."""
        self.ids += 1
        name = path.name if name is None else name
        identity = uuid.uuid4().hex
        extension = os.path.splitext(name)[1]
        if "/" in extension or "\0" in extension:
            extension = ""
        at = self.folder / f"{identity}{extension}"
        try:
            os.link(path, at)
        except OSError:
            shutil.copyfile(path, at)
        return {
            "id": self.ids,
            "uuid": identity,
            "display_name": name,
            "extension": extension.lstrip("."),
            "data_type": "file:generic",
            "mime_type": "application/octet-stream",
            "path": str(at),
        }

    def upload_all(self, folder: Path) -> list[dict]:
        return [self.upload(path) for path in sorted(folder.rglob("*")) if path.is_file()]

    def outputs(self, name: str) -> Path:
        """Returns the folder of a workflow's outputs."""
        at = self.folder / name
        at.mkdir(exist_ok=True)
        return at


@pytest.fixture
def server(tmp_path) -> Server:
    return Server(tmp_path / "data")


def decode(result: str) -> dict:
    """Returns what a task hands to the server."""
    return json.loads(base64.b64decode(result))


def encode(result: dict) -> str:
    return base64.b64encode(json.dumps(result).encode()).decode()
