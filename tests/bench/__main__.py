"""What scripts/bench runs: every measure once a round, in turn, forwards and backwards; then the report."""
import argparse
import os
import pathlib
import signal
import sys
import time

import fanfold
import measures
import peers
import report
import sizes
import summary
from world import World
from wrong import Wrong

BUSY = 0.5  # processes that run already
OUT = fanfold.SOURCE / "build/bench"


def say(text, end="\n"):
    print(text, end=end, file=sys.stderr, flush=True)


def progress(text):
    if sys.stderr.isatty():
        say("\r\033[K" + text, end="")


def options():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("sets", nargs="*", metavar="SET",
                        help="what to measure: " + ", ".join(measures.SECTIONS) + "; all. Without any: all but growth")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (5)")
    parser.add_argument("--events", type=int, metavar="N", help=f"events of a run ({sizes.EVENTS})")
    parser.add_argument("--scale", type=float, default=1, metavar="X",
                        help="all sizes times X; 0.01 shows in a minute whether it works here")
    parser.add_argument("--only", nargs="+", metavar="NAME",
                        help="these measures, of any set, as patterns: shop-1, 'null-*'")
    parser.add_argument("--out", type=pathlib.Path, default=OUT, metavar="DIR",
                        help="where table.md, results.json and plot.svg go (build/bench)")
    parser.add_argument("--peers", type=pathlib.Path, default=peers.FOLDER, metavar="DIR",
                        help="workers to compare with, by manifest.json (tests/bench/peers)")
    parser.add_argument("--list", action="store_true", help="name the measures with their sets, and end")
    given = parser.parse_args()
    if given.rounds < 1 or given.events is not None and given.events < 1 or given.scale <= 0:
        parser.error("--rounds and --events are at least 1, --scale is more than 0")
    given.sizes = sizes.scaled(given.scale, given.events)
    given.measures = chosen(given, parser)
    return given


def chosen(given, parser):
    every = measures.every(given.sizes, given.peers)
    for name in given.sets:
        if name not in (*measures.SECTIONS, "all"):
            parser.error(f"{name}: no such set; there are: {', '.join(measures.SECTIONS)}, all")
    for pattern in given.only or []:
        if not measures.matching([pattern], every):
            parser.error(f"--only {pattern}: no such measure; there are: "
                         + ", ".join(measure.name for measure in every))
    sets = measures.SECTIONS if "all" in given.sets or not given.sets and (given.only or given.list) else given.sets
    found = measures.of_sections(sets or measures.USUAL, every)
    return measures.matching(given.only, found) if given.only else found


def in_turn(given):
    """Yields (round, measure): every other round backwards, so that a steady drift hits all alike."""
    for round_ in range(given.rounds):
        for measure in given.measures if round_ % 2 == 0 else given.measures[::-1]:
            if round_ == 0 or not measure.once:
                yield round_, measure


def measure_all(given, world):
    """A measure that cannot run here, fails, or comes out wrong, is not tried again; the others go on."""
    samples = {measure.name: [] for measure in given.measures}
    failed = {}
    for round_, measure in in_turn(given):
        if measure.name in failed:
            continue
        progress(f"round {round_ + 1} of {given.rounds}: {measure.name}")
        try:
            samples[measure.name].append(measure.run(world, round_))
        except peers.Skipped as why:
            failed[measure.name] = {"skipped": str(why)}
        except (Wrong, AssertionError) as error:
            failed[measure.name] = {"wrong": " ".join(str(error).split())}
    progress("")
    return summary.lines(given.measures, samples, failed)


def duration(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def bench(given):
    """Returns whether all results were right."""
    load = os.getloadavg()[0]
    if load > BUSY:
        say(f"bench: this machine has other work to do (load {load:.1f}): expect lower rates, and spread")
    say(f"bench: {len(given.measures)} measures, {given.rounds} rounds: about "
        f"{duration(measures.seconds(given.measures, given.rounds))} on two cores")
    progress("starting servers, and publishing what is drained")
    began = time.monotonic()
    with World(measures.workloads(given.measures)) as world:
        lines = measure_all(given, world)
    results = {"rounds": given.rounds, "events": given.sizes.events, "scale": given.scale,
               "seconds": time.monotonic() - began, "machine": report.machine(load), "measures": lines}
    report.write(given.out, results)
    print(report.table(results), end="")
    say(f"bench: {duration(results['seconds'])}; table.md, results.json and plot.svg are in {given.out}")
    wrong = [line for line in lines if "wrong" in line]
    for line in wrong:
        say(f"bench: WRONG: {line['name']}: {line['wrong']}")
    return not wrong


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    given = options()
    if given.list:
        for measure in given.measures:
            print(f"{measure.section:12} {measure.name:18} {measure.title}")
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        return 0 if bench(given) else 1
    except AssertionError as error:
        progress("")
        say(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        progress("")
        say("bench: interrupted; its servers are gone")
        return 130


if __name__ == "__main__":
    sys.exit(main())
