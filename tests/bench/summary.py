"""From the samples of all rounds to one line a measure: medians and spread. Ratios are taken within a round,
so what slows a round down as a whole does not show in them."""
from statistics import median


def ratio(own, limits):
    """The median of what a measure came to as a part of its limit; None without a limit."""
    if not limits or len(limits) != len(own):
        return None
    return median(one / limit for one, limit in zip(own, limits))


def spread(name, values):
    return {name: median(values), name + "_min": min(values), name + "_max": max(values)}


def rate(samples, limits):
    """Events a second."""
    def rates(samples):
        return [sample.events / sample.seconds for sample in samples or []]
    return {
        "rounds": [sample._asdict() for sample in samples], **spread("rate", rates(samples)),
        "of_limit": ratio(rates(samples), rates(limits)),
        "cpu_us": median(sample.cpu / sample.events * 1e6 for sample in samples),
        "peak_kib": max(sample.peak_kib for sample in samples),
    }


def latency(samples, limits):
    """Microseconds; quantiles are those of a round."""
    rounds = [times.quantiles() for times in samples]
    below = [times.quantiles() for times in limits or []]
    line = {"rounds": [{**quantiles, "took_us": times.took_us, "late_us": times.late_us}
                       for quantiles, times in zip(rounds, samples)]}
    for name in rounds[0]:
        line |= spread(name, [quantiles[name] for quantiles in rounds])
        line[name + "_of_limit"] = ratio([quantiles[name] for quantiles in rounds],
                                         [max(1, quantiles[name]) for quantiles in below])
    return line


def cost(figures, limits):
    """Microseconds a change, or instructions an event."""
    return {"rounds": figures, **spread("cost", figures), "of_limit": ratio(figures, limits)}


OF_SECTION = {"latency": latency, "script": cost, "instructions": cost}


def line(measure, samples, failed, limits):
    made = {"section": measure.section, "name": measure.name, "title": measure.title, "limit": measure.limit,
            **({"point": measure.point} if measure.point else {})}
    return {**made, **(failed or OF_SECTION.get(measure.section, rate)(samples, limits))}


def lines(measures, samples, failed):
    """samples: {name: [what a round came to, …]}, failed: {name: {"skipped" or "wrong": why}}."""
    return [line(measure, samples[measure.name], failed.get(measure.name), samples.get(measure.limit))
            for measure in measures]
