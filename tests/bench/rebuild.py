"""Folding a whole log again: `fanfold rebuild VIEW --yes`, from a log that was written quickly, and from one
that was written an event at a time: there each event is a chunk alone, as where events come seldom. Brokers
before 4.2 read such a log at some 4,500 events/s a subscription, so it is also drained, and read by a program
that only reads."""
import pathlib

import fanfold
import rates
from measure import Measure, Sample
from process import Program, cpu_seconds, peak_kib

SINGLE = 4500  # events a second of one subscription
BEGIN = 2  # seconds until workers have taken up a rebuild, and until it has switched


def rebuilt_sums(workload, world):
    """What the rows add up to after the rebuild: under another name."""
    expected = world.expected[workload.name]
    return {"stock/n": 0, "stock/units": expected["stock/n"], "stock/events": expected["stock/events"]}


def reset_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def timed(world, project, workload, worker):
    """The rebuild alone: from the start of the command until the new rows are in force. The processor time
    is that of the worker and of the command."""
    before = cpu_seconds(worker.pid)
    reset_peak(worker.pid)
    command = [fanfold.binary(), "rebuild", "--config", project.config, workload.view_names[0], "--yes"]
    with Program(command, env=world.servers.env("operator")) as program:
        program.finish()
    return Sample(workload.count, program.seconds, cpu_seconds(worker.pid) - before + program.cpu,
                  peak_kib(worker.pid))


def rebuild(workload):
    """Of a view that a worker has folded already; the new definition has another field in its rows."""
    def run(world, _):
        project = world.logs[workload.name]
        world.empty_redis()
        try:
            with project.worker("rebuild") as worker:
                world.await_views(project, workload)
                project.write_view(workload.rebuilt(workload.exchange))
                sample = timed(world, project, workload, worker)
        finally:
            project.workers.clear()
            project.write_view(workload.views(workload.exchange)[0])
        world.check(workload, expected=rebuilt_sums(workload, world))
        return sample
    return run


def measures(sums, slow):
    def one(name, title, limit, workload, run, seconds):
        return Measure("rebuild", name, title, limit, [workload], run, seconds + 1)

    alone = slow.count / SINGLE
    yield one("rebuild", "a rebuild, of a log written quickly", "null-reader", sums, rebuild(sums),
              sums.count / 77_000 + sums.count / 50_000 + BEGIN)
    yield one("slow-null-reader", "limit: only reads, a log written an event at a time", None, slow,
              rates.null_reader(slow), alone)
    yield one("slow-drain", "one view, that log: 1 worker", "slow-null-reader", slow, rates.drain(slow, 1), alone)
    yield one("slow-rebuild", "a rebuild, of that log", "slow-null-reader", slow, rebuild(slow),
              2 * alone + BEGIN)
