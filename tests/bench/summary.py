"""From the samples of all rounds to one line a measure: medians and spread. Ratios are taken within a round,
so what slows a round down as a whole does not show in them."""
from statistics import median


def rates(samples):
    return [sample.events / sample.seconds for sample in samples]


def ratio(samples, limits):
    """The median of what a measure reached of its limit; None without a limit."""
    if not limits or len(limits) != len(samples):
        return None
    return median(own / limit for own, limit in zip(rates(samples), rates(limits)))


def line(measure, samples, failed, limits):
    made = {"name": measure.name, "title": measure.title, "limit": measure.limit}
    if failed:
        return {**made, **failed}
    per_second = rates(samples)
    return {
        **made, "rounds": [sample._asdict() for sample in samples],
        "rate": median(per_second), "rate_min": min(per_second), "rate_max": max(per_second),
        "of_limit": ratio(samples, limits),
        "cpu_us": median(sample.cpu / sample.events * 1e6 for sample in samples),
        "peak_kib": max(sample.peak_kib for sample in samples),
    }


def lines(measures, samples, failed):
    """samples: {name: [Sample, …]}, failed: {name: {"skipped" or "wrong": why}}."""
    return [line(measure, samples[measure.name], failed.get(measure.name), samples.get(measure.limit))
            for measure in measures]
