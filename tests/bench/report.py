"""Writes what came out: results.json, table.md, plot.svg."""
import json
import os
import pathlib
import platform
import subprocess

import fanfold
import plot


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else "unknown"


def processor():
    for text in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if text.startswith("model name"):
            return text.split(":", 1)[1].strip()
    return platform.machine()


def machine(load):
    """load: how many processes ran on the average minute before, none of them the benchmark's."""
    return {
        "load": round(load, 1),
        "processor": processor(), "cores": os.cpu_count(), "kernel": platform.release(),
        "rabbitmq": first_line("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"),
        "redis": first_line("dpkg-query", "-W", "-f", "${Version}", "redis-server"),
        "fanfold": first_line(fanfold.binary(), "version"),
    }


def row(line):
    for what in ("skipped", "wrong"):
        if what in line:
            return f"| {line['title']} | {what}: {line[what]} | | | | |"
    spread = (line["rate_max"] - line["rate_min"]) / line["rate"]
    part = "" if line["of_limit"] is None else f"{line['of_limit']:.0%} of {line['limit']}"
    name = f"{line['title']} (`{line['name']}`)"
    return (f"| {name} | {line['rate']:,.0f} | {spread:.0%} | {part} | {line['cpu_us']:.1f} | "
            f"{line['peak_kib'] / 1024:.1f} |")


def table(results):
    return "\n".join([
        f"Medians; rounds: {results['rounds']}, each of {results['events']:,} events; "
        "spread: (highest − lowest) / median. "
        f"{results['machine']['cores']} cores ({results['machine']['processor']}) that all parts share; load before: "
        f"{results['machine']['load']}.",
        "",
        "| what | events/s | spread | ratio | CPU µs/event | peak RSS MiB |",
        "|---|---:|---:|---:|---:|---:|",
        *(row(line) for line in results["measures"])]) + "\n"


def write(folder, results):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    (folder / "table.md").write_text(table(results))
    (folder / "plot.svg").write_text(plot.svg(results["measures"]))
