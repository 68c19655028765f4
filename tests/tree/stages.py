#!/usr/bin/python3
"""Each stage includes only what it may use (DESIGN: "Where things stand in the tree").

Headers in /usr/include are visible to every file, so linking alone does not confine a library to its
stage; this test does. Also: files of one idea stay small.
"""

import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORKERS = os.path.join(ROOT, "workers")

# stage -> stages whose headers it may include
STAGES = {
    "base": set(),
    "event": {"base"},
    "view": {"base", "event"},
    "store": {"base", "view"},
    "log": {"base", "event"},
    "worker": {"base", "event", "view", "store", "log"},
    "cli": {"base", "event", "view", "store", "log", "worker"},
}
# contract in include/fanfold -> the stage that implements it
CONTRACTS = {
    "message": "event", "cloudevent": "event",
    "change": "view", "row": "view", "view": "view", "fold": "view",
    "moved": "store", "position": "store", "store": "store", "ram_store": "store", "redis_store": "store",
    "redis_reader": "store", "generation": "store", "compare": "store", "room": "store", "pool": "store", "parked": "store",
    "stream_reader": "log", "stream_probe": "log", "stream_ahead": "log", "topology": "log", "publisher": "log",
    "recorder": "log",
}
# library -> (what its headers look like, stages that may include them)
LIBRARIES = {
    "rabbitmq-c": (r"^(amqp|rabbitmq-c/)", {"log"}),
    "hiredis": (r"^hiredis/", {"store"}),
    "libevent": (r"^event2/", {"log", "store", "worker", "cli"}),
    "cJSON": (r"^cjson/", {"base", "view", "store", "worker", "cli"}),
}
FILE_LINES_MAX = 600


def sources():
    for stage in STAGES:
        for folder, _, names in os.walk(os.path.join(WORKERS, stage)):
            for name in names:
                if name.endswith((".c", ".h")):
                    yield stage, os.path.join(folder, name)


def includes(path):
    with open(path, encoding="utf-8") as file:
        return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', file.read(), re.M)


def fault(stage, header):
    """Why a file of the stage may not include the header, or None."""
    for library, (pattern, allowed) in LIBRARIES.items():
        if re.match(pattern, header) and stage not in allowed:
            return f"{library} belongs to {', '.join(sorted(allowed))}"
    owner = None
    if header.startswith("fanfold/"):
        owner = CONTRACTS.get(header[len("fanfold/"):-len(".h")])
        if owner is None:
            return "no stage is known to implement it: name it in CONTRACTS"
    elif header.split("/")[0] in STAGES and "/" in header:
        owner = header.split("/")[0]
    if owner and owner != stage and owner not in STAGES[stage]:
        return f"stage {stage} may not use stage {owner}"
    return None


class Stages(unittest.TestCase):
    def test_includes(self):
        seen = 0
        for stage, path in sources():
            for header in includes(path):
                seen += 1
                why = fault(stage, header)
                self.assertIsNone(why, f"{os.path.relpath(path, ROOT)} includes {header}: {why}")
        self.assertGreater(seen, 100)

    def test_the_rules_can_fail(self):
        self.assertIsNotNone(fault("view", "hiredis/hiredis.h"))
        self.assertIsNotNone(fault("store", "amqp.h"))
        self.assertIsNotNone(fault("event", "event2/event.h"))
        self.assertIsNotNone(fault("base", "fanfold/message.h"))
        self.assertIsNone(fault("worker", "fanfold/pool.h"))

    def test_every_contract_is_owned(self):
        headers = {name[:-2] for name in os.listdir(os.path.join(ROOT, "include", "fanfold"))}
        self.assertEqual(headers, set(CONTRACTS))

    def test_files_stay_small(self):
        for _, path in sources():
            with open(path, encoding="utf-8") as file:
                lines = sum(1 for _ in file)
            self.assertLessEqual(lines, FILE_LINES_MAX, os.path.relpath(path, ROOT))

    def test_top_level_is_closed(self):
        allowed = {"CMakeLists.txt", "CMakePresets.json", "workers", "broker-config", "include",
                   "scripts", "tests", "README.md", "LICENSE", "CHANGELOG.md", "build"}
        extra = {n for n in os.listdir(ROOT) if not n.startswith(".")} - allowed
        self.assertFalse({n for n in extra if not n.startswith("build")}, "not at the top level")


if __name__ == "__main__":
    sys.exit(unittest.main())
