"""A worker's memory is bounded, whatever Redis, the broker and the publishers do: by its byte budget and
a part that does not grow, FIXED. And what it could not take at once is folded in the end, exactly."""
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import unittest

import fanfold
import pika
from segments import chunks

MIB = 1024 * 1024
BUDGET = 8 * MIB
BURST = MIB  # a reader looks at the budget after so many bytes, and after each message beyond
# The process itself 5 MiB, the duplicate window (65,536 events) 4, the batches of a task, one that collects
# and two in flight, in the arena, in the request and in hiredis's buffer; and what malloc keeps.
FIXED = 16 * MIB  # measured: 6 MiB, and 13 after 130,000 events
USUAL = 12 * MIB  # without --budget: with a second feed, as in a rebuild, a worker takes 32 MiB
WINDOW = 65_536

TEN = 10 * MIB
PUBLISHERS, EACH = 4, 25
LARGE = 1700 * 1024  # of a body: the broker makes chunks of up to 64 of them, 106 MiB
# Of 100,000 parked events `list` holds 24 bytes each and a portion; `retry` and `drop` hold what is known of
# each but not its body, about 300 bytes.
PARKED_COMMAND = 32 * MIB
RETRY_COMMAND = 64 * MIB
PROBE = 10_000


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def proc_kib(pid, name):
    """A line of /proc/PID/status, in bytes."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(name + r":\s+(\d+) kB", text).group(1)) * 1024


def peak(worker):
    return proc_kib(worker.pid, "VmHWM")


def reset_peak(worker):
    pathlib.Path(f"/proc/{worker.pid}/clear_refs").write_text("5")


def targets(pid):
    """What a process's file descriptors lead to. It may close one while they are listed."""
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(fd)


def unread(worker):
    """Bytes that wait in the worker's sockets: {inode: bytes}, of those where some do."""
    mine = {target[8:-1] for target in targets(worker.pid) if target.startswith("socket:")}
    lines = pathlib.Path(f"/proc/{worker.pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {f[9]: int(f[4].split(":")[1], 16) for f in fields
            if f[9] in mine and int(f[4].split(":")[1], 16)}


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = fanfold.Servers()
        cls.addClassCleanup(cls.servers.remove)

    def setUp(self):
        self.prefix = self.id().rsplit(".", 1)[1].replace("_", "-")[5:30] + "-"
        self.exchange = self.prefix + "events"
        self.view = self.prefix + "v"

    # --- views, events, folds --------------------------------------------------------------------

    def project(self, key, **actions):
        """A view with a list of n per key, where the order shows, or with other actions."""
        row = {"hash": f"{self.prefix}{key}", **actions} if actions else \
              {"list": f"{self.prefix}{key}", "push": "/data/n"}
        view = {"view": self.view, "exchange": self.exchange, "on": {"t": [row]}}
        return fanfold.Project(self.servers, self.exchange, [view]).declared(self.prefix)

    @staticmethod
    def event(n, subject, **data):
        return {"specversion": "1.0", "id": f"e{n}", "source": "/memory", "type": "t",
                "subject": subject, "data": {"n": n, **data}}

    @staticmethod
    def sums(events):
        sums = collections.Counter()
        for event in events:
            sums[event["subject"]] += event["data"]["n"]
        return {subject: str(n) for subject, n in sums.items()}

    def publish_plain(self, bodies, key="", **properties):
        """As fast as the client can write: no confirms, so the broker makes its largest chunks."""
        with self.servers.amqp("publisher") as connection:
            channel = connection.channel()
            for body in bodies:
                channel.basic_publish(self.exchange, key, body,
                                      pika.BasicProperties(type="t", **properties))

    def report(self, project, name):
        return next(worker for worker in project.status()["workers"] if worker["name"] == name)

    def settled(self, probe, what):
        """Until probe() gives the same true answer many times in a row: nothing moves any more."""
        last, same = None, 0

        def still():
            nonlocal last, same
            now = probe()
            same = same + 1 if now and now == last else 0
            last = now
            return same >= 20
        fanfold.poll(still, 60, what, pause=0.1)
        return last

    def check_peak(self, worker, bound):
        self.assertLess(peak(worker), bound, f"{peak(worker) / MIB:.1f} MiB; {worker.log()[-2000:]}")

    def check_held(self, project, name, most, budget=BUDGET):
        """The budget was reached, and passed by no more than a burst and the largest message."""
        def reported():
            report = self.report(project, name)
            return report["held"] == 0 and report["held_most"] > budget and report

        report = fanfold.poll(reported, 20, "the budget to have been reached, and nothing to be held")
        self.assertEqual(report["budget"], budget)
        self.assertLess(report["held_most"], most)

    @contextlib.contextmanager
    def redis_stopped(self):
        redis = self.servers.pid("redis")
        os.kill(redis, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(redis, signal.SIGCONT)

    # --- the cases -------------------------------------------------------------------------------

    def test_redis_stopped(self):
        """Redis does not answer while the log holds ten times the budget: the worker reads up to the budget,
        and leaves the rest to the broker."""
        events = [self.event(n, f"s{n % 50}", fill="x" * 20_000) for n in range(4000)]
        with self.project("row", add={"{subject}": "/data/n"}) as project:
            worker = project.worker("small", "--budget", "8M")
            project.publish(events[:100])
            project.wait_for([self.view], 100)
            with self.redis_stopped():
                project.publish(events[100:])
                self.settled(lambda: unread(worker), "the worker to leave its socket unread")
                self.check_peak(worker, BUDGET + FIXED)
                flat = proc_kib(worker.pid, "VmRSS")
                self.assertGreater(flat, BUDGET)
                reset_peak(worker)
                self.settled(lambda: unread(worker), "the same again")
                self.assertLess(peak(worker) - flat, MIB)
            project.wait_for([self.view], len(events))
            self.assertEqual(project.rows(self.prefix), {self.prefix + "row": self.sums(events)})
            self.check_held(project, "small", BUDGET + 2 * BURST)
            self.assertRegex(project.cli("status").out, r"worker small: holds 0\.0 of 8\.0 MiB")
            self.check_peak(worker, BUDGET + FIXED)

    def test_redis_stopped_with_the_usual_budget(self):
        """And after so many events that the duplicate window is full."""
        small = [self.event(n, f"s{n % 50}") for n in range(WINDOW + 1000)]
        large = [self.event(len(small) + n, "large", fill="x" * 20_000) for n in range(2000)]
        with self.project("row", add={"{subject}": "/data/n"}) as project:
            worker = project.worker("usual")
            project.publish(small)
            project.wait_for([self.view], len(small))
            with self.redis_stopped():
                project.publish(large)
                self.settled(lambda: unread(worker), "the worker to leave its socket unread")
            project.wait_for([self.view], len(small) + len(large))
            self.assertEqual(project.rows(self.prefix), {self.prefix + "row": self.sums(small + large)})
            self.check_held(project, "usual", USUAL + 2 * BURST, USUAL)
            self.check_peak(worker, USUAL + FIXED)

    def test_one_event_of_10_mib(self):
        """Larger than the budget: it is folded, or parked with its reason, and what follows it is too.
        It is in memory as a message, twice while its parts come together, as the change that keeps it,
        in the request, in hiredis's buffer, and as what Redis's answer is awaited for."""
        with self.project("row:{subject}", set={"n": "/data/n", "text": "/data/text?"}) as project:
            worker = project.worker("small", "--budget", "8M")
            self.publish_plain([b'{"n":1,"text":"%s"}' % (b"x" * TEN)], "whole", message_id="1")
            self.publish_plain([b'{"text":"%s"}' % (b"y" * TEN)], "bad", message_id="2")
            self.publish_plain([b'{"n":3,"skipped":"%s"}' % (b"z" * TEN)], "skipped", message_id="3")
            self.publish_plain([b'{"n":4}'], "bad", message_id="4")
            self.publish_plain([b'{"n":5}'], "small", message_id="5")
            project.wait_for([self.view], 5)
            row = self.prefix + "row:"
            self.assertEqual(project.rows(row), {
                row + "whole": {"n": "1", "text": "x" * TEN}, row + "skipped": {"n": "3"},
                row + "small": {"n": "5"}})
            parked = json.loads(project.cli("parked", "list", self.view, "--json").out)["parked"]
            self.assertEqual([(event["id"], event["waits"]) for event in parked],
                             [("2", False), ("4", True)])
            self.assertIn("/data/n", parked[0]["reason"])
            self.check_held(project, "small", BUDGET + 3 * TEN)
            self.check_peak(worker, BUDGET + 6 * TEN + FIXED)

    def test_chunks_larger_than_the_budget(self):
        """The broker sends whole chunks, whatever was asked for. A chunk holds what publishers sent while
        the one before was written: large bodies, several publishers, and no confirms make it large."""
        fill, count = b"x" * LARGE, 0
        with self.project("row", add={"{subject}": 1}) as project:
            def publish():
                nonlocal count
                with concurrent.futures.ThreadPoolExecutor(PUBLISHERS) as pool:
                    for _ in range(PUBLISHERS):
                        pool.submit(self.publish_plain, [b'{"fill":"%s"}' % fill] * EACH, "a")
                count += PUBLISHERS * EACH
                fanfold.poll(lambda: self.stored() >= count, what="the log to hold all")
                return chunks(self.servers)[0][1] > 4 * BUDGET

            fanfold.poll(publish, what="a large chunk")
            entries, data = chunks(self.servers)[0]
            worker = project.worker("small", "--budget", "8M")
            project.wait_for([self.view], count)
            self.assertEqual(project.rows(self.prefix), {self.prefix + "row": {"a": str(count)}})
            self.check_held(project, "small", BUDGET + 2 * LARGE)
            self.check_peak(worker, BUDGET + FIXED)

    def stored(self):
        """How many entries of that size the broker's segments hold."""
        return sum(entries for entries, data in chunks(self.servers) if data > LARGE * entries)

    def test_a_publisher_that_never_sets_routing_keys(self):
        """Nor ids: one key for all would be one queue behind the first that fails. Where there is no
        subject nothing waits, and only what fails is parked."""
        count, bad = 3000, range(7, 3000, 100)
        users = collections.defaultdict(list)
        bodies = []
        for n in range(count):
            data = {"user": f"u{n % 7}", "fill": "x" * 20_000, **({} if n in bad else {"n": n})}
            bodies.append(json.dumps(data).encode())
            if n not in bad:
                users[f"{self.prefix}u{n % 7}"].insert(0, str(n))
        with self.project("{/data/user}") as project:
            worker = project.worker("small", "--budget", "8M")
            worker.wait_for_log("-> streaming")
            with self.redis_stopped():
                self.publish_plain(bodies)
                self.settled(lambda: unread(worker), "the worker to leave its socket unread")
            project.wait_for([self.view], count)
            self.assertEqual(project.rows(self.prefix), users)
            task = project.task(self.view)
            self.assertEqual((task["parked_failing"], task["parked_waiting"]), (len(bad), 0))
            self.check_held(project, "small", BUDGET + 2 * BURST)
            self.check_peak(worker, BUDGET + FIXED)

    # --- 100,000 parked events -------------------------------------------------------------------

    def effort(self, project, worker, first, subject):
        """Processor time of worker and Redis for PROBE events of a subject, the least of three tries: a
        busy machine takes longer, never shorter."""
        return min(self.effort_once(project, worker, PROBE, first + PROBE * i, subject) for i in range(3))

    def effort_once(self, project, worker, count, first, subject):
        events = [self.event(n, subject) for n in range(first, first + count)]
        done = sum(project.tally(self.view).values())
        pids = (worker.pid, self.servers.pid("redis"))
        before = sum(map(cpu_seconds, pids))
        project.publish(events)
        project.wait_for([self.view], done + count)
        return sum(map(cpu_seconds, pids)) - before

    def parked(self, project, *args, data=PARKED_COMMAND):
        """A command on what is parked that may not have more memory of its own than `data`."""
        command = ["prlimit", f"--data={data}", fanfold.binary(), "parked", args[0], "--config",
                   str(project.config), self.view, *args[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                              env={**os.environ, **self.servers.env()})
        self.assertIn(done.returncode, (0, 1), done.stderr[-2000:])
        return done

    def test_100000_parked_events(self):
        """One event fails, and 99,999 wait behind it. Other keys go on at no greater cost, the commands
        stay small, and all are folded in the end, in their order."""
        count = 100_000
        with self.project("row:{subject}") as project:
            worker = project.worker("small", "--budget", "8M")
            before = self.effort(project, worker, count, "before")
            head = self.event(0, "a")
            del head["data"]["n"]
            project.publish([head] + [self.event(n, "a") for n in range(1, count)])
            project.wait_for([self.view], 3 * PROBE + count)
            after = self.effort(project, worker, 2 * count, "after")
            self.assertLess(after, 2 * before + 0.1)
            task = project.task(self.view)
            self.assertEqual((task["parked_failing"], task["parked_waiting"]), (1, count - 1))
            self.check_peak(worker, BUDGET + FIXED)

            listed = json.loads(self.parked(project, "list", "--json").stdout)["parked"]
            self.assertEqual([event["id"] for event in listed], [f"e{n}" for n in range(count)])
            self.assertEqual(len(self.parked(project, "list").stdout.splitlines()) // 1000, count // 1000)
            failed = self.parked(project, "retry", data=RETRY_COMMAND)
            self.assertIn("retried 1, folded 0, still parked 100000", failed.stderr)
            self.parked(project, "drop", "--offset", str(listed[0]["offset"]), "--reason", "a test",
                        data=RETRY_COMMAND)
            self.parked(project, "retry", data=RETRY_COMMAND)
            self.assertEqual(project.task(self.view)["parked"], 0)
            rows = project.rows(self.prefix + "row:")
            self.assertEqual(rows[self.prefix + "row:a"], [str(n) for n in range(count - 1, 0, -1)])
            self.check_peak(worker, BUDGET + FIXED)


if __name__ == "__main__":
    unittest.main()
