"""A log that was written one event at a time, each a chunk of its own, is read ahead with several subscriptions:
faster than by one, exactly, and within the byte budget. One that was written in bulk is read by one, as before.

How much faster depends on what else the machine does: one subscription leaves it idle, several do not. So the
bounds below only say that it is faster and not slower. On a machine with nothing else to do,

    FANFOLD_SLOW_LOG="100000 3 0.95" ctest --preset dev -R integration/slow_log

reads that many events, and asks for 3 times the rate of one, and for 0.95 of it where the log is fast."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import unittest

import fanfold
import proxy
from memory_test import chunks, targets

MIB = 1024 * 1024
HELPER = sys.argv.pop(1)
EVENTS, FASTER, NOT_SLOWER = (float(text) for text in os.environ.get(
    "FANFOLD_SLOW_LOG", "30000 1.0 0.75").split())
EVENTS = int(EVENTS)
ROUNDS = 3


def helper(*args):
    done = subprocess.run([HELPER, *map(str, args)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"slow_log {args[0]}: {done.stderr}")
    return done.stdout.split()


def connections(worker, port):
    """How many of the process's sockets are connected to that port."""
    mine = {target[8:-1] for target in targets(worker.pid) if target.startswith("socket:")}
    lines = pathlib.Path(f"/proc/{worker.pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(f[9] in mine and f[3] == "01" and int(f[2].split(":")[1], 16) == port for f in fields)


class SlowLog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """The log, once for all."""
        cls.servers = fanfold.Servers()
        cls.addClassCleanup(cls.servers.remove)
        cls.project = fanfold.Project(cls.servers, "slow", [cls.view("slow", "a")])
        cls.enterClassContext(cls.project)
        cls.project.setup()
        helper("write", cls.servers.publisher_amqp, "slow", EVENTS, "single")
        sizes = [entries for entries, _ in chunks(cls.servers)]
        assert sizes.count(1) >= 0.9 * EVENTS, "the log was not written one event at a time"

    @staticmethod
    def view(exchange, name):
        """Lists keep the order in which events come."""
        return {"view": name, "exchange": exchange,
                "on": {"t": [{"list": name + ":{subject}", "push": "/data/n"}]}}

    @staticmethod
    def folded(name):
        lists = {}
        for n in range(EVENTS):
            lists.setdefault(f"{name}:k{n % 50}", []).insert(0, str(n))
        return lists

    def drain(self, name, port, *args, during=lambda: None, env=None):
        """A worker folds the log into the view of that name; returns the most connections that it had."""
        self.project.write_view(self.view("slow", name))
        worker = fanfold.Worker(self.project.config, name, {**self.servers.env("worker"), **(env or {})},
                                ["--view", name, *args])
        self.project.workers.append(worker)
        most = 0

        def wide():
            nonlocal most
            most = max(most, connections(worker, port))
            return most >= 3  # a probe may be one of them

        fanfold.poll(wide, what="several connections", pause=0.01)
        during()
        fanfold.poll(lambda: wide() and self.project.cursor(name) >= 0
                     and sum(self.project.tally(name).values()) >= EVENTS, 60, "all to be folded")
        self.assertEqual(self.project.tally(name)["folded"], EVENTS)
        self.assertEqual(self.project.rows(name + ":"), self.folded(name))
        fanfold.poll(lambda: connections(worker, port) == 1, what="one connection to be left")
        return most

    def report(self, name):
        """What the worker says of itself when it holds nothing any more."""
        def reported():
            workers = json.loads(self.project.cli("status", "--json").out)["workers"]
            return next((w for w in workers if w["name"] == name and w["held"] == 0 and w["held_most"]), None)
        return fanfold.poll(reported, what="a report")

    def amqp_port(self):
        return int(self.servers.worker_amqp.rsplit(":", 1)[1].split("/")[0])

    def test_a_worker_folds_it_exactly(self):
        self.assertLessEqual(self.drain("a", self.amqp_port()), 10)  # 8, and a probe
        report = self.report("a")
        self.assertLess(report["held_most"], report["budget"])

    def test_a_connection_is_cut_and_the_budget_is_small(self):
        """What had not been handed on in order is read again."""
        with proxy.Proxy(self.amqp_port()) as between:
            url = self.servers.worker_amqp.replace(f":{self.amqp_port()}/", f":{between.port}/")
            self.drain("b", between.port, "--budget", "1M", during=between.cut,
                       env={"FANFOLD_AMQP_URL": url})
            self.assertGreater(between.cuts, 0)
        report = self.report("b")
        self.assertEqual(report["budget"], MIB)
        self.assertLess(report["held_most"], 2 * MIB)  # a reader looks at it after each burst of 1 MiB

    # --- how fast ----------------------------------------------------------------------------

    def compare(self, log, events):
        """(read-ahead : one reader, the most subscriptions), the median of several rounds in turn."""
        def read(how):
            rate, subscriptions = helper("read", self.servers.worker_amqp, log + ".log.0", events, how)
            return float(rate), int(subscriptions)

        ratios, most = [], []
        for _ in range(ROUNDS):
            one, _ = read("reader")
            ahead, subscriptions = read("ahead")
            ratios.append(ahead / one)
            most.append(subscriptions)
            print(f"{log}: {ahead:.0f}/s with {subscriptions}, {one:.0f}/s with one: {ahead / one:.2f}",
                  file=sys.stderr)
        return statistics.median(ratios), most

    def test_it_is_faster(self):
        ratio, most = self.compare("slow", EVENTS)
        self.assertGreater(min(most), 3)
        self.assertGreater(ratio, FASTER)

    def test_a_log_written_in_bulk_is_as_fast_as_before(self):
        events = 3 * EVENTS
        with fanfold.Project(self.servers, "bulk") as project:
            project.setup()
            helper("write", self.servers.publisher_amqp, "bulk", events, "bulk")
            ratio, most = self.compare("bulk", events)
        self.assertEqual(min(most), 1)  # on a busy machine a fast log may seem slow, for once
        self.assertGreater(ratio, NOT_SLOWER)


if __name__ == "__main__":
    unittest.main()
