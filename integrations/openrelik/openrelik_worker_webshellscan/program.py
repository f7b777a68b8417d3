"""Runs webshellscan for a task, in a folder that leaves nothing behind."""

import os
import shutil
import subprocess
import time
import uuid
from pathlib import Path

from openrelik_worker_common.file_utils import OutputFile

from .app import TASK_SECONDS

PROGRAM = os.environ.get("WEBSHELLSCAN", "webshellscan")

# The exit statuses of webshellscan that leave outputs.
NOTHING, FINDINGS, INCOMPLETE = 0, 1, 3

# MAX_ATTEMPTS is how often a task is begun. It comes again when the worker died,
# which may be its own doing.
MAX_ATTEMPTS = 3

MAX_STDERR = 64 << 10
PROGRESS_SECONDS = 2

# The IDs of outputs are made in this name space, of the task's and their name.
_OUTPUTS = uuid.UUID("0b6c5c1e-5c1c-4f0a-9c55-5d2c6f5a7a51")


class Workspace:
    """A folder of a task beside its outputs, on the same file system.

    Its name is the task's: a task that comes again, because its worker was
    killed, removes what was left and begins anew. Outputs get their place when
    all are whole, under names that are the same then.
    """

    def __init__(self, output_path: str, task_id: str):
        self._task_id = task_id
        self._output_path = Path(output_path)
        self.root = self._output_path / f".webshellscan-{task_id}"
        self.inputs = self.root / "in"

    def __enter__(self) -> "Workspace":
        attempts = self._attempts()
        if attempts:
            shutil.rmtree(self.root)
        if attempts >= MAX_ATTEMPTS:
            raise RuntimeError(f"given up: the worker died {attempts} times in this task")
        # A worker that is stopped raises SystemExit wherever a task is.
        try:
            self.inputs.mkdir(parents=True)
            self._count.write_text(str(attempts + 1))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def _count(self) -> Path:
        return self.root / "attempts"

    def _attempts(self) -> int:
        """Returns how often the task was begun and not ended."""
        if not self.root.exists():
            return 0
        try:
            return int(self._count.read_text())
        except (OSError, ValueError):
            return 1

    def place(self, outputs: list[tuple[str, str, str]]) -> list[dict]:
        """Moves outputs, each a file of the workspace, a name to show and a data
        type, to where the server looks for them, and returns what it is told."""
        placed = []
        for file, name, data_type in outputs:
            identity = uuid.uuid5(_OUTPUTS, f"{self._task_id}/{name}").hex
            extension = os.path.splitext(name)[1]
            at = self._output_path / f"{identity}{extension}"
            os.chmod(self.root / file, 0o644)
            os.replace(self.root / file, at)
            output = OutputFile(identity, str(at), name, extension, data_type)
            placed.append(output.to_dict())
        return placed


class Run:
    """How the program ended, and what it said on standard error."""

    def __init__(self, status: int, said: str):
        self.status = status
        self.said = said

    @property
    def incomplete(self) -> bool:
        return self.status == INCOMPLETE


def run(task, workspace: Workspace, arguments: list[str], outputs: list[str]) -> Run:
    """Runs webshellscan beside the linked inputs, and tells the server every two
    seconds that it does.

    It raises RuntimeError with what the program said unless all outputs are there.
    The program is killed when its time is over, and with the process of the task.
    """
    command = ["setpriv", "--pdeathsig", "KILL", "--", PROGRAM, *arguments]
    stderr = workspace.root / "stderr"
    with open(stderr, "wb") as said:
        process = subprocess.Popen(
            command,
            cwd=workspace.inputs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            status = _wait(task, process)
        finally:
            process.kill()
            process.wait()
    text = _tail(stderr)
    missing = [name for name in outputs if not (workspace.root / name).is_file()]
    if status not in (NOTHING, FINDINGS, INCOMPLETE) or missing:
        raise RuntimeError(f"webshellscan ended with exit status {status}:\n{text}")
    return Run(status, text)


def _wait(task, process: subprocess.Popen) -> int:
    end = time.monotonic() + TASK_SECONDS
    while time.monotonic() < end:
        try:
            return process.wait(PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            task.send_event("task-progress", data=None)
    raise RuntimeError(
        f"webshellscan was ended after {TASK_SECONDS} seconds (WEBSHELLSCAN_TASK_SECONDS)"
    )


def _tail(path: Path) -> str:
    """Returns the end of what the program said."""
    with open(path, "rb") as said:
        said.seek(max(0, said.seek(0, os.SEEK_END) - MAX_STDERR))
        return said.read().decode(errors="replace").strip()
