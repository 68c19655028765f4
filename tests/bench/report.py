"""Writes what came out: results.json, table.md, plot.svg."""
import json
import os
import pathlib
import platform
import re
import subprocess

import fanfold
import plot
import tables


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


def table(results):
    machine = results["machine"]
    return "\n".join([
        f"Medians of {results['rounds']} rounds; spread: (highest − lowest) / median. "
        f"{machine['cores']} cores ({machine['processor']}) that all parts share; load before: {machine['load']}. "
        f"RabbitMQ {machine['rabbitmq']}, Redis {machine['redis']}. Events: {results['events']:,}"
        + ("." if results["scale"] == 1 else f"; other sizes: the usual ones times {results['scale']:g}."),
        *tables.sections(results["measures"])]) + "\n"


def json_of(results):
    """With each list of numbers on one line."""
    return re.sub(r"\[[\s\d,.]+\]", lambda numbers: "".join(numbers[0].split()),
                  json.dumps(results, indent=2)) + "\n"


def write(folder, results):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json_of(results))
    (folder / "table.md").write_text(table(results))
    (folder / "plot.svg").write_text(plot.svg(results["measures"]))
