"""How long after an event was sent its row is there for a reader of Redis, at 1,000 events/s; and as the limit,
when the same broker has delivered it to a program that only reads.

Each run has a log of its own, and a publisher that sends an event a millisecond, whatever becomes of those
before (paced_publisher.c). All three programs read one clock, CLOCK_MONOTONIC. What is counted is from the
moment at which the event was about to be sent, not from that at which it should have been: a publisher that
got the processor late is late for the reader and for the worker alike, so counting that would bring the two
nearer to each other. It sends what is late at once and never waits for an answer, so a slow broker or worker
delays no later event out of the figures. How late it was is told beside them.
"""
from measure import Measure
from times import Times

PER_SECOND = 1000
VIEWS = (1, 5, 10)
LIMIT = "latency-null"
GOALS = {"latency-1": {"p50": 1.5, "p99": 2.0}}  # times the limit's


class Paced:
    """A number of views, each with a row an event. The first events only warm up."""
    name = "paced"
    exchange = "bench.latency"
    prefix = "latency:"

    def __init__(self, count, warm_up, views=0):
        self.measured, self.warm_up, self.count = count, warm_up, count + warm_up
        self.view_names = [f"latency-{number}" for number in range(views)]

    def views(self, exchange):
        return [{"view": name, "exchange": exchange, "on": {"sold": [
            {"hash": f"{self.prefix}{name}:{{id}}", "set": {"events": 1}}]}} for name in self.view_names]

    def patterns(self, prefix):
        return {"rows": prefix + "*"}

    def expected(self):
        return {"rows/events": self.count * len(self.view_names)}


def publish(world, project, paced):
    """Returns (when the first was to be sent, when each was) in nanoseconds."""
    file = world.folder / "sent"
    with world.started("paced_publisher", world.servers.publisher_amqp, project.exchange, paced.count, PER_SECOND,
                       file) as publisher:
        began = int(publisher.finish().out)
    return began, file


def times_of(paced, began, sent, seen):
    return Times(began, 1_000_000_000 // PER_SECOND, sent, seen).after(paced.warm_up)


def of_reader(paced):
    def run(world, round_):
        with world.log(paced, f"bench.latency-null.{round_}") as project:
            seen = world.folder / "seen"
            with world.null_read(project, paced, seen) as reader:
                reader.await_line()
                began, sent = publish(world, project, paced)
                reader.finish()
        return times_of(paced, began, sent, seen)
    return run


def of_worker(paced):
    def run(world, round_):
        world.empty_redis()
        views = len(paced.view_names)
        with world.log(paced, f"bench.latency-{views}.{round_}") as project:
            seen = world.folder / "seen"
            with project.worker("latency") as worker:
                world.await_streaming(worker, views)
                with world.started("row_watcher", world.servers.operator_redis, paced.prefix, paced.count, views,
                                   seen) as watcher:
                    watcher.await_line()
                    began, sent = publish(world, project, paced)
                    watcher.finish()
            world.check(paced, expected=paced.expected())
        return times_of(paced, began, sent, seen)
    return run


def measures(count, warm_up):
    def one(name, title, limit, paced, run):
        return Measure("latency", name, title, limit, [], run, paced.count / PER_SECOND + 1.5)

    limit = Paced(count, warm_up)
    yield one(LIMIT, "limit: delivered to a program that only reads", None, limit, of_reader(limit))
    for views in VIEWS:
        paced = Paced(count, warm_up, views)
        title = "row visible, 1 view" if views == 1 else f"row visible in the last of {views} views"
        yield one(f"latency-{views}", title, LIMIT, paced, of_worker(paced))
