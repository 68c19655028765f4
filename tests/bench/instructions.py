"""Instructions that an event costs, by callgrind: measured, and judged against a stored baseline.

    instructions_test.py compares; `--renew` stores. Where an event's instructions go:
    callgrind_annotate of a file that count(…, keep=FILE) leaves.

The baseline holds for the compiler and the C library that it was made with. With others the figures are
others too: then only gross waste is looked for.
"""
import collections
import json
import os
import pathlib
import platform
import re
import subprocess
import tempfile

BASELINE = pathlib.Path(__file__).with_name("instructions.json")
WORKLOADS = ("sums", "shop")
STAGES = ("decode", "window", "fold", "encode")
EVENTS = 4000

# The same functions of the C library on every processor: it would choose them by what the processor has.
TUNABLES = "glibc.cpu.hwcaps=-AVX512VL,-AVX512BW,-AVX2,-AVX,-ERMS,-FSRM,-SSE4_2,-SSE4_1,-SSSE3,-BMI2"

Measured = collections.namedtuple("Measured", "built_with figures")  # figures: "shop decode" → instructions
Verdict = collections.namedtuple("Verdict", "failures notes")


def count(program, workload, stage, events=EVENTS, keep=None):
    """(instructions an event, what the program says of itself); keep: where callgrind's file is wanted."""
    with tempfile.TemporaryDirectory(prefix="fanfold-instructions-") as folder:
        out = pathlib.Path(keep or f"{folder}/callgrind.out")
        run = subprocess.run(
            ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no",
             f"--callgrind-out-file={out}", program, workload, stage, str(events), "1"],
            capture_output=True, text=True, timeout=120, env={**os.environ, "GLIBC_TUNABLES": TUNABLES})
        if run.returncode:
            raise RuntimeError(f"fold_cost {workload} {stage} ended with {run.returncode}: {run.stderr}")
        said = json.loads(run.stdout)
        if not said["callgrind"]:
            raise RuntimeError("fold_cost was built without valgrind/callgrind.h: install valgrind, build again")
        total = int(re.search(r"^totals: (\d+)", out.read_text(), re.M)[1])
    return round(total / events), said


def stripped(program, folder):
    """A copy in the folder. Counts need no debug information, and valgrind 3.19 does not understand clang's."""
    copy = f"{folder}/fold_cost"
    subprocess.run(["strip", "--strip-debug", "-o", copy, program], check=True)
    return copy


def measure(program):
    figures = {}
    with tempfile.TemporaryDirectory(prefix="fanfold-instructions-") as folder:
        copy = stripped(program, folder)
        for workload in WORKLOADS:
            for stage in STAGES:
                figures[f"{workload} {stage}"], said = count(copy, workload, stage)
    libc = " ".join(platform.libc_ver())
    return Measured(f"{said['compiler']}, {libc}, {platform.machine()}", figures)


def load():
    return json.loads(BASELINE.read_text())


def store(measured):
    old = load() if BASELINE.exists() else {"tolerance": 0.05, "tolerance_elsewhere": 0.30}
    new = {**old, "built_with": measured.built_with, "instructions_per_event": measured.figures}
    BASELINE.write_text(json.dumps(new, indent=2) + "\n")


def line(name, now, before, tolerance):
    return (f"{name}: {now:,} instructions an event, {now / before - 1:+.1%} from the baseline's {before:,} "
            f"(tolerance {tolerance:.0%})")


def judge(measured, baseline, renew):
    """renew: the command that a person runs to store new figures."""
    verdict = Verdict([], [])
    before = baseline["instructions_per_event"]
    same = measured.built_with == baseline["built_with"]
    tolerance = baseline["tolerance" if same else "tolerance_elsewhere"]
    if not same:
        verdict.notes.append(f"comparison within {baseline['tolerance']:.0%} left out: built with {measured.built_with}, "
                             f"the baseline with {baseline['built_with']}; {tolerance:.0%} is the bound")
    if set(before) != set(measured.figures):
        verdict.failures.append(f"the baseline is of other stages: {sorted(set(before) ^ set(measured.figures))}; {renew}")
    for name in [name for name in measured.figures if name in before]:
        now, then = measured.figures[name], before[name]
        if now > then * (1 + tolerance):
            verdict.failures.append(f"{line(name, now, then, tolerance)}; if it must cost that: {renew}")
        elif same and now < then * (1 - tolerance):
            verdict.notes.append(f"{line(name, now, then, tolerance)}; keep the gain: {renew}")
    return verdict
