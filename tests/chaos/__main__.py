"""What scripts/chaos runs: servers, workers and publishers, faults on a schedule, and the judgement at the
end: the log holds every confirmed event, and every view is the fold of the log (flow.fold, plain Python)."""
import argparse
import random
import sys
import time

import faults
import flow
import log
from world import PREFIX, World

LAST = {"specversion": "1.0", "id": "flow-last", "source": "/chaos", "type": "flow.moved", "subject": "s0",
        "time": "2026-03-01T00:00:00Z", "data": {"n": 0, "amount": 1, "user": "u0"}}


def schedule(which, chance, end):
    """Every fault once, in random order; then any, until the time is over."""
    once = list(which)
    chance.shuffle(once)
    yield from once
    while time.monotonic() < end:
        yield chance.choice(which)


def provoke(world, which, chance, end, began):
    """Returns how often each fault was felt."""
    felt = dict.fromkeys((fault.__name__ for fault in which), 0)
    for fault in schedule(which, chance, end):
        started = time.monotonic()
        what = fault(world, chance)
        felt[fault.__name__] += 1
        world.check_running()
        print(f"{started - began:6.1f} s  {fault.__name__:16} {time.monotonic() - started:5.1f} s  {what}",
              flush=True)
    return felt


def judge(world):
    """Compares the log with what was confirmed, and the views with the log. Returns what is wrong."""
    world.foreign.publish(LAST)
    world.foreign.disconnect()
    intake = log.read(world.servers, world.project.partition, LAST["id"])
    events = [event for _, event in intake]
    print(f"the log holds {len(events)} events; every view is to be their fold", flush=True)
    wrong = []
    held = {(event["source"], event["id"]) for event in events}
    confirmed = world.ours.confirmed | world.foreign.confirmed
    if lost := confirmed - held:
        wrong.append(f"{len(lost)} of {len(confirmed)} confirmed events are not in the log: {sorted(lost)[:5]}")
    world.project.wait_for(world.views, len(events), deadline=180)
    expected = flow.fold(events, PREFIX, world.names)
    for key, (row, right) in flow.wrong(world.project.rows(PREFIX), expected.rows).items():
        wrong.append(f"row {key} is {row}, should be {right}")
    for view in world.views:
        tally = world.project.tally(view)
        if (tally["duplicates"], tally["parked"]) != (expected.duplicates, expected.parked[view]):
            wrong.append(f"view {view}: {tally}, should be {expected.duplicates} duplicates and "
                         f"{expected.parked[view]} parked")
    wrong += world.log.wrong(intake, world.in_force())
    for count, chains in world.log.sets.items():
        print(f"{count} partitions: {sum(len(chain.offsets) for chain in chains)} events, "
              f"{sum(chain.repeats for chain in chains)} records twice", flush=True)
    print(f"{len(confirmed)} events confirmed, {expected.duplicates} copies in the log, "
          f"{len(expected.rows)} rows in {len(world.views)} views", flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(prog="scripts/chaos")
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long at least")
    parser.add_argument("--seed", type=int, help="of an earlier run")
    parser.add_argument("--partitions", type=int, default=1, help="of the log")
    parser.add_argument("--faults", help="only these, separated by commas")
    given = parser.parse_args()
    which = faults.OF_ANY_LOG + (faults.OF_RECORDED if given.partitions > 1 else ())
    if given.faults:
        which = [{fault.__name__: fault for fault in which}[name] for name in given.faults.split(",")]
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"chaos: seed {seed}", flush=True)
    began = time.monotonic()
    try:
        with World(seed, given.partitions) as world:
            world.await_progress()
            felt = provoke(world, which, random.Random(seed), began + given.minutes * 60, began)
            world.end_publishing()
            wrong = judge(world)
    except AssertionError as error:
        wrong, felt = [str(error)], {}
    for line in wrong:
        print("WRONG:", line)
    if wrong:
        print(f"chaos: again with --seed {seed}")
        return 1
    print("felt: " + ", ".join(f"{name} {count}×" for name, count in felt.items()))
    print(f"chaos: nothing lost, nothing twice; {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
