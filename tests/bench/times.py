"""Latencies from the files that times.h writes: a line an event, in nanoseconds; 0: it has not happened."""
import math

from wrong import Wrong

QUANTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


def quantile(values, part):
    """By nearest rank: the smallest of them that this part of all does not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def read(path):
    return [int(line) for line in path.read_text().splitlines()]


def between(sent, seen):
    """Microseconds from one to the other, by event."""
    if len(sent) != len(seen):
        raise Wrong(f"{len(sent)} events were sent, {len(seen)} were seen")
    for number, (before, after) in enumerate(zip(sent, seen)):
        if not before or after < before:
            raise Wrong(f"event {number} was seen before it was sent")
    return [(after - before) // 1000 for before, after in zip(sent, seen)]


class Times:
    """took_us: from sent to seen; late_us: how late it was sent. Both by event, in microseconds.

    began, interval: when the first should have been sent, and how much later each next one (nanoseconds);
    sent, seen: files."""

    def __init__(self, began, interval, sent, seen):
        sent = read(sent)
        self.took_us = between(sent, read(seen))
        self.late_us = between([began + number * interval for number in range(len(sent))], sent)

    def after(self, count):
        """Without the first ones."""
        self.took_us, self.late_us = self.took_us[count:], self.late_us[count:]
        return self

    def quantiles(self):
        """{"p50": microseconds, …, "late_p50": …}"""
        return {before + name: quantile(values, part)
                for before, values in (("", self.took_us), ("late_", self.late_us))
                for name, part in QUANTILES.items()}
