"""scripts/bench at its smallest: what it writes, that it notices a wrong result, and that it leaves nothing
behind, also when it is interrupted."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

import fanfold

BENCH = pathlib.Path(__file__).parent
EVENTS = 2000
SUM = sum(number % 7 + 1 for number in range(EVENTS))  # workloads.Sums
PEERS = {
    "absent": "#!/bin/sh\necho 'no such interpreter here' >&2\nexit 77\n",
    "wrong": "#!/bin/sh\nexit 0\n",
    "sleeper": "#!/bin/sh\ntouch \"${0%/*}/asleep\"\nexec sleep 100\n",
}


def processes(folder):
    """Those that were started with this folder for their temporary files."""
    return fanfold.processes_with(f"TMPDIR={folder}")


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-bench-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.temporary, self.peers, self.out = (self.folder / name for name in ("tmp", "peers", "out"))
        self.temporary.mkdir()
        self.peers.mkdir()
        for name, text in PEERS.items():
            (self.peers / name).write_text(text)
            (self.peers / name).chmod(0o755)
        (self.peers / "manifest.json").write_text(json.dumps(
            [{"name": name, "what": "by hand: " + name, "command": [name]} for name in PEERS]))

    def bench(self, *only):
        return subprocess.Popen(
            [sys.executable, BENCH, "--rounds", "1", "--events", str(EVENTS), "--peers", self.peers, "--out",
             self.out, "--only", *only], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(self.temporary)})

    def end(self, bench, code):
        """Returns what it said, when it has ended with this exit code and left nothing behind."""
        out, err = bench.communicate(timeout=60)
        self.assertEqual(bench.returncode, code, err)
        fanfold.poll(lambda: not processes(self.temporary), 5, "its processes to be gone")
        self.assertEqual(list(self.temporary.iterdir()), [])
        return out, err

    def test_what_it_writes(self):
        """A wrong result is no rate, and fails the run; the others are measured all the same."""
        names = ["null-publisher", "publish", "null-reader", "sums-1", "peer-absent", "peer-wrong"]
        table, err = self.end(self.bench(*names), 1)
        wrong = f"stock/n adds up to 0 instead of {SUM}; stock/events adds up to 0 instead of {EVENTS}"
        self.assertIn(f"bench: WRONG: peer-wrong: {wrong}\n", err)
        self.assertEqual((self.out / "table.md").read_text(), table)
        self.assertIn("| by hand: absent | skipped: no such interpreter here |", table)
        self.assertIn(f"| by hand: wrong | wrong: {wrong} |", table)
        self.assertRegex(table, r"\(`sums-1`\) \| [\d,]+ \| 0% \| \d+% of null-reader \| [\d.]+ \| [\d.]+ \|")
        bars = xml.parse(self.out / "plot.svg").findall(".//*[@class]")
        self.assertEqual([bar.get("class") for bar in bars], ["limit", "own", "limit", "own"])
        results = json.loads((self.out / "results.json").read_text())
        self.assertEqual((results["rounds"], results["events"]), (1, EVENTS))
        self.assertEqual([line["name"] for line in results["measures"]], names)
        measured = {line["name"]: line for line in results["measures"]}
        self.assertEqual(measured.pop("peer-absent")["skipped"], "no such interpreter here")
        self.assertEqual(measured.pop("peer-wrong")["wrong"], wrong)
        self.assert_figures(measured)

    def assert_figures(self, measured):
        for line in measured.values():
            round_, = line["rounds"]
            self.assertEqual(round_["events"], EVENTS)
            self.assertAlmostEqual(line["rate"], EVENTS / round_["seconds"])
        self.assertGreater(measured["sums-1"]["peak_kib"], 1000)
        self.assertAlmostEqual(measured["sums-1"]["of_limit"],
                               measured["sums-1"]["rate"] / measured["null-reader"]["rate"])

    def test_help(self):
        done = subprocess.run([fanfold.SOURCE / "scripts/bench", "--help"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for text in ("5 rounds of 500,000 events", "--rounds N", "--only NAME"):
            self.assertIn(text, done.stdout)

    def test_an_interrupt_leaves_nothing(self):
        bench = self.bench("peer-sleeper")
        fanfold.poll(lambda: (self.peers / "asleep").exists() or bench.poll() is not None, 30, "the measurement")
        bench.send_signal(signal.SIGINT)
        self.end(bench, 130)


if __name__ == "__main__":
    unittest.main()
