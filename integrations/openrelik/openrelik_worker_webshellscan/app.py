"""The Celery application: how tasks are taken, and what becomes of them when a
worker dies.

A task is acknowledged when it is done. One whose worker died comes again: at
once if only the process that ran it died, and when VISIBILITY_SECONDS are over
if all of the worker did. No task runs for so long, so none is given to a second
worker while the first still has it.
"""

import os

from celery import Celery

QUEUE = "openrelik-worker-webshellscan"

# TASK_SECONDS is how long the program may run for one task.
TASK_SECONDS = int(os.environ.get("WEBSHELLSCAN_TASK_SECONDS", 4 * 60 * 60))

# VISIBILITY_SECONDS leaves time for what a task does besides.
VISIBILITY_SECONDS = TASK_SECONDS + 10 * 60

REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379")

celery = Celery(
    QUEUE,
    broker=REDIS_URL,
    backend=REDIS_URL,
    include=["openrelik_worker_webshellscan.tasks"],
)
celery.conf.update(
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # One that was done, but not acknowledged, is not done again.
    worker_deduplicate_successful_tasks=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        # Workers that share a Redis share the list of what is not acknowledged,
        # and the shortest timeout of all of them counts. Ours is our own.
        "unacked_key": f"{QUEUE}.unacked",
        "unacked_index_key": f"{QUEUE}.unacked_index",
        "unacked_mutex_key": f"{QUEUE}.unacked_mutex",
    },
)
