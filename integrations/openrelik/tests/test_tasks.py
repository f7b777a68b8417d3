"""The tasks, called as a worker calls them, without a broker."""

import ast
import json
import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import LOGS, decode, encode
from openrelik_worker_webshellscan import app, inputs, program, report, tasks

TASKS = [tasks.scan, tasks.collect, tasks.merge]


@pytest.fixture(autouse=True)
def use(webshellscan, monkeypatch):
    monkeypatch.setattr(program, "PROGRAM", webshellscan)
    for task in TASKS:
        monkeypatch.setattr(task, "send_event", lambda *_, **__: None)


def call(task, outputs, files=None, pipe=None, **config):
    """Runs a task with the arguments that the server sends, and returns its result."""
    keywords = {
        "input_files": files or [],
        "output_path": str(outputs),
        "workflow_id": 7,
        "task_config": config,
    }
    arguments = [] if pipe is None else [pipe]
    return decode(task.apply(arguments, keywords, throw=True).get())


def by_name(result):
    return {file["display_name"]: file for file in result["output_files"]}


def holds_only(outputs, *results):
    """Reports whether a folder holds the outputs that results name, and nothing else."""
    told = {file["path"] for result in results for file in result["output_files"]}
    return {str(path) for path in outputs.iterdir()} == told


@pytest.mark.parametrize("task", TASKS)
def test_registration(task):
    """The server finds name, queue and metadata in what a worker says of its tasks."""
    said = f"{task.name} [metadata={task.metadata}]"
    assert task.name.split(".")[0] == app.QUEUE
    assert ast.literal_eval(re.search("({.+})", said).group(0)) == task.metadata
    for option in task.metadata["task_config"]:
        assert option["type"] in ("text", "textarea", "checkbox") and option["label"] and option["description"]


def test_delivery():
    conf = app.celery.conf
    assert conf.task_acks_late and conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1 and conf.worker_deduplicate_successful_tasks
    options = conf.broker_transport_options
    assert options["visibility_timeout"] > app.TASK_SECONDS
    assert all(options[key].startswith(app.QUEUE) for key in ("unacked_key", "unacked_index_key", "unacked_mutex_key"))


def test_scan(server, tmp_path, webshellscan):
    files = server.upload_all(LOGS / "WEB02")
    outputs = server.outputs("workflow")
    result = call(tasks.scan, outputs, files, host="WEB02")
    named = by_name(result)
    assert list(named) == ["webshellscan.html", "webshellscan.jsonl", "webshellscan.timesketch.jsonl"]
    assert holds_only(outputs, result)
    for file in named.values():
        assert file["path"] == f"{outputs}/{file['uuid']}{file['extension']}"
        assert stat.S_IMODE(os.stat(file["path"]).st_mode) == 0o644
    told = result["task_report"]
    assert told["priority"] == 80 and "16 findings" in told["summary"]
    assert "tomcat9.exe" in told["content"] and "INCOMPLETE" not in told["summary"]
    objects = [json.loads(line) for line in open(named["webshellscan.jsonl"]["path"])]
    paths = {file["file"] for file in objects[0]["inputs"]}
    assert {f"WEB02/{file['id']}/{file['display_name']}" for file in files} >= paths
    assert any(one["kind"] == "request" for one in objects), "the access log stands beside the host's event logs"
    assert result["workflow_id"] == 7 and result["command"].startswith("webshellscan ")


def test_timesketch(server):
    """Its worker hands every file to the importer, which takes .jsonl with these fields."""
    result = call(tasks.scan, server.outputs("w"), server.upload_all(LOGS / "WEB02"), timeline_only=True)
    (file,) = result["output_files"]
    assert file["path"].endswith(".jsonl") and file["extension"] == ".jsonl"
    lines = [json.loads(line) for line in open(file["path"])]
    assert lines and all({"message", "datetime", "timestamp_desc"} <= line.keys() for line in lines)


def test_flags_are_values(server):
    """What a user types is the value of a flag, never another flag."""
    files, outputs = server.upload_all(LOGS / "WEB02"), server.outputs("w")
    result = call(tasks.scan, outputs, files, since="2024-03-11 10:15", level="critical")
    assert "'--since=2024-03-11 10:15' --level=critical" in result["command"]
    with pytest.raises(RuntimeError, match="exit status 2:\nwebshellscan: --since \"--force\""):
        call(tasks.scan, outputs, files, since="--force")
    assert holds_only(outputs, result)


def test_names_of_verbs(server):
    """A host may be called as a verb or a flag is."""
    for host in ("merge", "--force", ".."):
        result = call(tasks.scan, server.outputs(host.strip(".-") or "dots"), server.upload_all(LOGS / "DC01"), host=host)
        assert "Security.evtx" in open(by_name(result)["webshellscan.jsonl"]["path"]).read()


def test_failure_is_told(server, tmp_path):
    """Without a log the task fails with what the program said, and leaves nothing."""
    outputs = server.outputs("w")
    with pytest.raises(RuntimeError, match="no file"):
        call(tasks.scan, outputs)
    with pytest.raises(RuntimeError, match="no partial result"):
        call(tasks.merge, outputs, server.upload_all(LOGS / "DC01"))
    with pytest.raises(RuntimeError, match="exit status 2:\nwebshellscan: --since"):
        call(tasks.scan, outputs, server.upload_all(LOGS / "DC01"), since="x")
    assert list(outputs.iterdir()) == []


def test_incomplete(server, tmp_path):
    """What cannot be read is told in the report, and the rest is there."""
    cut = tmp_path / "cut.zip"
    cut.write_bytes(b"PK\3\4" + b"\0" * 100)
    files = [*server.upload_all(LOGS / "WEB02"), server.upload(cut)]
    told = call(tasks.scan, server.outputs("w"), files)["task_report"]
    assert "INCOMPLETE" in told["summary"] and "cut.zip" in told["content"] and told["priority"] == 80


def test_symbolic_links(server, tmp_path, monkeypatch):
    """Evidence on another file system than the outputs is read by its names too."""

    def refuse(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr(inputs.os, "link", refuse)
    files = server.upload_all(LOGS / "WEB02")
    result = call(tasks.scan, server.outputs("w"), files, host="WEB02")
    assert "16 findings" in result["task_report"]["summary"] and "NOT READ" not in result["task_report"]["content"]


def test_left_by_a_killed_run(server, monkeypatch):
    """A task that comes again begins anew, gives its outputs the same names, and is
    given up after some times."""
    outputs, files = server.outputs("w"), server.upload_all(LOGS / "DC01")
    keywords = {"input_files": files, "output_path": str(outputs), "workflow_id": 7, "task_config": None}
    first = decode(tasks.scan.apply([], keywords, task_id="t1", throw=True).get())
    left = outputs / ".webshellscan-t1"
    (left / "in").mkdir(parents=True)
    (left / "report.html").write_text("half")
    (left / "attempts").write_text("1")
    again = decode(tasks.scan.apply([], keywords, task_id="t1", throw=True).get())
    assert again == first and holds_only(outputs, again)
    left.mkdir()
    (left / "attempts").write_text(str(program.MAX_ATTEMPTS))
    with pytest.raises(RuntimeError, match="given up"):
        tasks.scan.apply([], keywords, task_id="t1", throw=True)
    assert holds_only(outputs, again)


def test_a_task_stopped_as_it_begins_leaves_nothing(server, monkeypatch):
    def stopped(*_):
        raise SystemExit

    monkeypatch.setattr(Path, "write_text", stopped)
    outputs = server.outputs("w")
    with pytest.raises(SystemExit), program.Workspace(str(outputs), "a"):
        pass
    assert list(outputs.iterdir()) == []


def test_time_limit(server, tmp_path, monkeypatch):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 100\n")
    slow.chmod(0o755)
    monkeypatch.setattr(program, "PROGRAM", str(slow))
    monkeypatch.setattr(program, "TASK_SECONDS", 0.1)
    monkeypatch.setattr(program, "PROGRESS_SECONDS", 0.05)
    outputs = server.outputs("w")
    with pytest.raises(RuntimeError, match="ended after"):
        call(tasks.scan, outputs, server.upload_all(LOGS / "DC01"))
    assert list(outputs.iterdir()) == []


def test_dies_with_its_task(tmp_path):
    """A program whose task was killed writes nothing any more."""
    slow, told = tmp_path / "slow", tmp_path / "pid"
    slow.write_text(f"#!/bin/sh\necho $$ >{told}.new\nmv {told}.new {told}\nexec sleep 100\n")
    slow.chmod(0o755)
    code = (
        "import sys; from openrelik_worker_webshellscan import program\n"
        "class Task: send_event = lambda *_, **__: None\n"
        "with program.Workspace(sys.argv[1], 't') as workspace: program.run(Task(), workspace, [], [])"
    )
    environment = os.environ | {"WEBSHELLSCAN": str(slow), "PYTHONPATH": os.pathsep.join(sys.path)}
    task = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment)
    while not told.exists():
        time.sleep(0.05)
    task.kill()
    task.wait()
    stat_of = Path("/proc", told.read_text().strip(), "stat")
    for _ in range(600):
        if not stat_of.exists() or ") Z " in stat_of.read_text():
            return
        time.sleep(0.05)
    pytest.fail("the program goes on")


def test_report_is_bounded(tmp_path):
    markdown, lines = tmp_path / "m", tmp_path / "l"
    markdown.write_text("# Title\n" + "line of a report\n" * 100_000)
    lines.write_text('{"kind":"integrity","level":"alarm"}\n{"kind":"other"}\n')
    told = report.of_scan(markdown, lines, "said\n```\n<b>", False)
    assert len(told["content"]) < report.MAX_REPORT + 1000 and "The rest is in" in told["content"]
    assert told["summary"] == "Title" and told["priority"] == 40
    assert "    ```\n    <b>" in told["content"]


@pytest.mark.parametrize("shards", [1, 3])
def test_collect_and_merge(server, tmp_path, webshellscan, shards):
    """Partial results of hosts, and of shards of them, merge to what one scan of all
    gives, byte by byte."""
    outputs, folder = server.outputs("w"), tmp_path / "all"
    results = []
    for host in ("WEB02", "DC01", "MAIL01"):
        files = server.upload_all(LOGS / host)
        inputs.link(files, folder / host)
        for i in range(shards):
            config = {"host": host, "shard": f"{i}/{shards}"} if shards > 1 else {"host": host}
            results.append(call(tasks.collect, outputs, files, **config))
    assert all([file["display_name"] for file in r["output_files"]] == [f"{r_host(r)}.wsp"] for r in results)
    merged = call(tasks.merge, outputs, pipe=[encode(r) for r in results])
    assert holds_only(outputs, merged, *results)
    if shards > 1:
        return  # the story of a host needs all of its logs in one part
    for name, format in (("webshellscan.html", "html"), ("webshellscan.jsonl", "jsonl"), ("webshellscan.timesketch.jsonl", "timesketch")):
        want = tmp_path / format
        subprocess.run([webshellscan, ".", "-q", f"--output={format}:{want}"], cwd=folder)
        assert open(by_name(merged)[name]["path"], "rb").read() == want.read_bytes(), name


def r_host(result):
    return result["task_report"]["title"].split()[-1]


def test_missing_hosts(server):
    outputs = server.outputs("w")
    partial = call(tasks.collect, outputs, server.upload_all(LOGS / "WEB02"), host="WEB02")
    told = call(tasks.merge, outputs, pipe=encode(partial), expect="WEB02\nWEB77\n")["task_report"]
    assert "INCOMPLETE" in told["summary"] and "WEB77" in told["content"]


def test_refused_partial(server, tmp_path):
    """One that was cut is named, the others are merged."""
    outputs = server.outputs("w")
    results = [call(tasks.collect, outputs, server.upload_all(LOGS / host), host=host) for host in ("WEB02", "DC01")]
    (cut,) = results[1]["output_files"]
    os.truncate(cut["path"], os.path.getsize(cut["path"]) // 2)
    told = call(tasks.merge, outputs, pipe=[encode(r) for r in results])["task_report"]
    assert "INCOMPLETE" in told["summary"] and "16 findings" in told["summary"] and "DC01.wsp" in told["content"]
