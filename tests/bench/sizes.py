"""How much is measured. Of each there is enough that the start of a program hardly counts, and not so much that
the usual run takes longer than twenty minutes on two cores."""
import collections

EVENTS = 200_000  # of a run of `rates`, and of a rebuild
LATENCY = 10_000  # so that ten are above the 99.9th percentile
WARM_UP = 1000  # a second, not counted
SLOW = 30_000  # of a log that is written an event at a time
DIVIDED = 200_000  # of a log with partitions
BATCHES = 100  # of 400 changes, to a script

Sizes = collections.namedtuple("Sizes", "events latency warm_up slow divided batches growth")


def scaled(scale, events=None):
    """All sizes times the scale; events: the first, if given. growth is a function that scales."""
    def size(number):
        return max(1, round(number * scale))
    return Sizes(events or size(EVENTS), size(LATENCY), size(WARM_UP), size(SLOW), size(DIVIDED), size(BATCHES), size)
