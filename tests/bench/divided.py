"""One view over many workers: a log with four partitions, a fold that takes 50 µs of the processor for an event
(burn.c), and one or two workers. And how many events a second a recorder copies to the partitions."""
import time

import fanfold
from measure import Measure, Sample, end_workers
from process import Program, cpu_seconds
from workloads import Lines, Sums
from world import TIMEOUT
from wrong import Wrong

PARTITIONS = 4
RECORDED = 35_000  # events a second, about
FOLDED = 18_000  # by one worker
MOST = 0.8  # of all events; the rest is not counted: what is left then is no longer even


class Burn(Lines):
    """The events of Sums, over a log with partitions."""
    name = "burn"
    exchange = "bench.burn"
    view_names = ["bench-burn"]
    prefix = "burn:"
    partitions = PARTITIONS

    @staticmethod
    def views(exchange):
        return [{"view": "bench-burn", "exchange": exchange, "plugin": "burn.so", "on": ["sold"],
                 "rows": [{"hash": "burn:{subject}", "add": True}]}]

    @staticmethod
    def patterns(prefix):
        return {"stock": prefix + "*"}

    events = staticmethod(Sums.events)

    def fill(self, world, project):
        (project.views / "burn.so").symlink_to(world.program("burn.so"))
        expected = super().fill(world, project)
        record(world, project)
        return expected


class Recorded(Sums):
    partitions = PARTITIONS


def recorder(world, project):
    return Program([fanfold.binary(), "recorder", "--config", project.config, "-e", project.exchange],
                   env=world.servers.env("worker"))


def record(world, project):
    """Until all partitions together have the log. Returns how long the copying took, and the processor time
    and memory of the recorder."""
    def lag():
        return project.status()["logs"][0]["lag"]

    with recorder(world, project) as program:
        began = time.monotonic()
        fanfold.poll(lambda: lag() == 0, TIMEOUT, "the log to be recorded", pause=0.25)
        return time.monotonic() - began, *program.used()


def copy(workload):
    def run(world, round_):
        with world.log(workload, f"bench.record.{round_}") as project:
            world.publish(project, workload).finish()
            return Sample(workload.count, *record(world, project))
    return run


def shares(redis, project):
    """How many tasks each worker has, of those that have folded something."""
    owners = [lease.split(" ", 1)[1] for task, lease in redis.hgetall("fanfold:leases").items()]
    folded = [name for name in redis.hkeys("fanfold:cursor:bench-burn") if name.endswith("/tally")]
    return sorted(owners.count(owner) for owner in set(owners)) if len(folded) == PARTITIONS else []


def until_most(world, project, workload):
    """Returns (how many events have been folded by then, when that was)."""
    def folded():
        if not all(worker.is_running() for worker in project.workers):
            raise AssertionError("a worker ended")
        count = world.folded(workload)
        return count if count >= MOST * workload.count else None
    return fanfold.poll(folded, TIMEOUT, "most events to be folded", pause=0.02), time.monotonic()


def drain(workload, count):
    """While all workers fold, each its share. How they come to their shares takes a second, however much there
    is to do; and as the first one has begun to fold all partitions meanwhile, one is done before another."""
    def run(world, _):
        project = world.logs[workload.name]
        world.empty_redis()
        workers = project.start_workers([f"w{number}" for number in range(count)])
        try:
            with world.servers.redis() as redis:
                fanfold.poll(lambda: shares(redis, project) == [PARTITIONS // count] * count, 30, "even shares")
                before, began = world.folded(workload), time.monotonic()
                used = sum(cpu_seconds(worker.pid) for worker in workers)
            if before > workload.count / 2:
                raise Wrong(f"most of {workload.count} events were folded before all workers had their shares")
            after, ended = until_most(world, project, workload)
            used = sum(cpu_seconds(worker.pid) for worker in workers) - used
            world.await_views(project, workload)
            _, peak = end_workers(workers)
            sample = Sample(after - before, ended - began, used, peak)
        finally:
            project.kill_workers()
            project.workers.clear()
        world.check(workload)
        return sample
    return run


def measures(sums, count):
    burn = Burn(count)
    yield Measure("divided", "record", f"the recorder, to {PARTITIONS} partitions", "null-publisher", [sums],
                  copy(Recorded(sums.count)), sums.count / RECORDED + sums.count / 50_000 + 1)
    yield Measure("divided", "burn-1", "50 µs an event: 1 worker", None, [burn], drain(burn, 1), count / FOLDED + 2)
    yield Measure("divided", "burn-2", "the same: 2 workers", "burn-1", [burn], drain(burn, 2),
                  count / FOLDED / 1.7 + 2)
