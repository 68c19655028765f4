"""What is measured. Each measure has a name, a title, the limit that it is compared with, the workloads whose
logs it needs, and run(world, round), which returns a Sample."""
import collections
import time

import peers
from process import cpu_seconds, peak_kib
from workloads import Shop, Sums

Measure = collections.namedtuple("Measure", "name title limit workloads run")
# events and seconds of one run, processor time of the program measured, its largest memory
Sample = collections.namedtuple("Sample", "events seconds cpu peak_kib")


def of_program(world, program):
    return Sample(world.count, program.seconds, program.cpu, program.peak_kib)


def null_reader(workload):
    def run(world, _):
        return of_program(world, world.null("reader", "worker", world.logs[workload.name].partition).finish())
    return run


def null_publisher(world, round_):
    with world.log(Sums, f"bench.null.{round_}") as project:
        return of_program(world, world.null("publisher", "publisher", project.exchange).finish())


def publish(world, round_):
    with world.log(Sums, f"bench.publish.{round_}") as project:
        return of_program(world, world.publish(project, Sums).finish())


def null_live(world, round_):
    with world.log(Sums, f"bench.null-live.{round_}") as project, \
            world.null("reader", "worker", project.partition) as reader:
        reader.await_line()
        began = time.monotonic()
        with world.publish(project, Sums) as publishing:
            reader.finish()
            publishing.finish()
        return Sample(world.count, reader.began + reader.seconds - began, reader.cpu, reader.peak_kib)


def end_workers(workers):
    """Returns the processor time of all, and the memory of the largest."""
    cpu = sum(cpu_seconds(worker.pid) for worker in workers)
    peak = max(peak_kib(worker.pid) for worker in workers)
    for worker in workers:
        worker.sigterm()
    return cpu, peak


def drain(workload, count):
    """From the start of the workers until all views have folded all of the log."""
    def run(world, round_):
        project = world.logs[workload.name]
        world.empty_redis()
        began = time.monotonic()
        workers = project.start_workers([f"w{number}" for number in range(count)])
        try:
            world.await_views(project, workload.view_names)
            sample = Sample(world.count, time.monotonic() - began, *end_workers(workers))
        finally:
            project.kill_workers()
            project.workers.clear()
        world.check(workload, getattr(workload, "prefix", None))
        return sample
    return run


def live(world, round_):
    """A worker that has caught up; from the start of the publisher until its last event is folded."""
    world.empty_redis()
    with world.log(Sums, f"bench.live.{round_}") as project:
        with project.worker("live") as worker:
            worker.wait_for_log("streaming")
            began = time.monotonic()
            with world.publish(project, Sums) as publishing:
                world.await_views(project, Sums.view_names)
                seconds = time.monotonic() - began
                publishing.finish()
            sample = Sample(world.count, seconds, *end_workers([worker]))
        world.check(Sums, Sums.prefix)
    return sample


def peer(found):
    def run(world, round_):
        if round_ == 0:
            peers.prepare(found)
        world.empty_redis()
        prefix = f"peer-{found.name}:"
        program = peers.run(found, world.servers.worker_amqp, world.logs["sums"].partition,
                            world.servers.operator_redis, world.count, prefix)
        world.check(Sums, prefix)
        return of_program(world, program)
    return run


def every(folder):
    """All measures; peers are looked for in the folder."""
    sums, shop = ["sums"], ["shop"]
    found = [
        Measure("null-publisher", "limit: only publishes", None, sums, null_publisher),
        Measure("publish", "NDJSON by `fanfold publish`", "null-publisher", sums, publish),
        Measure("null-reader", "limit: only reads", None, sums, null_reader(Sums)),
        Measure("sums-1", "one view, a hash with two additions: 1 worker", "null-reader", sums, drain(Sums, 1)),
        Measure("sums-2", "the same: 2 workers, one of them idle", "null-reader", sums, drain(Sums, 2)),
    ]
    found += [Measure("peer-" + by_hand.name, by_hand.what, "null-reader", sums, peer(by_hand))
              for by_hand in peers.find(folder)]
    found += [
        Measure("null-reader-shop", "limit: only reads, the shop's events", None, shop, null_reader(Shop)),
        *(Measure(f"shop-{count}", f"five views: {count} worker{'s' if count > 1 else ''}",
                  "null-reader-shop", shop, drain(Shop, count)) for count in (1, 2, 4)),
        Measure("null-live", "limit: only reads, while `fanfold publish` runs", None, sums, null_live),
        Measure("live", "one view, while `fanfold publish` runs: 1 worker", "null-live", sums, live),
    ]
    return found
