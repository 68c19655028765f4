"""What scripts/bench makes of its samples, without servers: quantiles, ratios, tables, what a run is about."""
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import costs
import measures
import peers
import sizes
import summary
import tables
import times
import workloads
from measure import Measure, Sample


class Figures(unittest.TestCase):
    def test_quantiles_by_nearest_rank(self):
        values = list(range(1000, 0, -1))
        self.assertEqual([times.quantile(values, part) for part in (0, 0.5, 0.99, 0.999, 1)],
                         [1, 500, 990, 999, 1000])
        self.assertEqual(times.quantile([7], 0.999), 7)

    def times(self, sent, seen, began=1000):
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder) / name for name in ("sent", "seen")]
            for file, values in zip(files, (sent, seen)):
                file.write_text("".join(f"{value}\n" for value in values))
            return times.Times(began, 5000, *files)

    def test_times(self):
        """From the sending; how late that was is a figure of its own. The first are left out."""
        found = self.times([2000, 6000, 14000], [9000, 10000, 20000])
        self.assertEqual((found.took_us, found.late_us), ([7, 4, 6], [1, 0, 3]))
        self.assertEqual(found.after(1).took_us, [4, 6])
        self.assertEqual((found.quantiles()["p50"], found.quantiles()["late_p99"]), (4, 3))

    def test_times_that_cannot_be(self):
        for sent, seen, why in (([2000], [1999], "event 0 was seen before it was sent"),
                                ([2000, 6000], [3000, 0], "event 1 was seen before it was sent"),
                                ([2000, 0], [3000, 7000], "event 1 was seen before it was sent"),
                                ([2000], [3000, 4000], "1 events were sent, 2 were seen")):
            with self.assertRaisesRegex(times.Wrong, why):
                self.times(sent, seen)

    def latencies(self, took):
        """Lines of a limit of 100 µs and of a worker with these latencies."""
        class Round:
            def __init__(self, value):
                self.took_us, self.late_us = [value], [0]
                self.quantiles = lambda: {"p50": value, "p99": value, "p999": value, "late_p99": 0}
        pair = [Measure("latency", name, "title", limit, [], None, 1)
                for name, limit in (("latency-null", None), ("latency-1", "latency-null"))]
        samples = {"latency-null": [Round(100), Round(200)], "latency-1": [Round(value) for value in took]}
        return summary.lines(pair, samples, {})

    def test_latencies(self):
        """The ratio is that of each round."""
        _, line = self.latencies([150, 200])
        self.assertEqual((line["p50"], line["p50_min"], line["p50_of_limit"]), (175, 150, 1.25))
        self.assertEqual(line["rounds"][1]["took_us"], [200])
        table = tables.latencies([line])
        self.assertIn("| title (`latency-1`) | 0.17 | 0.17 | 0.17 | 29% | 29% | 1.25 (goal: 1.5) | "
                      "1.25 (goal: 2.0) | 0.00 |", table)

    def test_rates(self):
        pair = [Measure("rates", name, name, limit, [], None, 1) for name, limit in (("null", None), ("own", "null"))]
        samples = {"null": [Sample(100, 1, 0.5, 10), Sample(100, 2, 0.5, 10)],
                   "own": [Sample(100, 2, 0.001, 1024), Sample(100, 2, 0.001, 2048)]}
        _, own = summary.lines(pair, samples, {})
        self.assertEqual((own["rate"], own["rate_min"], own["of_limit"]), (50, 50, 0.75))
        self.assertIn("| own (`own`) | 50 | 0% | 75% of null | 10.0 | 2.0 |", tables.rates([own]))

    def test_a_log_of_larger_chunks(self):
        """It is read far more quickly than one with an event in each, so nothing is measured by it."""
        slow = workloads.Numbered("slow", 100, window=1)
        with mock.patch("workloads.chunks", return_value=[(2, 900)] * 50), \
                self.assertRaisesRegex(AssertionError, "holds 100 events in 50 chunks, not one in each"):
            slow.fill(mock.MagicMock(), mock.MagicMock())

    def test_what_numbered_events_add_up_to(self):
        adds = [number % 7 + 1 for number in range(100)]
        self.assertEqual(workloads.Numbered("n", 100, views=3).expected(),
                         {"stock/n": 3 * sum(adds), "stock/events": 300})

    def test_instructions_that_cannot_be_counted(self):
        run = costs.counted("sums", "fold")
        with mock.patch("shutil.which", return_value=None), self.assertRaisesRegex(peers.Skipped, "not installed"):
            run(None, 0)
        with mock.patch("shutil.which"), mock.patch("instructions.stripped"), \
                mock.patch("instructions.count", side_effect=RuntimeError("build again")), \
                self.assertRaisesRegex(peers.Skipped, "build again"):
            run(mock.MagicMock(), 0)

    def test_how_long_it_takes(self):
        """The usual run is bounded; so is one that only shows that it works."""
        every = measures.every(sizes.scaled(1), peers.FOLDER)
        usual = measures.of_sections(measures.USUAL, every)
        self.assertLessEqual(measures.seconds(usual, 5), 20 * 60)
        self.assertGreater(measures.seconds(usual, 5), 5 * 60)
        tiny = measures.every(sizes.scaled(0.001), peers.FOLDER)
        self.assertLess(measures.seconds(tiny, 1), 120)

    def test_sets(self):
        every = measures.every(sizes.scaled(1), peers.FOLDER)
        names = [measure.name for measure in every]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual({measure.section for measure in every}, set(measures.SECTIONS))
        self.assertEqual(set(measures.SECTIONS), set(tables.SECTIONS))
        for measure in every:
            self.assertIn(measure.limit, [None, *names])
        for section in measures.SECTIONS:
            found = measures.of_sections([section], every)
            self.assertLessEqual({measure.limit for measure in found} - {None}, {measure.name for measure in found})


if __name__ == "__main__":
    unittest.main()
