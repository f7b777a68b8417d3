"""Real workers and a real Redis: what is left when one is killed."""

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import redis
from celery import Celery, chord, signature
from conftest import LOGS, ROOT, decode
from openrelik_worker_webshellscan import inputs

QUEUE = "openrelik-worker-webshellscan"
TASKS = 60

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


def wait(condition, what, seconds=300):
    """Waits until a condition is true. The time is for a machine that hangs."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} seconds for {what}"
        time.sleep(0.05)
    return value


@pytest.fixture
def redis_url(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)

    def answers():
        try:
            return client.ping()
        except redis.ConnectionError:
            return False

    wait(answers, "Redis")
    yield f"redis://127.0.0.1:{port}"
    client.close()
    process.terminate()
    process.wait()


@pytest.fixture
def start(redis_url, webshellscan, tmp_path):
    """Starts workers as the container does, each in a process group of its own. Their
    program says when its output is there and goes on for some seconds, so that tasks
    are met in mid-run."""
    slow = tmp_path / "slow"
    slow.write_text(
        f'#!/bin/sh\n"{webshellscan}" "$@"\nstatus=$?\n: >../written\nsleep $SECONDS_MORE\nexit $status\n'
    )
    slow.chmod(0o755)
    running = []

    def begin(name, seconds="0.2"):
        command = [sys.executable, "-m", "celery", "--app=openrelik_worker_webshellscan.app", "worker"]
        command += ["--task-events", "--concurrency=2", "--loglevel=INFO", "-Q", QUEUE, "-n", name]
        environment = os.environ | {"REDIS_URL": redis_url, "WEBSHELLSCAN": str(slow)}
        environment |= {"REMAP_SIGTERM": "SIGQUIT", "SECONDS_MORE": seconds}
        log = open(tmp_path / f"{name}.log", "wb")
        worker = subprocess.Popen(command, env=environment, start_new_session=True, stdout=log, stderr=log)
        running.append(worker)
        return worker

    yield begin
    for worker in running:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@pytest.fixture
def hosts(tmp_path):
    """The logs of 60 hosts: those that are shipped, and made ones. WEC01 has the
    events of APP01, which would have to be in one task with it."""
    generator, made = tmp_path / "evtxgen", tmp_path / "made"
    subprocess.run(["go", "build", "-o", generator, "./internal/evtxtest/evtxgen"], cwd=ROOT, check=True)
    subprocess.run([generator, "-files", "1MiB", "-size", "56MiB", "-o", made], check=True, stdout=subprocess.DEVNULL)
    shipped = [host for host in sorted(LOGS.iterdir()) if host.name not in ("APP01", "WEC01")]
    folders = [*shipped, *sorted(made.iterdir())]
    assert len(folders) >= TASKS
    return folders[:TASKS]


def sent(name, files, outputs, config):
    """Returns a task with the arguments that the server sends."""
    return signature(
        f"{QUEUE}.tasks.{name}",
        kwargs={"input_files": files, "output_path": str(outputs), "workflow_id": 1, "task_config": config},
        queue=QUEUE,
        task_id=uuid.uuid4().hex,
    )


def registered(app):
    """Returns the tasks that workers have, as the server reads them."""
    told = app.control.inspect().registered("metadata") or {}
    return [
        (task.split()[0], ast.literal_eval(re.search("({.+})", task).group(0)))
        for tasks in told.values()
        for task in tasks
    ]


def done(client, ids):
    """Returns the results that are there, by the IDs of their tasks."""
    found = client.mget(f"celery-task-meta-{identity}" for identity in ids)
    return {identity: json.loads(result) for identity, result in zip(ids, found) if result}


def begun(outputs):
    return list(outputs.glob(".webshellscan-*"))


def written(outputs):
    """Returns what says that a task's program has written all, and goes on."""
    return list(outputs.glob(".webshellscan-*/written"))


def idle(app, name):
    """Reports whether a worker has nothing to do."""
    node = f"celery@{name}"
    return app.control.inspect([node]).active() == {node: []}


def test_a_worker_is_killed(server, hosts, start, redis_url, webshellscan, tmp_path):
    app = Celery(broker=redis_url, backend=redis_url)
    client = redis.Redis.from_url(redis_url)
    outputs, folder = server.outputs("w"), tmp_path / "all"
    tasks = []
    for host in hosts:
        files = server.upload_all(host)
        inputs.link(files, folder / host.name)
        tasks.append(sent("collect", files, outputs, {"host": host.name}))

    start("survives")
    victim = start("dies")
    names = wait(lambda: len(told := registered(app)) == 6 and told, "two workers")
    assert {name for name, _ in names} == {f"{QUEUE}.tasks.{task}" for task in ("scan", "collect", "merge")}

    report = sent("merge", [], outputs, {})
    ids = [task.options["task_id"] for task in [*tasks, report]]
    chord(tasks, app=app)(report)
    wait(lambda: len(done(client, ids)) >= 30 and len(begun(outputs)) >= 3, "tasks in mid-run")
    os.killpg(victim.pid, signal.SIGKILL)
    wait(lambda: client.llen(QUEUE) == 0 and idle(app, "survives"), "the other worker")
    lost = client.zrange(f"{QUEUE}.unacked_index", 0, -1)
    assert 1 <= TASKS - len(done(client, ids)) <= len(lost), "the tasks of the killed worker wait"
    assert begun(outputs), "and what it left is there"

    # The visibility timeout goes by, and the worker is started again.
    client.zadd(f"{QUEUE}.unacked_index", {tag: 0 for tag in lost})
    start("comes-again")
    wait(lambda: len(done(client, ids)) == TASKS + 1, "the merge")

    results = [done(client, ids)[identity] for identity in ids]
    assert {result["status"] for result in results} == {"SUCCESS"}
    told = [decode(result["result"])["output_files"] for result in results]
    paths = [Path(file["path"]) for files in told for file in files]
    assert len(paths) == TASKS + 3 and sorted(outputs.iterdir()) == sorted(paths)
    for file in told[-1]:
        format = file["data_type"].split(":")[-1]
        want = tmp_path / format
        subprocess.run([webshellscan, ".", "-q", f"--output={format}:{want}"], cwd=folder)
        assert Path(file["path"]).read_bytes() == want.read_bytes(), f"the merge as {format} is one scan"


def test_a_worker_is_stopped(server, start, redis_url):
    """It gives back what it has at once, and leaves nothing."""
    app = Celery(broker=redis_url, backend=redis_url)
    client = redis.Redis.from_url(redis_url)
    outputs, files = server.outputs("w"), server.upload_all(LOGS / "DC01")
    for _ in range(3):
        app.send_task(f"{QUEUE}.tasks.scan", kwargs=sent("scan", files, outputs, {}).kwargs, queue=QUEUE)
    worker = start("stops", seconds="20")
    wait(lambda: len(written(outputs)) == 2 and client.llen(QUEUE) == 1, "tasks in mid-run")
    os.kill(worker.pid, signal.SIGTERM)
    wait(lambda: worker.poll() is not None, "the worker")
    assert client.llen(QUEUE) == 3 and list(outputs.iterdir()) == []
