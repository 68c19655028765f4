#!/usr/bin/python3
"""README's first command: it shows the views, works a second time, and leaves nothing running."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import fanfold

SHOP = fanfold.SOURCE / "workers/examples/shop"


def running(folder):
    """Processes that were started from the folder: servers carry it in their environment, workers are
    named by their pid files."""
    marked = []
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in environ.read_bytes():
                marked.append((environ.parent / "cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            continue
    return [line for line in marked if line.startswith((b"redis-server", b"/usr/lib/erlang")) or
            b"fanfold worker" in line or b"epmd" in line]


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-quickstart-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.quickstart, "remove")

    def quickstart(self, *args):
        done = subprocess.run([fanfold.SOURCE / "scripts/quickstart", *args], capture_output=True,
                              text=True, timeout=400, stdin=subprocess.DEVNULL,
                              env={**os.environ, "FANFOLD_QUICKSTART_DIR": str(self.folder)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def stock(self, output):
        lines = output.splitlines()
        return json.loads(lines[lines.index("$ fanfold get stock stock:tea-sencha") + 1])

    def expected_stock(self):
        on_hand = reserved = 0
        placed = {}
        for event in fanfold.read_ndjson(SHOP / "events.ndjson"):
            if event["type"] == "stock.received" and event["subject"] == "tea-sencha":
                on_hand += event["data"]["quantity"]
            for line in event["data"].get("lines", []):
                if line["sku"] != "tea-sencha":
                    continue
                if event["type"] == "order.placed":
                    reserved += line["quantity"]
                elif event["type"] == "order.cancelled":
                    reserved -= line["quantity"]
                elif event["type"] == "order.shipped":
                    reserved -= line["quantity"]
                    on_hand -= line["quantity"]
        return {"on_hand": str(on_hand), "reserved": str(reserved)}

    def test_twice_and_stop(self):
        first = self.quickstart()
        events = len(fanfold.read_ndjson(SHOP / "events.ndjson"))
        self.assertIn(f"published {events} events, {events} confirmed", first)
        self.assertEqual(self.stock(first), self.expected_stock())
        self.assertEqual(first.count("  streaming  "), 5, first)
        self.assertTrue(running(self.folder))

        second = self.quickstart()
        self.assertEqual(self.stock(second), self.stock(first))
        self.assertEqual(second.count("  streaming  "), 5, second)

        self.quickstart("stop")
        self.assertEqual(running(self.folder), [])


if __name__ == "__main__":
    unittest.main()
