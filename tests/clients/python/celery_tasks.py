"""The tasks that check_celery.py sends to its workers."""

import os

import celery

url = f"redis://127.0.0.1:{os.environ['LARDER_PORT']}"
app = celery.Celery("larder", broker=f"{url}/0", backend=f"{url}/1")
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_expires=600,
    task_track_started=True,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=4,
)


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3)
def third_time(self, word):
    if self.request.retries < 2:
        raise self.retry(countdown=0.05)
    return f"{word} after {self.request.retries}"


@app.task
def fail():
    raise ValueError("on purpose")


@app.task
def who():
    return os.getpid()
