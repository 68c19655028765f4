"""The sections of table.md: of each its heading, what a reader must know, and its table."""
import costs
import instructions
import latency
import script_cost


def failure(line, columns):
    """The row of a measure that did not come to a figure, or None."""
    for what in ("skipped", "wrong"):
        if what in line:
            return f"| {line['title']} | {what}: {line[what]} |" + " |" * (columns - 2)
    return None


def spread(line, name):
    return f"{(line[name + '_max'] - line[name + '_min']) / line[name]:.0%}" if line[name] else ""


def named(line):
    return f"{line['title']} (`{line['name']}`)"


def rate_row(line):
    part = "" if line["of_limit"] is None else f"{line['of_limit']:.0%} of {line['limit']}"
    return (f"| {named(line)} | {line['rate']:,.0f} | {spread(line, 'rate')} | {part} | {line['cpu_us']:.1f} | "
            f"{line['peak_kib'] / 1024:.1f} |")


def rates(lines):
    return ["| what | events/s | spread | ratio | CPU µs/event | peak RSS MiB |", "|---|---:|---:|---:|---:|---:|",
            *(failure(line, 6) or rate_row(line) for line in lines)]


def times_the_limit(line, quantile):
    ratio = line[quantile + "_of_limit"]
    goal = latency.GOALS.get(line["name"], {}).get(quantile)
    if ratio is None:
        return ""
    return f"{ratio:.2f}" + (f" (goal: {goal})" if goal else "")


def latency_row(line):
    took = " | ".join(f"{line[name] / 1000:.2f}" for name in ("p50", "p99", "p999"))
    return (f"| {named(line)} | {took} | {spread(line, 'p50')} | {spread(line, 'p99')} | "
            f"{times_the_limit(line, 'p50')} | {times_the_limit(line, 'p99')} | {line['late_p99'] / 1000:.2f} |")


def latencies(lines):
    goal = latency.GOALS["latency-1"]
    return [
        f"Milliseconds from the sending of an event, {latency.PER_SECOND:,} a second, each with its confirm; quantiles "
        "of each round, medians of the rounds. Of the limit: times that of the same round. Goal with one view: p50 "
        f"at most {goal['p50']} times the limit's, p99 at most {goal['p99']} times. Late: how far behind its schedule "
        "the publisher was, which is not in the other figures.",
        "",
        "| what | p50 | p99 | p99.9 | spread of p50 | spread of p99 | p50, of the limit | p99, of the limit | "
        "late, p99 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(failure(line, 9) or latency_row(line) for line in lines)]


def rebuilds(lines):
    return [
        "From the start of `fanfold rebuild VIEW --yes` until the new rows are in force, while the live view stands "
        "at the end of the log; CPU of the worker and the command. In the log that was written an event at a time "
        "each is a chunk alone.",
        "", *rates(lines)]


def divided(lines):
    return [
        "A log with four partitions, and a fold that takes 50 µs of the processor for each event: from when all workers "
        "fold, each its share, until four fifths are folded. Goal: two workers at least 1.7 times one. Copied: by the "
        "partitions' recorder, from its start.",
        "", *rates(lines)]


def script_row(line):
    part = "" if line["of_limit"] is None else f"{line['of_limit']:.2f} times {line['limit']}"
    design = costs.DESIGN.get(line["name"], "")
    return f"| {named(line)} | {line['cost']:.2f} | {spread(line, 'cost')} | {part} | {design} |"


def scripts(lines):
    return [
        f"Microseconds of Redis for a change in batches of {script_cost.CHANGES}, on a Redis without persistence, by "
        "Redis' own count; all rows are there before. Design: what was measured when Fanfold was designed.",
        "",
        "| what | µs/change | spread | ratio | design |",
        "|---|---:|---:|---:|---:|",
        *(failure(line, 5) or script_row(line) for line in lines)]


def count_row(line, stored):
    return f"| {named(line)} | {line['cost']:,.0f} | {stored[line['name'].replace('-', ' ')]:,} |"


def counts(lines):
    baseline = instructions.load()
    stored = baseline["instructions_per_event"]
    return [
        "Instructions of a worker for an event, by callgrind; stored: what a test (`bench/instructions`) holds them "
        f"against, of {baseline['built_with']}.",
        "",
        "| what | instructions/event | stored |",
        "|---|---:|---:|",
        *(failure(line, 3) or count_row(line, stored) for line in lines)]


def growths(lines):
    return [
        "One worker, from its start until it has folded the whole log, with so many events, views (each folds every "
        "event) or rows. Below, what a publisher reaches: views must cost it nothing but the processor that a worker "
        "takes from it.",
        "", *rates(lines)]


SECTIONS = {"rates": ("Rates", rates), "latency": ("Latency", latencies), "rebuild": ("Rebuild", rebuilds),
            "divided": ("One view, many workers", divided),
            "script": ("Cost of a change in Redis", scripts), "instructions": ("Cost of an event", counts),
            "growth": ("Growth", growths)}


def sections(lines):
    for name, (heading, table) in SECTIONS.items():
        if found := [line for line in lines if line["section"] == name]:
            yield from ["", "## " + heading, "", *table(found)]
