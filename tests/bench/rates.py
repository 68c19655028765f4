"""The rates: publishing, draining and folding live, beside programs that do nothing else, and workers by hand."""
import time

import peers
from measure import Measure, Sample, end_workers, of_program


def null_reader(workload):
    def run(world, _):
        return of_program(workload, world.null_read(world.logs[workload.name], workload).finish())
    return run


def null_publisher(workload):
    def run(world, round_):
        with world.log(workload, f"bench.null.{round_}") as project:
            return of_program(workload, world.null_publish(project, workload).finish())
    return run


def publish(workload):
    def run(world, round_):
        with world.log(workload, f"bench.publish.{round_}") as project:
            return of_program(workload, world.publish(project, workload).finish())
    return run


def null_live(workload):
    def run(world, round_):
        with world.log(workload, f"bench.null-live.{round_}") as project, \
                world.null_read(project, workload) as reader:
            reader.await_line()
            began = time.monotonic()
            with world.publish(project, workload) as publishing:
                reader.finish()
                publishing.finish()
            return Sample(workload.count, reader.began + reader.seconds - began, reader.cpu, reader.peak_kib)
    return run


def drain(workload, count):
    """From the start of the workers until all views have folded all of the log."""
    def run(world, round_):
        project = world.logs[workload.name]
        world.empty_redis()
        began = time.monotonic()
        workers = project.start_workers([f"w{number}" for number in range(count)])
        try:
            world.await_views(project, workload)
            sample = Sample(workload.count, time.monotonic() - began, *end_workers(workers))
        finally:
            project.kill_workers()
            project.workers.clear()
        world.check(workload)
        return sample
    return run


def live(workload):
    """A worker that has caught up; from the start of the publisher until its last event is folded."""
    def run(world, round_):
        world.empty_redis()
        with world.log(workload, f"bench.live.{round_}") as project:
            with project.worker("live") as worker:
                worker.wait_for_log("streaming")
                began = time.monotonic()
                with world.publish(project, workload) as publishing:
                    world.await_views(project, workload)
                    seconds = time.monotonic() - began
                    publishing.finish()
                sample = Sample(workload.count, seconds, *end_workers([worker]))
            world.check(workload)
        return sample
    return run


def peer(found, workload):
    def run(world, round_):
        if round_ == 0:
            peers.prepare(found)
        world.empty_redis()
        prefix = f"peer-{found.name}:"
        program = peers.run(found, world.servers.worker_amqp, world.logs[workload.name].partition,
                            world.servers.operator_redis, workload.count, prefix)
        world.check(workload, prefix)
        return of_program(workload, program)
    return run


def measures(sums, shop, folder):
    """Peers are looked for in the folder."""
    def one(name, title, limit, workload, run, speed):
        """speed: about how many events a second two cores reach."""
        return Measure("rates", name, title, limit, [workload], run, workload.count / speed + 0.5)

    yield one("null-publisher", "limit: only publishes", None, sums, null_publisher(sums), 61_000)
    yield one("publish", "NDJSON by `fanfold publish`", "null-publisher", sums, publish(sums), 56_000)
    yield one("null-reader", "limit: only reads", None, sums, null_reader(sums), 82_000)
    yield one("sums-1", "one view, a hash with two additions: 1 worker", "null-reader", sums, drain(sums, 1), 77_000)
    yield one("sums-2", "the same: 2 workers, one of them idle", "null-reader", sums, drain(sums, 2), 76_000)
    for by_hand in peers.find(folder):
        yield one("peer-" + by_hand.name, by_hand.what, "null-reader", sums, peer(by_hand, sums), 40_000)
    yield one("null-reader-shop", "limit: only reads, the shop's events", None, shop, null_reader(shop), 80_000)
    for count, speed in ((1, 49_000), (2, 34_000), (4, 19_000)):
        yield one(f"shop-{count}", f"five views: {count} worker{'s' if count > 1 else ''}", "null-reader-shop", shop,
                  drain(shop, count), speed)
    yield one("null-live", "limit: only reads, while `fanfold publish` runs", None, sums, null_live(sums), 35_000)
    yield one("live", "one view, while `fanfold publish` runs: 1 worker", "null-live", sums, live(sums), 34_000)
