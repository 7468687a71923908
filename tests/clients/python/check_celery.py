"""Celery with Larder as its broker and as its store of results: two workers, results, retries, chains, groups, chords."""

import time

import celery
from check import Workers, done, equal, raises, until
from celery_tasks import add, app, fail, third_time, total, who

WORKER = ["-m", "celery", "-A", "celery_tasks", "worker", "--loglevel", "ERROR", "--concurrency", "2", "--pool", "threads"]

with Workers([*WORKER, "-n", "one@larder"], [*WORKER, "-n", "two@larder"]):
    until("both workers answer", lambda: len(app.control.ping(timeout=1) or []) == 2, 40)

    results = [add.delay(n, n) for n in range(300)]
    equal([result.get(timeout=30) for result in results], [2 * n for n in range(300)], "sums")
    pids = {result.get(timeout=30) for result in [who.delay() for _ in range(100)]}
    equal(len(pids), 2, "workers that took part")

    equal(third_time.delay("done").get(timeout=20), "done after 2", "retries")
    failed = fail.delay()
    raises(ValueError, "on purpose", failed.get, timeout=20)
    equal(failed.state, "FAILURE", "state")

    begun = time.time()
    equal(add.apply_async((1, 2), countdown=0.5).get(timeout=20), 3, "a task with a countdown")
    assert time.time() - begun >= 0.5

    equal(celery.chain(add.s(1, 2), add.s(10), add.s(100))().get(timeout=20), 113, "chain")
    equal(celery.group(add.s(n, 1) for n in range(20))().get(timeout=20), list(range(1, 21)), "group")
    equal(celery.chord([add.s(n, n) for n in range(50)], total.s())().get(timeout=30), 2450, "chord")
    nested = celery.chain(add.s(1, 1), celery.group(add.s(n) for n in range(5)), total.s(), add.s(1000))
    equal(nested().get(timeout=30), 1020, "a chord within a chain")

    revoked = add.apply_async((1, 1), countdown=2)
    revoked.revoke()
    raises(celery.exceptions.TaskRevokedError, "revoked", revoked.get, timeout=20)

    kept = add.delay(2, 3)
    equal(kept.get(timeout=20), 5)
    ttl = app.backend.client.ttl(app.backend.get_key_for_task(kept.id))
    assert 0 < ttl <= 600, f"a result's expiry: {ttl}"
    kept.forget()
    equal(app.AsyncResult(kept.id).state, "PENDING", "a forgotten result")

done(["celery", "kombu"], "2 workers, 500 tasks, retries, countdown, chain, group, chord, revoke, results that expire")
