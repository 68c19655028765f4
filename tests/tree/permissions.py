#!/usr/bin/python3
"""The Redis user `worker` may run every command that the workers' scripts use, and a worker asks at
its start whether it may: a command that is forbidden must not show in the middle of a switch."""

import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STORE = os.path.join(ROOT, "workers", "store")
OF_A_PERSON = {"compare.lua"}  # run by the command line only
WORDS = {"WRONGTYPE", "COUNT", "KEEPTTL", "WITHSCORES"}  # quoted, but no commands


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def used():
    """command -> the scripts that use it"""
    found = {}
    for name in sorted(os.listdir(STORE)):
        if name.endswith(".lua") and name not in OF_A_PERSON:
            for word in set(re.findall(r"'([A-Z]{3,})'", read(STORE, name))) - WORDS:
                found.setdefault(word, []).append(name)
    return found


class Permissions(unittest.TestCase):
    def test_the_scripts_are_read(self):
        self.assertLess({"HSET", "PTTL", "SMEMBERS", "PEXPIREAT", "ZREVRANGE"}, set(used()))

    def test_the_user_of_the_workers_may(self):
        user = next(line for line in read(ROOT, "broker-config", "users.acl").splitlines() if line.startswith("user worker "))
        allowed = {word[1:].upper() for word in user.split() if word.startswith("+")}
        self.assertEqual({command: where for command, where in used().items() if command not in allowed}, {})

    def test_a_worker_asks_at_its_start(self):
        asked = set(re.findall(r'^    \{"([A-Z]+)"', read(STORE, "redis_check.c"), re.M)) | {"INFO"}
        self.assertEqual({command: where for command, where in used().items() if command not in asked}, {})


if __name__ == "__main__":
    unittest.main()
