"""scripts/bench at its smallest: what it writes, that it notices a wrong result, and that it leaves nothing
behind, also when it is interrupted."""
import contextlib
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
import script_cost
from wrong import Wrong

BENCH = pathlib.Path(__file__).parent
BIN = pathlib.Path(os.environ.get("FANFOLD_BENCH_BIN", fanfold.SOURCE / "build/dev/tests/bench"))
EVENTS = 2000
SCALE = 0.02
LATENCIES = 10_000 * SCALE
SUM = sum(number % 7 + 1 for number in range(EVENTS))  # workloads.Sums
NAMES = {
    "rates": ["null-publisher", "publish", "null-reader", "sums-1"],
    "peers": ["peer-absent", "peer-wrong"],
    "latency": ["latency-null", "latency-1", "latency-5", "latency-10"],
    "rebuild": ["rebuild", "slow-null-reader", "slow-drain", "slow-rebuild"],
    "divided": ["record"],
    "script": ["commit-50"],
    "instructions": ["sums-window"],
    "growth": ["events-1e4", "events-1e5", "views-10", "rows-1e5", "publish-folded-10"],
}
# Programs in place of those of the benchmark or of fanfold, with what is wrong with them.
FAKES = {
    # Says that it sent later than it did.
    "paced_publisher": """#!/usr/bin/python3
import pathlib, subprocess, sys
done = subprocess.run(["@bin@/paced_publisher", *sys.argv[1:]], stdout=subprocess.PIPE, check=True)
sent = pathlib.Path(sys.argv[-1])
sent.write_text("".join(f"{int(line) + 10**12}\\n" for line in sent.read_text().splitlines()))
sys.stdout.write(done.stdout.decode())
""",
    # Fails.
    "row_watcher": """#!/bin/sh
echo watching
echo no Redis >&2
exit 3
""",
    # Does not rebuild.
    "fanfold": """#!/bin/sh
[ "$1" = rebuild ] || exec @fanfold@ "$@"
""",
    # Sends the first one twice, and the last one not at all.
    "null_publisher": """#!/bin/sh
to="$1 $2" events=$3
shift 3
@bin@/null_publisher $to 1 "$@" && exec @bin@/null_publisher $to $((events - 1)) "$@"
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

    def bench(self, *only, fakes=()):
        """One round of these measures; fakes: the programs that FAKES replace."""
        return subprocess.Popen(
            [sys.executable, BENCH, "--rounds", "1", "--events", str(EVENTS), "--scale", str(SCALE), "--peers",
             self.peers, "--out", self.out, "--only", *only], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "TMPDIR": str(self.temporary), **self.programs(fakes)})

    def programs(self, fakes):
        """A folder of all programs, as environment variables."""
        folder = self.folder / "bin"
        folder.mkdir()
        for path in (*BIN.iterdir(), pathlib.Path(fanfold.binary())):
            if path.is_file() and path.name not in fakes:
                (folder / path.name).symlink_to(path)
        for name in fakes:
            (folder / name).write_text(FAKES[name].replace("@bin@", str(BIN)).replace("@fanfold@", fanfold.binary()))
            (folder / name).chmod(0o755)
        return {"FANFOLD_BENCH_BIN": str(folder), "FANFOLD_TEST_BIN": str(folder / "fanfold")}

    def end(self, bench, code):
        """Returns what it said, when it has ended with this exit code and left nothing behind."""
        out, err = bench.communicate(timeout=120)
        self.assertEqual(bench.returncode, code, err)
        fanfold.poll(lambda: not processes(self.temporary), 5, "its processes to be gone")
        self.assertEqual(list(self.temporary.iterdir()), [])
        return out, err

    def test_what_it_writes(self):
        """A measure of each kind comes to figures that can be, to a row, and a mark in the plot. A wrong result
        is no rate, and fails the run; the others are measured all the same."""
        names = [name for section in NAMES.values() for name in section]
        table, err = self.end(self.bench(*names), 1)
        self.assertEqual((self.out / "table.md").read_text(), table)
        results = json.loads((self.out / "results.json").read_text())
        self.assertEqual((results["rounds"], results["events"], results["scale"]), (1, EVENTS, SCALE))
        measured = {line["name"]: line for line in results["measures"]}
        self.assertEqual(list(measured), names)
        self.assert_failures(measured, table, err)
        self.assert_rates([measured[name] for name in NAMES["rates"]], table)
        for name in NAMES["latency"]:
            self.assert_latency(measured[name], table)
        self.assertGreater(measured["latency-1"]["p50_of_limit"], 0.2)  # 1.5; other tests may be at work
        self.assert_growth(measured, table)
        self.assert_costs(measured, table)
        self.assert_plot()

    def assert_failures(self, measured, table, err):
        wrong = f"stock/n adds up to 0 instead of {SUM}; stock/events adds up to 0 instead of {EVENTS}"
        self.assertIn(f"bench: WRONG: peer-wrong: {wrong}\n", err)
        self.assertIn("| by hand: absent | skipped: no such interpreter here |", table)
        self.assertIn(f"| by hand: wrong | wrong: {wrong} |", table)
        self.assertEqual(measured.pop("peer-absent")["skipped"], "no such interpreter here")
        self.assertEqual(measured.pop("peer-wrong")["wrong"], wrong)

    def assert_rates(self, lines, table):
        for line in lines:
            round_, = line["rounds"]
            self.assertEqual(round_["events"], EVENTS)
            self.assertAlmostEqual(line["rate"], EVENTS / round_["seconds"])
        limit, sums = lines[-2:]
        self.assertGreater(sums["peak_kib"], 1000)
        self.assertAlmostEqual(sums["of_limit"], sums["rate"] / limit["rate"])
        self.assertRegex(table, r"\(`sums-1`\) \| [\d,]+ \| 0% \| \d+% of null-reader \| [\d.]+ \| [\d.]+ \|")

    def assert_latency(self, line, table):
        round_, = line["rounds"]
        self.assertEqual((len(round_["took_us"]), len(round_["late_us"])), (LATENCIES, LATENCIES))
        self.assertTrue(20 < line["p50"] <= line["p99"] <= line["p999"] < 5_000_000, line)
        ratio = r"[\d.]+ \(goal: 1.5\)" if line["name"] == "latency-1" else r"[\d.]*"
        self.assertRegex(table, rf"\(`{line['name']}`\) (\| [\d.]+ ){{3}}\| 0% \| 0% \| {ratio} \|")

    def assert_growth(self, measured, table):
        for name in (*NAMES["rebuild"], *NAMES["divided"], *NAMES["growth"]):
            self.assertTrue(5 < measured[name]["rate"] < 1_000_000, measured[name])
            self.assertIn(f"(`{name}`) | {measured[name]['rate']:,.0f} |", table)
        self.assertEqual(measured["views-10"]["rounds"][0]["events"], 100_000 * SCALE)
        self.assertEqual(measured["rows-1e5"]["point"], ["rows", 100_000 * SCALE])

    def assert_costs(self, measured, table):
        for name, least, most in (("commit-50", 0.1, 100), ("sums-window", 500, 50_000)):
            self.assertIn("cost", measured[name], measured[name])
            self.assertTrue(least < measured[name]["cost"] < most, measured[name])
            self.assertIn(f"(`{name}`) | ", table)

    def assert_plot(self):
        plot = xml.parse(self.out / "plot.svg")
        bars = [bar.get("class") for bar in plot.findall(".//{*}rect[@class]")]
        self.assertEqual(bars, ["limit", "own", "limit", "own", "own", "limit", "own", "own"])
        self.assertEqual(len(plot.findall(".//{*}circle[@class='own']")), 3 * 3 + 2 * 4)
        self.assertEqual(len(plot.findall(".//{*}polyline")), 2 * 3)

    def test_wrong_results(self):
        """Of other programs than the one that is measured, too."""
        table, err = self.end(self.bench("latency-null", "latency-1", "rebuild", "events-1e4", "publish-folded-1",
                                         fakes=FAKES), 1)
        wrong = {
            "latency-null": "event 0 was seen before it was sent",
            "latency-1": "row_watcher: exit 3: no Redis",
            "rebuild": f"stock/n adds up to {SUM} instead of 0; stock/units adds up to 0 instead of {SUM}",
        }
        for name, why in wrong.items():
            self.assertIn(f"bench: WRONG: {name}: {why}\n", err)
            self.assertIn(f"| wrong: {why} |", table)
        for name in ("events-1e4", "publish-folded-1"):
            self.assertRegex(err, f"bench: WRONG: {name}: stock/n adds up to ")
        self.assertEqual(table.count("| wrong: "), 5)

    def test_a_script_that_adds_wrongly(self):
        faulty = script_cost.ABSOLUTE.replace("total + wire", "wire")
        with script_cost.Server() as server:
            for script in (script_cost.ABSOLUTE, faulty):
                lane = script_cost.Lane(server, "absolute", script, 50, script_cost.Options(400, 2))
                with self.assertRaisesRegex(Wrong, "the rows add up to") if script is faulty else \
                        contextlib.nullcontext():
                    self.assertGreater(lane.run(), 0)

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
