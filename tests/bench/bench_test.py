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
BIN = pathlib.Path(os.environ.get("FANFOLD_BENCH_BIN", fanfold.SOURCE / "build/dev/tests/bench"))
EVENTS = 2000
SCALE = 0.02
SUM = sum(number % 7 + 1 for number in range(EVENTS))  # workloads.Sums
# Programs in place of those of the benchmark or of fanfold, with what is wrong with them.
FAKES = {
    "hasty_publisher": """#!/usr/bin/python3
import pathlib, subprocess, sys
done = subprocess.run(["@bin@/paced_publisher", *sys.argv[1:]], stdout=subprocess.PIPE, check=True)
sent = pathlib.Path(sys.argv[-1])
sent.write_text("".join(f"{int(line) + 10**12}\\n" for line in sent.read_text().splitlines()))
sys.stdout.write(done.stdout.decode())
""",
}
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

    def bench(self, *only, fakes=None):
        """One round of these measures; fakes: {name of a program: what runs in its place}."""
        return subprocess.Popen(
            [sys.executable, BENCH, "--rounds", "1", "--events", str(EVENTS), "--scale", str(SCALE), "--peers",
             self.peers, "--out", self.out, "--only", *only], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "TMPDIR": str(self.temporary), **self.programs(fakes or {})})

    def programs(self, fakes):
        """Two folders of programs, as environment variables."""
        folder = self.folder / "bin"
        folder.mkdir()
        for path in BIN.iterdir():
            if path.is_file() and path.name not in fakes:
                (folder / path.name).symlink_to(path)
        for name, fake in fakes.items():
            (folder / name).write_text(FAKES[fake].replace("@bin@", str(BIN)).replace("@fanfold@", fanfold.binary()))
            (folder / name).chmod(0o755)
        own = folder / "fanfold"
        return {"FANFOLD_BENCH_BIN": str(folder), "FANFOLD_TEST_BIN": str(own) if own.exists() else fanfold.binary()}

    def measured(self):
        """The lines of results.json, by name."""
        return {line["name"]: line for line in json.loads((self.out / "results.json").read_text())["measures"]}

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

    def test_latency(self):
        """Of the last of all events, in all views, to the last microsecond: no more, and no fewer."""
        table, _ = self.end(self.bench("latency-*"), 0)
        measured = self.measured()
        self.assertEqual(list(measured), ["latency-null", "latency-1", "latency-5", "latency-10"])
        for line in measured.values():
            round_, = line["rounds"]
            self.assertEqual((len(round_["took_us"]), len(round_["late_us"])), (200, 200))
            self.assertLess(20, line["p50"])
            self.assertLessEqual(line["p50"], line["p99"])
            self.assertLessEqual(line["p99"], line["p999"])
            self.assertLess(line["p50"], 100_000)
        self.assertGreater(measured["latency-1"]["p50_of_limit"], 0.5)
        self.assertRegex(table, r"\(`latency-1`\) (\| [\d.]+ ){3}\| 0% \| 0% \| [\d.]+ \(goal: 1.5\) \|")
        plot = xml.parse(self.out / "plot.svg")
        self.assertEqual(len(plot.findall(".//{*}circle[@class='own']")), 9)

    def test_a_latency_that_cannot_be(self):
        _, err = self.end(self.bench("latency-1", fakes={"paced_publisher": "hasty_publisher"}), 1)
        self.assertIn("bench: WRONG: latency-1: event 0 was seen before it was sent\n", err)

    def test_help(self):
        done = subprocess.run([fanfold.SOURCE / "scripts/bench", "--help"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for text in ("scripts/bench latency", "--rounds N", "--only NAME", "--scale X"):
            self.assertIn(text, done.stdout)

    def test_an_interrupt_leaves_nothing(self):
        bench = self.bench("peer-sleeper")
        fanfold.poll(lambda: (self.peers / "asleep").exists() or bench.poll() is not None, 30, "the measurement")
        bench.send_signal(signal.SIGINT)
        self.end(bench, 130)


if __name__ == "__main__":
    unittest.main()
