"""What a change costs inside Redis (script_cost.py), and what an event costs a worker in instructions
(instructions.py). The latter come out the same every time, for one compiler and C library."""
import shutil
import tempfile

import instructions
import peers
import script_cost
from measure import Measure

ROWS = (50, 4000)
WHAT = {"delta": "delta, without any check", "absolute": "read, compute, write; without any check",
        "commit": "the commit script"}
# DESIGN section 11: microseconds a change in batches of 400, on the reference machine.
DESIGN = {"delta-50": "0.54 to 0.63", "delta-4000": "0.54 to 0.63", "absolute-50": "0.48", "absolute-4000": "1.73"}


def script(name, rows, batches):
    """Microseconds a change."""
    options = script_cost.Options(script_cost.CHANGES, batches)

    def run(_, __):
        with script_cost.Server() as server:
            return script_cost.Lane(server, name, script_cost.SCRIPTS[name], rows, options).run()
    return run


def scripts(batches):
    for rows in ROWS:
        for name, what in WHAT.items():
            yield Measure("script", f"{name}-{rows}", f"{what}: {rows:,} rows",
                          f"absolute-{rows}" if name == "commit" else None, [], script(name, rows, batches), 0.5)


def counted(workload, stage):
    """Instructions an event."""
    def run(world, _):
        if not shutil.which("valgrind"):
            raise peers.Skipped("valgrind is not installed")
        with tempfile.TemporaryDirectory() as folder:
            program = instructions.stripped(world.program("fold_cost"), folder)
            try:
                return instructions.count(program, workload, stage)[0]
            except RuntimeError as why:
                raise peers.Skipped(str(why)) from why
    return run


def stages():
    for workload in instructions.WORKLOADS:
        for stage in instructions.STAGES:
            yield Measure("instructions", f"{workload}-{stage}", f"{workload}: {stage}", None, [],
                          counted(workload, stage), 1, once=True)


def measures(batches):
    yield from scripts(batches)
    yield from stages()
