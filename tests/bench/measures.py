"""Everything that can be measured, and what of it a run is about."""
import fnmatch

import costs
import divided
import growth
import latency
import rates
import rebuild
from workloads import Numbered, Shop, Sums

USUAL = ("rates", "latency", "rebuild", "divided", "script", "instructions")
SECTIONS = (*USUAL, "growth")


def every(sizes, peers):
    """All measures; peers are looked for in the folder."""
    sums, shop = Sums(sizes.events), Shop(sizes.events)
    slow = Numbered("slow", sizes.slow, window=1)
    return [*rates.measures(sums, shop, peers), *latency.measures(sizes.latency, sizes.warm_up),
            *rebuild.measures(sums, slow), *divided.measures(sums, sizes.divided), *costs.measures(sizes.batches), *growth.measures(sizes.growth)]


def with_limits(chosen, found):
    """And those that they are compared with."""
    limits = {measure.limit for measure in chosen}
    return [measure for measure in found if measure in chosen or measure.name in limits]


def of_sections(names, found):
    return with_limits([measure for measure in found if measure.section in names], found)


def matching(patterns, found):
    return [measure for measure in found if any(fnmatch.fnmatch(measure.name, pattern) for pattern in patterns)]


def workloads(chosen):
    """Those that are needed, each once."""
    return list({workload.name: workload for measure in chosen for workload in measure.workloads}.values())


def seconds(chosen, rounds):
    """About how long it takes on two cores: servers, logs, and all rounds."""
    measured = sum(measure.seconds * (1 if measure.once else rounds) for measure in chosen)
    return 12 + sum(workload.seconds for workload in workloads(chosen)) + measured
