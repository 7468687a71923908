"""The jobs that check_rq.py sends to its workers."""

import os

import redis
from rq import get_current_job


def add(x, y):
    return x + y


def fail():
    raise ValueError("on purpose")


def third_time():
    connection = redis.Redis(port=int(os.environ["LARDER_PORT"]), db=2)
    run = connection.hincrby("runs", get_current_job().id, 1)
    if run < 3:
        raise ValueError(f"run {run}")
    return run


def of_dependency():
    return get_current_job().dependency.return_value() * 10
