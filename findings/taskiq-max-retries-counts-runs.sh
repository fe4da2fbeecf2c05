#!/usr/bin/env bash
# Versions: taskiq 0.13.0, dramatiq 2.2.1, huey 3.5.4, celery 5.7.0.
# Behaviour: with max_retries=3 a failing task of taskiq runs three times, and with max_retries=1 it is never
#   retried. With the option of the same name (huey: retries) dramatiq, huey and celery run it four times.
# Surprise: the name says retries, the neighbours count retries, and max_retries=0 and 1 mean the same.
# Source: https://taskiq-python.github.io/available-components/middlewares.html (SimpleRetryMiddleware).
# Seen:
#   a maximum of 0 retries: taskiq 1 runs, dramatiq 1, huey 1, celery 1
#   a maximum of 1 retries: taskiq 1 runs, dramatiq 2, huey 2, celery 2
#   a maximum of 3 retries: taskiq 3 runs, dramatiq 4, huey 4, celery 4
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check taskiq==0.13.0 dramatiq==2.2.1 huey==3.5.4 celery==5.7.0

venv/bin/python - <<'PYTHON'
import asyncio
import logging
from importlib.metadata import version

import dramatiq
from celery import Celery
from dramatiq.brokers.stub import StubBroker
from huey import MemoryHuey
from taskiq import InMemoryBroker, SimpleRetryMiddleware

logging.disable(logging.CRITICAL)


async def with_taskiq(count):
    broker, runs = InMemoryBroker(await_inplace=True).with_middlewares(SimpleRetryMiddleware()), []

    @broker.task(retry_on_error=True, max_retries=count)
    async def fail():
        runs.append(1)
        raise ValueError

    await broker.startup()
    await (await fail.kiq()).wait_result(timeout=5)
    await broker.shutdown()
    return len(runs)


def with_dramatiq(count):
    broker, runs = StubBroker(), []

    @dramatiq.actor(broker=broker, max_retries=count, min_backoff=1, max_backoff=1)
    def fail():
        runs.append(1)
        raise ValueError

    worker = dramatiq.Worker(broker, worker_timeout=10)
    worker.start()
    fail.send()
    broker.join(fail.queue_name, fail_fast=False)
    worker.stop()
    return len(runs)


def with_huey(count):
    huey, runs = MemoryHuey(), []

    @huey.task(retries=count)
    def fail():
        runs.append(1)
        raise ValueError

    fail()
    while (task := huey.dequeue()) is not None:
        huey.execute(task)
    return len(runs)


def with_celery(count):
    app, runs = Celery(), []
    app.conf.task_always_eager = True

    @app.task(max_retries=count, autoretry_for=(ValueError,), default_retry_delay=0)
    def fail():
        runs.append(1)
        raise ValueError

    fail.delay()
    return len(runs)


for package in ("taskiq", "dramatiq", "huey", "celery"):
    print(package, version(package))
seen = {}
for count in (0, 1, 3):
    seen[count] = (asyncio.run(with_taskiq(count)), with_dramatiq(count), with_huey(count), with_celery(count))
    print("a maximum of %d retries: taskiq %d runs, dramatiq %d, huey %d, celery %d" % (count, *seen[count]))
assert seen == {0: (1, 1, 1, 1), 1: (1, 2, 2, 2), 3: (3, 4, 4, 4)}, seen
PYTHON
