"""RQ: two workers that fork for every job; results, retries, dependencies, schedules, failures."""

import datetime
import time

import redis
import rq
import rq_jobs
from check import PORT, Workers, done, equal, until

connection = redis.Redis(port=PORT)
high, low = rq.Queue("high", connection=connection), rq.Queue("low", connection=connection)
WORKER = ["-m", "rq.cli", "worker", "--url", f"redis://127.0.0.1:{PORT}", "--with-scheduler", "--quiet", "high", "low"]


def finished(jobs, seconds=40):
    until(f"{len(jobs)} jobs are done", lambda: all(job.get_status().value in ("finished", "failed") for job in jobs), seconds)
    return [job.return_value(refresh=True) for job in jobs]


with Workers(WORKER, WORKER):
    until("both workers are there", lambda: len(rq.Worker.all(connection=connection)) == 2)

    jobs = [(high if n % 2 else low).enqueue(rq_jobs.add, n, n) for n in range(40)]
    equal(finished(jobs), [2 * n for n in range(40)], "sums")
    equal(len({rq.job.Job.fetch(job.id, connection).worker_name for job in jobs}), 2, "workers that took part")

    with high.connection.pipeline() as pipe:
        batch = high.enqueue_many([rq.Queue.prepare_data(rq_jobs.add, (n, 1)) for n in range(10)], pipeline=pipe)
        pipe.execute()
    equal(finished(batch), list(range(1, 11)), "a batch")

    retried = high.enqueue(rq_jobs.third_time, retry=rq.Retry(max=3))
    equal(finished([retried]), [3], "retries")

    failed = low.enqueue(rq_jobs.fail)
    finished([failed])
    equal(failed.get_status().value, "failed", "status")
    assert "ValueError: on purpose" in failed.latest_result().exc_string
    equal(low.failed_job_registry.get_job_ids(), [failed.id], "registry of failures")

    first = low.enqueue(rq_jobs.add, 3, 4)
    second = high.enqueue(rq_jobs.of_dependency, depends_on=first)
    equal(finished([first, second]), [7, 70], "a job that depends on another")

    begun = time.time()
    later = high.enqueue_in(datetime.timedelta(seconds=2), rq_jobs.add, 5, 6)
    equal(later.get_status().value, "scheduled", "status")
    equal(finished([later]), [11], "a scheduled job")
    assert time.time() - begun >= 0.9  # it counts in whole seconds

    assert 0 < connection.ttl(jobs[0].key) <= 500, "a result's expiry"
    equal(high.finished_job_registry.count + low.finished_job_registry.count, 54, "registry of what is done")

until("the workers have signed off", lambda: rq.Worker.all(connection=connection) == [])
done(["rq"], "2 workers, 55 jobs over 2 queues, retries, failures, dependencies, a schedule, results that expire")
