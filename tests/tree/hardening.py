#!/usr/bin/python3
"""The program is hardened: position-independent, read-only relocations, no executable stack, stack
protector, fortified calls.

    hardening.py PROGRAM

It looks at what was built, not at the flags: a flag can be lost on the way.
"""
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1)


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, PROGRAM], check=True, capture_output=True,
                          text=True, env={"LC_ALL": "C"}).stdout


def segment(name):
    """The line of the program header, as words."""
    for line in readelf("--program-headers").splitlines():
        if line.split()[:1] == [name]:
            return line.split()
    return None


class Hardening(unittest.TestCase):
    def test_position_independent(self):
        self.assertRegex(readelf("--file-header"), r"Type:\s+DYN")
        self.assertRegex(readelf("--dynamic"), r"FLAGS_1.*\bPIE\b")

    def test_relocations_are_read_only_before_main(self):
        self.assertIsNotNone(segment("GNU_RELRO"))
        self.assertRegex(readelf("--dynamic"), r"FLAGS.*\bNOW\b")

    def test_stack_is_not_executable(self):
        self.assertNotIn("E", segment("GNU_STACK")[6])

    def test_stack_protector(self):
        self.assertIn("__stack_chk_fail", readelf("--dyn-syms"))

    def test_calls_are_fortified(self):
        symbols = readelf("--dyn-syms")
        self.assertRegex(symbols, r"__vsnprintf_chk")
        self.assertNotRegex(symbols, r" vsnprintf@")


if __name__ == "__main__":
    unittest.main()
