"""What a task is given: files that are called UUID.ext, and their names.

Names are the evidence's, and so may be an attacker's. They become names of links
below a folder of the task's own, and nothing else.
"""

import base64
import json
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

PARTIAL = ".wsp"

# MAX_NAME is how many bytes of UTF-8 a name keeps; Linux takes 255.
MAX_NAME = 200

# MAX_NESTING is how deep lists of results may lie in each other: a chord of
# groups has two.
MAX_NESTING = 8

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}", re.ASCII)

# A segment of a disk image is opened by its name beside the first one.
_SEGMENT = re.compile(
    r"(?i)(?P<stem>.+?)(?:\.[es](?:\d\d|[a-z]{2})|\.\d{3}|(?:-(?:flat|delta|[sf]\d{3}))?\.vmdk)"
)


@dataclass(frozen=True)
class Linked:
    """An input under its name."""

    path: str  # below the folder that the links are in
    hard: bool  # a hard link, else a symbolic one


def files_of(pipe_result, input_files) -> list[dict]:
    """Returns the files that a task works on: those of the results of the tasks
    before it, else those of the workflow.

    A result is Base64 of JSON. After a group of tasks it is a list of them, of
    which every one counts.
    """
    if not pipe_result:
        return _distinct(input_files or [])
    files = []
    for result in _results(pipe_result, MAX_NESTING):
        files += json.loads(base64.b64decode(result)).get("output_files") or []
    return _distinct(files)


def _results(pipe_result, nesting: int):
    if isinstance(pipe_result, str):
        yield pipe_result
        return
    if nesting == 0 or not isinstance(pipe_result, (list, tuple)):
        raise ValueError("the result of the task before is none of a worker")
    for result in pipe_result:
        yield from _results(result, nesting - 1)


def _distinct(files: list[dict]) -> list[dict]:
    """Returns the files without those that come again: branches of a workflow may
    hand on the same."""
    return list({file["path"]: file for file in files}.values())


def is_partial(file: dict) -> bool:
    """Reports whether a file is named as partial results are."""
    return (file.get("display_name") or file["path"]).lower().endswith(PARTIAL)


def safe_name(name: str | None) -> str:
    """Returns a name as one element of a path, short enough for a file system.

    Separators, control characters, those that change the direction of text and
    halves of surrogate pairs become underscores. The ending is kept.
    """
    text = "".join(
        "_" if c in "/\\" or unicodedata.category(c)[0] == "C" else c
        for c in name or ""
    ).strip()
    if not text.strip(". "):
        return "file"
    if len(text.encode()) <= MAX_NAME:
        return text
    stem, ending = os.path.splitext(text)
    ending = _cut(ending, MAX_NAME // 4)
    return _cut(stem, MAX_NAME - len(ending.encode())) + ending


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def link(files: list[dict], into: Path) -> list[Linked]:
    """Links each file under its name, in a folder of its ID below into, and returns
    the links in the order of their paths.

    Segments of one disk image are put beside the first, and only that is
    returned. Where there can be no hard link, as on another file system, it is a
    symbolic one.
    """
    links = []
    groups: dict[str, list[tuple[str, set[str]]]] = {}
    for number, file in enumerate(sorted(files, key=_name), 1):
        name = _name(file)
        folder = _beside(groups, name)
        if first := folder is None:
            folder = _folder(file, number, into)
            (into / folder).mkdir(parents=True)
            _begin(groups, name, folder)
        hard = _link(file["path"], into / folder / name)
        if first:
            links.append(Linked(f"{folder}/{name}", hard))
    return sorted(links, key=lambda linked: linked.path.split("/"))


def _name(file: dict) -> str:
    return safe_name(file.get("display_name") or os.path.basename(file["path"]))


def _folder(file: dict, number: int, into: Path) -> str:
    """Returns the name of the folder of a file: its ID, which no other has."""
    name = str(file.get("id") or file.get("uuid") or "")
    if not _ID.fullmatch(name) or (into / name).exists():
        name = f"input-{number}"
    return name


def _beside(groups, name: str) -> str | None:
    """Returns the folder of the segments that a segment belongs to, if there is one
    that has none of its name."""
    match = _SEGMENT.fullmatch(name)
    for folder, names in groups.get(match["stem"].lower(), []) if match else []:
        if name not in names:
            names.add(name)
            return folder
    return None


def _begin(groups, name: str, folder: str) -> None:
    if match := _SEGMENT.fullmatch(name):
        groups.setdefault(match["stem"].lower(), []).append((folder, {name}))


def _link(path: str, at: Path) -> bool:
    """Links a file, and reports whether by a hard link."""
    source = os.path.realpath(path, strict=True)
    try:
        os.link(source, at)
    except OSError:
        os.symlink(source, at)
        return False
    return True
