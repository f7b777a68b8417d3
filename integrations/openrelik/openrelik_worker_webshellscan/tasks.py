"""The tasks: scan, collect and merge."""

import os
import shlex

from openrelik_worker_common.task_utils import create_task_result

from . import inputs, program, report
from .app import QUEUE, celery

# RULES is a folder of Sigma rules to apply besides those built in.
RULES = os.environ.get("WEBSHELLSCAN_RULES")


def _text(name: str, label: str, description: str, kind: str = "text") -> dict:
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": kind,
        "required": False,
    }


_SCOPE = [
    _text("since", "From", "Only findings from this time on, such as 2026-03-01 08:30 (UTC)"),
    _text("until", "To", "Only findings before this time (UTC)"),
    _text("level", "Level", "Only sessions of this level or above: low, medium, high, critical"),
    _text(
        "timeline_only",
        "Only the timeline for Timesketch",
        "For a following task that uploads to Timesketch: it takes every file it is given",
        "checkbox",
    ),
]

_HOST = _text(
    "host",
    "Host or batch",
    "The folder that the files of this workflow stand in, in reports (default: workflow-ID)",
)

SCAN = {
    "display_name": "webshellscan: scan",
    "description": "Find what web servers started, in Windows event logs, archives and disk images",
    "task_config": [_HOST, *_SCOPE],
}

COLLECT = {
    "display_name": "webshellscan: collect",
    "description": "Read logs of one host or batch into a partial result, for merge",
    "task_config": [
        _HOST,
        _text("shard", "Shard", "Read only one shard of the files, such as 3/16"),
    ],
}

MERGE = {
    "display_name": "webshellscan: merge",
    "description": "Put partial results together and report on all of their logs",
    "task_config": [
        *_SCOPE,
        _text("expect", "Expected hosts", "Names of hosts, one a line: those that are missing are named", "textarea"),
    ],
}

# What a report is written as: file, name to show, data type.
_MARKDOWN = "report.md"
_LINES = "report.jsonl"
_REPORTS = [
    ("report.html", "webshellscan.html", "openrelik:webshellscan:html"),
    (_LINES, "webshellscan.jsonl", "openrelik:webshellscan:jsonl"),
]
_TIMELINE = ("report.timesketch.jsonl", "webshellscan.timesketch.jsonl", "openrelik:webshellscan:timesketch")


@celery.task(bind=True, name=f"{QUEUE}.tasks.scan", metadata=SCAN)
def scan(
    self, pipe_result=None, input_files=None, output_path=None, workflow_id=None, task_config=None
) -> str:
    """Scans the files as one, and returns Base64 of the result for the server."""
    config = task_config or {}
    files = _some(inputs.files_of(pipe_result, input_files), "file")
    with program.Workspace(output_path, self.request.id) as workspace:
        paths = _link(files, workspace, config, workflow_id)
        return _report(self, workspace, [*_scope(config), *paths], config, workflow_id)


@celery.task(bind=True, name=f"{QUEUE}.tasks.collect", metadata=COLLECT)
def collect(
    self, pipe_result=None, input_files=None, output_path=None, workflow_id=None, task_config=None
) -> str:
    """Reads the files, or a shard of them, into a partial result, and returns Base64
    of the result for the server."""
    config = task_config or {}
    files = _some(inputs.files_of(pipe_result, input_files), "file")
    with program.Workspace(output_path, self.request.id) as workspace:
        arguments = ["collect", *_flag(config, "shard"), *_rules(), "--output=../partial.wsp"]
        arguments += _link(files, workspace, config, workflow_id)
        ended = program.run(self, workspace, arguments, ["partial.wsp"])
        name = _name(config, workflow_id)
        outputs = workspace.place([("partial.wsp", f"{name}.wsp", "openrelik:webshellscan:partial")])
        told = report.of_collect(f"webshellscan: collected {name}", ended.said, ended.incomplete)
        return _result(outputs, workflow_id, arguments, told)


@celery.task(bind=True, name=f"{QUEUE}.tasks.merge", metadata=MERGE)
def merge(
    self, pipe_result=None, input_files=None, output_path=None, workflow_id=None, task_config=None
) -> str:
    """Reports on the partial results among the files, and returns Base64 of the
    result for the server."""
    config = task_config or {}
    files = inputs.files_of(pipe_result, input_files)
    partials = _some([file for file in files if inputs.is_partial(file)], f"partial result ({inputs.PARTIAL})")
    with program.Workspace(output_path, self.request.id) as workspace:
        arguments = ["merge", *_scope(config)]
        if hosts := config.get("expect"):
            (workspace.root / "expected").write_text(hosts)
            arguments.append("--expect=../expected")
        arguments += [linked.path for linked in inputs.link(partials, workspace.inputs)]
        return _report(self, workspace, arguments, config, workflow_id)


def _some(files: list[dict], what: str) -> list[dict]:
    if not files:
        raise RuntimeError(f"the workflow has no {what} for this task")
    return files


def _name(config: dict, workflow_id) -> str:
    """Returns the name of the host or batch."""
    return inputs.safe_name(config.get("host") or f"workflow-{workflow_id}")


def _link(files: list[dict], workspace: program.Workspace, config: dict, workflow_id) -> list[str]:
    """Links files in a folder of their host, and returns the paths to read. Symbolic
    links are followed only where they are named."""
    folder = _name(config, workflow_id)
    links = inputs.link(files, workspace.inputs / folder)
    if all(linked.hard for linked in links):
        return [f"./{folder}"]
    return [f"./{folder}/{linked.path}" for linked in links]


def _flag(config: dict, name: str) -> list[str]:
    value = str(config.get(name) or "").strip()
    return [f"--{name}={value}"] if value else []


def _scope(config: dict) -> list[str]:
    flags = [flag for name in ("since", "until", "level") for flag in _flag(config, name)]
    return flags + _rules()


def _rules() -> list[str]:
    return [f"--rules={RULES}"] if RULES else []


def _report(self, workspace: program.Workspace, arguments: list[str], config: dict, workflow_id) -> str:
    """Runs a scan or a merge and returns its result."""
    shown = [_TIMELINE] if config.get("timeline_only") else [*_REPORTS, _TIMELINE]
    written = [_MARKDOWN, *(file for file, _, _ in [*_REPORTS, _TIMELINE])]
    arguments = arguments + [f"--output=../{file}" for file in written]
    ended = program.run(self, workspace, arguments, written)
    told = report.of_scan(
        workspace.root / _MARKDOWN, workspace.root / _LINES, ended.said, ended.incomplete
    )
    return _result(workspace.place(shown), workflow_id, arguments, told)


def _result(outputs: list[dict], workflow_id, arguments: list[str], told: dict) -> str:
    return create_task_result(
        output_files=outputs,
        workflow_id=workflow_id,
        command=shlex.join(["webshellscan", *arguments]),
        meta={},
        task_report=told,
    )
