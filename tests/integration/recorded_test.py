"""A log with several partitions: its views are the fold of it, whatever stands in between, and go over from
one stream to four partitions, to three, and back, without a replay."""
import collections
import contextlib
import json
import os
import signal
import subprocess
import unittest

import fanfold
import partitions
import pika


class Recorder:
    """A `fanfold recorder` process of the project."""

    def __init__(self, project, name="r"):
        self.log_path = project.folder / f"recorder-{name}.log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [fanfold.binary(), "recorder", "--config", str(project.config), "-e", project.exchange],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **project.addresses.env("worker")}, preexec_fn=fanfold.die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)


class Recorded(unittest.TestCase):
    def setUp(self):
        self.addresses = fanfold.suite()
        self.prefix = self.id().rsplit(".", 1)[1].replace("_", "-")[5:30] + "-"
        self.exchange = self.prefix + "events"
        self.number = 0
        self.published = []

    # --- what is published, and what it must become ---

    def views(self):
        """A sum for all, and a list for each subject, where order shows."""
        return [
            {"view": self.prefix + "sums", "exchange": self.exchange, "on": {"t": [
                {"hash": self.prefix + "sum:{/data/group}", "add": {"n": "/data/n", "events": 1}}]}},
            {"view": self.prefix + "lists", "exchange": self.exchange, "on": {"t": [
                {"list": self.prefix + "list:{subject}", "push": "/data/n"}]}},
        ]

    @contextlib.contextmanager
    def project(self, count):
        logs = [{"exchange": self.exchange, "partitions": count}]
        with fanfold.Project(self.addresses, self.exchange, self.views(), logs) as project:
            project.setup()
            self.sets = {count}
            try:
                yield project
            finally:
                project.kill_workers()
                self.remove(project)

    def remove(self, project):
        with self.addresses.amqp() as connection:
            channel = connection.channel()
            for count in self.sets:
                for number in range(count):
                    channel.queue_delete(f"{self.exchange}.part.{count}.{number}")
                channel.queue_delete(f"{self.exchange}.recorder.{count}")
            channel.exchange_delete(self.exchange + ".part")
        project.delete(self.prefix)

    def change(self, project, count):
        """Another number of partitions: configuration and setup."""
        config = json.loads(project.config.read_text())
        config["logs"][0]["partitions"] = count
        beside = project.config.with_suffix(".new")
        beside.write_text(json.dumps(config))
        beside.replace(project.config)  # others may read it at this moment
        self.sets.add(count)
        return project.cli("setup")

    def events(self, count):
        made = []
        for _ in range(count):
            n = self.number = self.number + 1
            made.append({"specversion": "1.0", "id": f"e{n}", "source": "/recorded", "type": "t",
                         "subject": f"s{n * 7919 % 23}", "data": {"n": n, "group": f"g{n % 5}"}})
        self.published += made
        return made

    def expected(self):
        """A naive fold."""
        rows = {}
        for event in self.published:
            data = event["data"]
            total = rows.setdefault(f"{self.prefix}sum:{data['group']}", collections.Counter())
            total.update({"n": data["n"], "events": 1})
            rows.setdefault(f"{self.prefix}list:{event['subject']}", []).insert(0, str(data["n"]))
        return {key: row if isinstance(row, list) else {name: str(value) for name, value in row.items()}
                for key, row in rows.items()}

    def counted(self, view):
        """How many events all partitions of the view have dealt with."""
        with self.addresses.redis() as redis:
            fields = redis.hgetall("fanfold:cursor:" + view)
        return sum(int(word.split("=")[1]) for name, text in fields.items() if name.endswith("/tally")
                   for word in text.split())

    def await_all(self, project):
        count = len(self.published)
        for view in ("sums", "lists"):
            name = self.prefix + view
            fanfold.poll(lambda: self.counted(name) >= count, 60, f"{count} events in {name}; "
                         + project.worker_logs())
            self.assertEqual(self.counted(name), count)
        self.assertEqual(project.rows(self.prefix), self.expected())

    def positions(self, view):
        with self.addresses.redis() as redis:
            fields = redis.hgetall("fanfold:cursor:" + self.prefix + view)
        return {name: int(text.split()[1]) for name, text in fields.items()
                if name.startswith(self.exchange) and "/" not in name.removeprefix(self.exchange)}

    # --- the cases ---

    def test_from_the_beginning(self):
        """Each partition has its own task, and its position is the offset of the intake."""
        with self.project(4) as project, Recorder(project):
            project.publish(self.events(2000))
            worker = project.worker("a")
            self.await_all(project)
            stored = {f"{self.exchange}.part.4.{number}": -1 for number in range(4)}
            for offset, event in enumerate(self.published):
                part = partitions.partition_of(event["subject"].encode(), 4)
                stored[f"{self.exchange}.part.4.{part}"] = offset
            self.assertEqual(self.positions("lists"), stored)
            self.assertEqual(worker.sigterm(), 0)
            project.publish(self.events(500))
            project.start_workers("bc")
            self.await_all(project)
            lags = [task["lag"] for task in project.status()["tasks"]]
            self.assertEqual(lags, [0] * 8)
            verified = project.cli("verify", self.prefix + "lists")
            self.assertEqual(verified.code, 0, verified.err)
            self.assertEqual(project.status()["logs"], [
                {"exchange": self.exchange, "partitions": 4, "recorded": 2499, "end": 2499, "lag": 0,
                 "recorder": True}])

    def test_without_a_recorder(self):
        """`status` says that the log is ahead of its partitions, and that nobody records."""
        with self.project(2) as project:
            project.publish(self.events(10))
            self.assertEqual(project.status()["logs"], [
                {"exchange": self.exchange, "partitions": 2, "recorded": None, "end": 9, "lag": 10,
                 "recorder": False}])
            self.assertIn("2 partitions, 10 events are not recorded yet; no recorder is at work",
                          project.cli("status").out)

    def test_goes_over(self):
        """One stream with history → four partitions → three → one, with workers running, whose files say
        another number: they fold, and record, as it is in force."""
        with self.project(1) as project:
            project.publish(self.events(1500))
            project.start_workers("ab")
            self.await_all(project)
            for count in (4, 3, 1):
                publishing = project.publishing(self.events(1000))
                changed = self.change(project, count)
                self.assertEqual(changed.code, 0, changed.err)
                self.assertRegex(changed.err, rf"view {self.prefix}lists: goes over from .* to {count} part")
                self.assertEqual(publishing.finish().code, 0)
                project.publish(self.events(200))
                self.await_all(project)
                self.assertEqual(set(self.positions("sums")) - self.partitions(count), set())
            again = self.change(project, 1)
            self.assertEqual((again.code, "goes over" in again.err), (0, False))

    def test_duplicates_and_no_ids(self):
        """An event without an id has the one that it would have in one stream; a copy of an event is known,
        also when the one was folded before the view went over."""
        with self.project(1) as project:
            plain = [(f"s{n % 5}", {"n": n, "group": "g"}) for n in range(60)]
            first = self.events(40)
            project.publish(first)
            project.start_workers("a")
            self.await_all(project)
            self.assertEqual(self.change(project, 4).code, 0)
            with Recorder(project):
                project.publish(first[10:30])
                self.publish_plain(plain)
                self.published += [{"subject": subject, "data": data} for subject, data in plain]
                total = len(self.published) + 20
                for view in ("sums", "lists"):
                    fanfold.poll(lambda: self.counted(self.prefix + view) >= total, 30, "all to be counted")
                self.assertEqual(project.rows(self.prefix), self.expected())
                duplicates = sum(task["duplicates"] for task in project.status()["tasks"])
                self.assertEqual(duplicates, 40)

    def publish_plain(self, events):
        with self.addresses.amqp("publisher") as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for subject, data in events:
                channel.basic_publish(self.exchange, subject, json.dumps(data).encode(),
                                      pika.BasicProperties(type="t"), mandatory=True)

    def test_a_single_key(self):
        """All in one partition: the others are quiet, and nobody waits for them or reads in vain."""
        with self.project(4) as project, Recorder(project):
            events = self.events(30_000)
            for event in events:
                event["subject"] = "only"
            project.publish(events)
            worker = project.worker("a")
            self.await_all(project)
            lags = fanfold.poll(lambda: [task["lag"] for task in project.status()["tasks"]], what="lags")
            self.assertEqual(lags, [0] * 8)
            self.assertEqual(worker.sigterm(), 0)
            project.worker("b")
            more = self.events(5)  # of several keys: partitions that were quiet so far
            project.publish(more)
            self.await_all(project)
            self.assertEqual(project.cli("verify", self.prefix + "sums").code, 0)

    def test_a_hole(self):
        """Of three records the second was refused, and is appended again later: nobody folds across the
        hole, nor gives up."""
        with self.project(2) as project, self.addresses.amqp("worker") as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            lock = channel.consume(f"{self.exchange}.recorder.2", exclusive=True, inactivity_timeout=0.1)
            next(lock)  # no recorder records
            project.publish(self.events(200))
            mine = [event for event in self.intake(200) if partitions.partition_of(event.key, 2) == 1]

            def append(number):
                since = mine[number - 1].place + 1 if number else 0
                record = partitions.record_of(mine[number], mine[number].place, since)
                channel.basic_publish(self.exchange + ".part", "2.1", record, mandatory=True)

            append(0)
            worker = project.worker("a")
            fanfold.poll(lambda: self.positions("lists"), what="the first event to be folded")
            append(2)
            worker.wait_for_log("what lies between offset")
            append(1)
            append(2)
            fanfold.poll(lambda: self.positions("lists") == {f"{self.exchange}.part.2.1": mine[2].place}, 40,
                         "the hole to be closed; " + project.worker_logs())
            channel.cancel()
            self.await_all(project)

    def intake(self, count):
        """Its first messages."""
        with self.addresses.amqp() as connection:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=count)
            taken = channel.consume(self.exchange + ".log.0", arguments={"x-stream-offset": "first"})
            return [partitions.Message(*next(taken)) for _ in range(count)]

    def test_parked(self):
        """A partition with parked events is not left; retry reads them from the intake; what was dropped
        stays dropped on other partitions."""
        view = self.prefix + "lists"
        with self.project(4) as project:
            with Recorder(project):
                bad = self.events(3)
                for number, event in enumerate(bad):
                    event["subject"] = f"s{number}"
                    del event["data"]["n"]
                del self.published[:]
                project.publish(bad)
                project.publish(self.events(300))
                project.start_workers("a")
                for name in (view, self.prefix + "sums"):
                    fanfold.poll(lambda: self.counted(name) >= 303, 30, "all to be counted")
                parked = json.loads(project.cli("parked", "list", view, "--json").out)["parked"]
                failing = [event for event in parked if not event["waits"]]
                self.assertEqual(sorted(event["offset"] for event in failing), [0, 1, 2])
                refused = self.change(project, 3)
                self.assertEqual(refused.code, 1)
                self.assertRegex(refused.err, rf"{view}: \d+ events? (is|are) parked on .*parked retry {view}")
                self.change(project, 4)
                retried = project.cli("parked", "retry", view)
                self.assertIn("retried 3, folded 0", retried.err)
                for event in failing:
                    dropped = project.cli("parked", "drop", view, "--offset", event["offset"], "--partition",
                                          event["partition"], "--reason", "a test")
                    self.assertEqual(dropped.code, 0, dropped.err)
                retried = project.cli("parked", "retry", view)
                self.assertEqual(retried.code, 0, retried.err)
                lists = {key: row for key, row in project.rows(self.prefix).items() if ":s" in key}
                self.assertEqual(lists, {key: row for key, row in self.expected().items() if ":s" in key})
                for event in failing:
                    dropped = project.cli("parked", "drop", self.prefix + "sums", "--offset",
                                          event["offset"], "--reason", "a test")
                    self.assertEqual(dropped.code, 0, dropped.err)
            changed = self.change(project, 3)
            self.assertEqual(changed.code, 0, changed.err)
            with Recorder(project, "3"):
                project.publish(self.events(100))
                fanfold.poll(lambda: self.counted(view) >= 403, 30, "all to be counted")
                verified = project.cli("verify", view)
                self.assertEqual(verified.code, 0, verified.err + verified.out)

    def test_rebuild(self):
        """A changed definition is built from the partitions, beside live events; not together with other
        partitions."""
        view = self.prefix + "lists"
        with self.project(3) as project, Recorder(project):
            project.publish(self.events(2000))
            project.start_workers("ab")
            self.await_all(project)
            changed = self.views()[1]
            changed["on"]["t"][0]["push"] = "{/data/group}:{/data/n}"
            project.write_view(changed)
            with project.publishing(self.events(1000)) as publishing:
                rebuilt = project.cli("rebuild", view, "--yes")
                self.assertEqual(rebuilt.code, 0, rebuilt.err)
                publishing.finish()
            expected = {}
            for event in self.published:
                expected.setdefault(f"{self.prefix}list:{event['subject']}", []).insert(
                    0, f"{event['data']['group']}:{event['data']['n']}")

            def lists():
                return {key: row for key, row in project.rows(self.prefix).items() if ":s" in key}
            fanfold.poll(lambda: lists() == expected, 20, "the rows of the new definition")
            config = json.loads(project.config.read_text())
            config["logs"][0]["partitions"] = 4
            project.config.write_text(json.dumps(config))
            refused = project.cli("rebuild", view, "--yes")
            self.assertEqual(refused.code, 1)
            self.assertIn("run `fanfold setup` first", refused.err)
            said = project.cli("check", "--against-live")
            self.assertIn(f"{view}: needs no replay, `fanfold setup`", said.out)

    def test_verify_after_going_over(self):
        """What was folded by one stream is in the rows, and no position on the new partitions says so."""
        with self.project(1) as project:
            project.publish(self.events(700))
            project.start_workers("ab")
            self.await_all(project)
            self.assertEqual(self.change(project, 4).code, 0)
            project.publish(self.events(1))
            self.await_all(project)
            unknown = project.cli("verify", self.prefix + "sums")
            self.assertEqual(unknown.code, 69)
            self.assertRegex(unknown.err, r"on \S+\.part\.4\.\d it has not come past")
            rebuilt = project.cli("rebuild", self.prefix + "lists", "--yes")
            self.assertEqual(rebuilt.code, 0, rebuilt.err)
            self.assertIn("goes by itself to the end of the log", rebuilt.err)
            project.publish(self.events(100))
            self.await_all(project)
            for view in "sums", "lists":
                verified = project.cli("verify", self.prefix + view)
                self.assertEqual(verified.code, 0, verified.err + verified.out)

    def partitions(self, count):
        if count == 1:
            return {self.exchange + ".log.0"}
        return {f"{self.exchange}.part.{count}.{number}" for number in range(count)}


if __name__ == "__main__":
    unittest.main()
