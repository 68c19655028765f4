"""What grows with the number of events, views and rows, and what does not: rate and memory of a worker that
drains a log; and the rate of a publisher whose events views fold, or would fold."""
import contextlib

import rates
from measure import Measure, of_program
from workloads import Numbered

# In words as the report and the names have them, and how many.
EVENTS = (("1e4", 10_000), ("1e5", 100_000), ("1e6", 1_000_000), ("3e6", 3_000_000))
ROWS = (("10", 10), ("1e5", 100_000), ("1e6", 1_000_000))
VIEWS = (1, 10, 50)
PUBLISHED_VIEWS = (1, 10)
FOLDS = 400_000  # about how many a second two cores reach, however they come about
CHECKS = 200_000  # rows a second that are added up at the end


def publish(workload, is_folded):
    """The null publisher, with the views configured; is_folded: while a worker, which has caught up, folds."""
    def run(world, round_):
        world.empty_redis()
        with world.log(workload, f"bench.{workload.name}.{round_}") as project:
            with project.worker("growth") if is_folded else contextlib.nullcontext() as worker:
                if worker:
                    world.await_streaming(worker, len(workload.view_names))
                sample = of_program(workload, world.null_publish(project, workload).finish())
                if worker:
                    world.await_views(project, workload)
            if is_folded:
                world.check(workload, expected=workload.expected())
        return sample
    return run


def counted(number, what):
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def null(name, workload):
    return Measure("growth", name, f"limit: only reads, {counted(workload.count, 'event')}", None, [workload],
                   rates.null_reader(workload), workload.count / 70_000 + 0.5)


def drain(series, name, limit, workload, x):
    """x: what of it grows."""
    views = len(workload.view_names)
    title = ", ".join(counted(number, what) for number, what in (
        (views, "view"), (workload.rows, "row"), (workload.count, "event")))
    return Measure("growth", f"{series}-{name}", title, limit, [workload], rates.drain(workload, 1),
                   workload.count * (1 / 70_000 + views / FOLDS) + workload.rows / CHECKS + 1, (series, x))


def publishing(size):
    for is_folded, what in ((False, "no worker runs"), (True, "a worker folds")):
        for views in PUBLISHED_VIEWS:
            name = f"publish{'-folded' if is_folded else ''}-"
            workload = Numbered(name + str(views), size, views=views)
            yield Measure("growth", workload.name, f"only publishes, {counted(views, 'view')}, {what}",
                          name + "1" if views > 1 else None, [], publish(workload, is_folded),
                          size / 30_000 + (size * views / FOLDS if is_folded else 0) + 1)


def measures(size):
    """size(n): n at the scale of the run. A limit serves all logs of as many events."""
    rows, few, many = size(1000), size(100_000), size(1_000_000)
    for name, count in EVENTS:
        workload = Numbered(f"events-{name}", size(count), rows=rows)
        yield null(f"null-{name}", workload)
        yield drain("events", name, f"null-{name}", workload, workload.count)
    for views in VIEWS:
        yield drain("views", str(views), "null-1e5", Numbered(f"views-{views}", few, rows=rows, views=views), views)
    for name, count in ROWS:
        workload = Numbered(f"rows-{name}", many, rows=size(count))
        yield drain("rows", name, "null-1e6", workload, workload.rows)
    yield from publishing(few)
