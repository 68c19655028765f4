"""How much is measured. Of each there is enough that the start of a program hardly counts, and not so much that
the usual run takes longer than a quarter of an hour on two cores."""
import collections

EVENTS = 200_000  # of a run of `rates`
LATENCY = 10_000  # so that ten are above the 99.9th percentile
WARM_UP = 1000  # a second, not counted

Sizes = collections.namedtuple("Sizes", "events latency warm_up")


def scaled(scale, events=None):
    """All sizes times the scale; events: the first, if given."""
    def size(number):
        return max(1, round(number * scale))
    return Sizes(events or size(EVENTS), size(LATENCY), size(WARM_UP))
