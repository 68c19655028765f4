"""The recorder copies each event of a log to the partition of its key, once, in order and unchanged, whatever
dies meanwhile. What the partitions hold is read and judged by another implementation (support/partitions.py)."""
import datetime
import json
import pathlib
import random
import re
import signal
import time
import unittest
import uuid

import pika

import fanfold
import partitions
from proxy import Proxy

COUNT = 4
SENT_AHEAD = 50  # more than the recorder reads at first of a partition, less than may be unconfirmed


SERVERS = []  # one for all tests


def setUpModule():
    SERVERS.append(fanfold.Servers())
    unittest.addModuleCleanup(SERVERS[0].remove)


def subject(event):
    """The default key of what these tests publish."""
    if str(event.properties["content_type"] or "").startswith("application/cloudevents+json"):
        try:
            return json.loads(event.body)["subject"]
        except ValueError:  # no event: the routing key is what is known of it
            return event.key
    for name, value in event.headers.items():
        if name.startswith(("cloudEvents:", "cloudEvents_", "ce-")) and name.endswith("subject"):
            return value
    is_binary = any(name.startswith(("cloudEvents:", "cloudEvents_", "ce-")) for name in event.headers)
    return "" if is_binary else event.key


def peak(pid):
    """The most memory that the process has had, in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


class RecorderCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.servers = SERVERS[0]
        self.chance = random.Random(7)
        self.sent = 0

    def log(self, count=COUNT, addresses=None, **settings):
        """A project with a log of that many partitions; self.parts are their names."""
        self.exchange = "recorder-" + uuid.uuid4().hex[:8]
        project = fanfold.Project(addresses or self.servers,
                                  logs=[{"exchange": self.exchange, "partitions": count, **settings}])
        self.addCleanup(project.__exit__, False)
        self.parts = self.set_up(project)
        return project

    def set_up(self, project):
        said = project.cli("setup")
        self.assertEqual(said.code, 0, said.err)
        if not (found := re.search(r"partitions (\S+)\.0 to \S+\.(\d+): ", said.err)):
            return []
        return [f"{found[1]}.{i}" for i in range(int(found[2]) + 1)]

    def recorder(self, project, name="r", user="worker", *args):
        recorder = fanfold.Recorder(project.config, name, project.addresses.env(user), args)
        project.workers.append(recorder)
        return recorder

    def reader(self):
        reader = partitions.Reader(self.servers, self.exchange, self.parts)
        self.addCleanup(reader.close)
        return reader

    def publisher(self):
        """A channel that confirms."""
        connection = self.servers.amqp("publisher")
        self.addCleanup(lambda: connection.is_open and connection.close())
        channel = connection.channel()
        channel.confirm_delivery()
        return channel

    def publish(self, project, count, keys=200):
        """Plain messages, in large chunks."""
        events = [{"specversion": "1.0", "id": str(self.sent + i), "source": "/r", "type": "t",
                   "subject": f"s{self.chance.randrange(keys)}", "data": {"n": self.sent + i}} for i in range(count)]
        self.sent += count
        project.publish(events)

    def check(self, reader, key_of=subject, events=None):
        reader.until_recorded(events or self.sent)
        reader.check(key_of)
        self.assertEqual({chain.begin for chain in reader.chains if chain.taken is not None} - {0}, set())
        reader.close()


class What(RecorderCase):
    """What is recorded, and where."""

    def messages(self):
        text = "application/json"
        properties = pika.BasicProperties
        for i in range(300):  # without ids
            yield f"key-{i}", b'{"n": %d}' % i, properties(content_type=text)
        yield "", b"", None
        yield "empty", b"", properties(headers={})
        yield "large", b"x" * 10_000_000, properties(message_id="large")
        yield "frame", b"y" * 131_064, properties(message_id="one frame")
        yield "frames", b"z" * 131_065, properties(message_id="and one byte")
        for i in range(50):
            yield "r", b"{}", properties(headers={"cloudEvents:id": f"b{i}", "cloudEvents:source": "/b",
                                                  "cloudEvents:specversion": "1.0", "cloudEvents:type": "t",
                                                  "cloudEvents:subject": f"bin-{i}"}, content_type=text)
            yield "r", json.dumps({"specversion": "1.0", "id": f"s{i}", "source": "/s", "type": "t",
                                   "subject": f"structured-{i}"}).encode(), properties(
                content_type="application/cloudevents+json; charset=utf-8")
            yield f"bad-{i}", b"{", properties(content_type="application/cloudevents+json")
        yield "all", b"all", properties(
            content_type="a/b", content_encoding="identity", message_id="m" * 255, type="t", app_id="app",
            correlation_id="c", timestamp=1_700_000_000, headers={
                "int": 5, "negative": -5, "big": 1 << 40, "text": "ключ", "empty": "", "yes": True, "no": False,
                "when": datetime.datetime(2026, 1, 31, 9, 5, 7)})
        yield "ours", b"ours", properties(headers={
            "fanfold-offset": 9, "fanfold-from": 1 << 40, "fanfold-key": "k", "fanfold-exchange": "x",
            "fanfold-mark": True, "fanfold-own-fanfold-mark": True, "fanfold-": 1, "aaa": 1, "zzz": 2})
        yield "k" * 255, b"long key", properties(headers={"h" * 255: "v" * 60_000})
        yield "full", b"a header that fills a frame", properties(headers={"h": "v" * 130_900})

    def test_every_event_is_in_the_partition_of_its_key_and_unchanged(self):
        project = self.log()
        channel, count = self.publisher(), 0
        for key, body, properties in self.messages():
            channel.basic_publish(self.exchange, key, body, properties, mandatory=True)
            count += 1
        with self.servers.amqp("operator") as connection:  # from another exchange
            outer = connection.channel()
            outer.exchange_declare(self.exchange + "-outer", "fanout", durable=True)
            outer.queue_bind(self.exchange + ".log.0", self.exchange + "-outer")
        channel.basic_publish(self.exchange + "-outer", "outer", b"1", mandatory=True)
        recorder = self.recorder(project)
        reader = self.reader()
        self.check(reader, events=count + 1)
        self.assertEqual((reader.duplicates, reader.gaps), (0, 0))
        self.assertEqual(recorder.sigterm(), 0)
        self.assertIn(f"stopped; {count + 1} events recorded, 0 were recorded before, 0 marks, begun 1 times",
                      recorder.log())

    def test_the_key_is_what_partition_by_finds(self):
        project = self.log(3, partition_by="/data/order")
        channel = self.publisher()
        orders = ["o1", "", 12, 1.5, 1e3, True, None, {"b": 1, "a": [None, "x"]}, [1, 2], "ключ", 10 ** 17]
        texts = ["o1", "", "12", "1.5", "1000", "true", "", '{"a":[null,"x"],"b":1}', "[1,2]", "ключ",
                 "100000000000000000"]
        for i, order in enumerate(orders):
            channel.basic_publish(self.exchange, str(i), json.dumps({"order": order}).encode(), mandatory=True)
        for body in (b"{}", b"[]", b"no json"):
            channel.basic_publish(self.exchange, "none", body, mandatory=True)
        self.recorder(project)
        reader = self.reader()
        self.check(reader, lambda event: "" if event.key == "none" else texts[int(event.key)], len(orders) + 3)
        self.assertRegex(self.parts[0], re.escape(self.exchange) + r"\.part\.3-[0-9a-f]{8}\.0$")

    def test_the_subject_is_read_where_the_log_says(self):
        project = self.log(3, read={"subject": "/data/order"})
        channel = self.publisher()
        for i in range(60):
            channel.basic_publish(self.exchange, "all", b'{"order": "o%d"}' % i, mandatory=True)
        self.recorder(project)
        self.check(self.reader(), lambda event: json.loads(event.body)["order"], 60)

    def test_a_log_with_history_is_divided_and_divided_again(self):
        project = self.log(1)
        self.assertEqual(self.parts, [])
        refused = project.cli("recorder", user="worker")
        self.assertEqual(refused.code, 78)
        self.assertIn("partitions", refused.err)
        self.publish(project, 500)
        for count in (3, 5):
            config = json.loads(project.config.read_text())
            config["logs"][0]["partitions"] = count
            project.config.write_text(json.dumps(config))
            self.parts = self.set_up(project)
            self.assertEqual(self.parts[0], f"{self.exchange}.part.{count}.0")
            self.recorder(project, f"r{count}")
            self.publish(project, 500)
            self.check(self.reader())
        self.publish(project, 500)
        for count in (3, 5):  # both sets go on
            self.parts = [f"{self.exchange}.part.{count}.{i}" for i in range(count)]
            self.check(self.reader())

    def test_a_quiet_partition_gets_marks_so_that_a_restart_reads_little(self):
        project = self.log()
        first = self.recorder(project)
        self.publish(project, 22_000, keys=1)  # a mark comes after 10,000, and up to a burst of 512 later
        reader = self.reader()
        reader.until(lambda: reader.marks >= 3 * 2)  # they may come later than the last event
        self.check(reader)
        self.assertEqual(reader.marks, 3 * 2)
        first.sigkill()
        again = self.recorder(project, "again")
        again.wait_for_log("recording into")
        start = int(re.search(r"from offset (\d+) on", again.log())[1])
        self.assertGreaterEqual(start, 20_000 - 1)


class Setup(RecorderCase):
    """What `setup` declares, and what `status` says of it."""

    def bindings(self):
        listed = self.servers.rabbitmqctl("list_bindings", "-p", "fanfold", "source_name", "destination_name",
                                          "routing_key").splitlines()
        rows = (line.split("\t") for line in listed)
        return {(source, queue, key) for source, queue, key in rows if source.startswith(self.exchange)}

    def test_a_setup_that_was_cut_short_is_completed(self):
        project = self.log(3)
        wanted = {(self.exchange, self.exchange + ".log.0", "")} | {
            (self.exchange + ".part", part, f"3.{i}") for i, part in enumerate(self.parts)}
        self.assertEqual(self.bindings(), wanted)
        again = project.cli("setup")
        self.assertIn(f"partitions {self.parts[0]} to {self.parts[2]}: were there", again.err)
        with self.servers.amqp("operator") as connection:
            channel = connection.channel()
            channel.queue_delete(self.parts[0])
            channel.queue_delete(self.parts[1])
        completed = project.cli("setup")
        self.assertIn("2 declared and bound, 1 were there", completed.err)
        self.assertEqual(self.bindings(), wanted)

    def test_a_direct_log_has_nothing_besides(self):
        self.log(1)
        self.assertEqual(self.bindings(), {(self.exchange, self.exchange + ".log.0", "")})

    def test_what_is_there_and_does_not_fit_is_an_error(self):
        project = self.log(1)
        with self.servers.amqp("operator") as connection:
            connection.channel().exchange_declare(self.exchange + ".part", "topic", durable=True)
        self.refused(project, 2, "that is not a durable direct one")
        with self.servers.amqp("operator") as connection:
            channel = connection.channel()
            channel.exchange_delete(self.exchange + ".part")
            channel.queue_declare(self.exchange + ".recorder.2", durable=True,
                                  arguments={"x-queue-type": "quorum"})
            channel.queue_declare(self.exchange + ".part.3.1", durable=True)
        self.refused(project, 2, "that is not a durable classic one")
        self.refused(project, 3, f'a queue "{self.exchange}.part.3.1" exists that is not a stream')

    def refused(self, project, count, text):
        config = json.loads(project.config.read_text())
        config["logs"][0]["partitions"] = count
        project.config.write_text(json.dumps(config))
        result = project.cli("setup")
        self.assertEqual(result.code, 78)
        self.assertIn(text, result.err)

    def test_partitions_that_are_not_there_are_said(self):
        project = self.log(1)
        config = json.loads(project.config.read_text())
        config["logs"][0]["partitions"] = 2
        project.config.write_text(json.dumps(config))
        recorder = self.recorder(project)
        recorder.wait_for_log(f'there is no queue "{self.exchange}.recorder.2"; run `fanfold setup` to declare it')
        self.parts = self.set_up(project)
        recorder.wait_for_log("recording into")
        self.assertIn(recorder.log().count("trying again"), (1, 2))  # once a reason: it may look amid setup

    def test_the_status_of_a_log(self):
        project = self.log(2)
        self.publish(project, 100)
        told = {"exchange": self.exchange, "partitions": 2, "recorded": None, "end": 99, "lag": 100, "recorder": False}
        self.assertEqual(project.status()["logs"], [told])
        self.assertIn("2 partitions, 100 events are not recorded yet; no recorder is at work", project.cli("status").out)
        recorder = self.recorder(project)
        told.update(recorded=99, lag=0, recorder=True)
        fanfold.poll(lambda: project.status()["logs"] == [told], what="all to be recorded")
        self.assertIn("2 partitions, recorded up to its end\n", project.cli("status").out)
        recorder.sigkill()
        told.update(recorder=False)
        fanfold.poll(lambda: project.status()["logs"] == [told], what="the lock to be free")


class Faults(RecorderCase):
    def begun(self, recorder):
        return recorder.log().count("recording into")

    def test_it_is_killed_at_any_moment(self):
        project = self.log()
        starts, kills = [0], 0
        while len(set(starts)) < 7:  # each amid its work: it went on from elsewhere, and not from the end
            self.assertLess(kills, 60, f"the recorder was to be killed amid its work: {starts}")
            if self.sent - starts[-1] < 3000:
                self.publish(project, 3000)
            recorder = self.recorder(project, "killed")
            begun = self.begun(recorder)
            if kills % 5:  # else while it reads the partitions
                fanfold.poll(lambda: self.begun(recorder) > begun, 20, "it to begin", pause=0.002)
            time.sleep(self.chance.uniform(0, 0.1))
            self.assertTrue(recorder.is_running())
            recorder.sigkill()
            kills += 1
            starts = [start for start in self.starts(recorder) if start < self.sent - 1] or [0]
        self.recorder(project, "killed")
        self.check(self.reader())
        self.assertEqual(self.starts(recorder), sorted(self.starts(recorder)))

    @staticmethod
    def starts(recorder):
        """The offsets from which it began to read."""
        return [int(offset) for offset in re.findall(r"from offset (\d+) on", recorder.log())]

    def numbered(self, count):
        events = [{"specversion": "1.0", "id": str(self.sent + i), "source": "/r", "type": "t",
                   "subject": f"s{self.chance.randrange(99)}", "data": {}} for i in range(count)]
        self.sent += count
        return events

    def test_one_that_was_believed_dead_repeats_what_is_there(self):
        """And one that lost a record in the middle has left a hole, behind which it had sent already."""
        project = self.log(2)
        self.publish(project, 2000, keys=1000)
        with self.recorder(project, "first") as recorder:
            reader = self.reader()
            reader.until_recorded(2000)
            self.assertEqual(recorder.sigterm(), 0)
        records = reader.chains[0].records
        taken = records[-1].offset + 1
        self.publish(project, 1100, keys=1000)
        reader.until(lambda: len(reader.intake) == 3100)
        ahead = [event for offset, event in sorted(reader.intake.items())
                 if offset >= taken and partitions.partition_of(subject(event), 2) == 0]
        with self.servers.amqp("worker") as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            begin = taken
            for record in records[-20:]:  # it wakes up, and writes once more what it had in hand
                self.write(channel, record.event, record.offset, record.since)
            for i, event in enumerate(ahead[:SENT_AHEAD]):
                if i != 3:  # it was returned, say
                    self.write(channel, event, event.place, begin)
                begin = event.place + 1
        self.recorder(project, "second")
        self.check(reader)
        self.assertEqual((reader.duplicates, reader.gaps), (20, SENT_AHEAD - 4))

    def write(self, channel, event, offset, since):
        channel.basic_publish(self.exchange + ".part", "2.0", partitions.record_of(event, offset, since),
                              mandatory=True)

    def test_a_binding_that_is_gone_is_said_and_nothing_is_lost(self):
        project = self.log(2)
        recorder = self.recorder(project)
        recorder.wait_for_log("recording into")
        with self.servers.amqp("operator") as connection:
            connection.channel().queue_unbind(self.parts[1], self.exchange + ".part", "2.1")
        self.publish(project, 500)
        recorder.wait_for_log("run `fanfold setup` to bind")
        self.set_up(project)
        self.check(self.reader())
        self.assertEqual(recorder.log().count("trying again"), 1)  # once an outage

    def test_connections_end_in_the_middle_of_a_frame(self):
        with Proxy(int(self.servers.settings()["AMQP_PORT"])) as proxy:
            project = self.log()
            recorder = self.recorder_behind(proxy, project)
            reader = self.reader()
            with project.publishing() as publishing:
                for round_ in range(4):
                    publishing.write(self.numbered(1500))
                    seen = len(reader.recorded())
                    reader.until(lambda: len(reader.recorded()) > seen + 200)
                    self.assertGreaterEqual(proxy.cut(), COUNT + 2)
                    publishing.write(self.numbered(500))
                    fanfold.poll(lambda: self.begun(recorder) > round_ + 1, 20, "it to begin again")
                self.assertEqual(publishing.finish().code, 0)
            self.assertGreaterEqual(proxy.cuts, 4)
            self.check(reader)

    def recorder_behind(self, proxy, project):
        env = self.servers.env("worker")
        env["FANFOLD_AMQP_URL"] = re.sub(r":\d+/", f":{proxy.port}/", env["FANFOLD_AMQP_URL"])
        recorder = fanfold.Recorder(project.config, "behind", env)
        project.workers.append(recorder)
        recorder.wait_for_log("recording into")
        return recorder

    def test_another_takes_over_from_one_that_sleeps_with_records_on_their_way(self):
        with Proxy(int(self.servers.settings()["AMQP_PORT"])) as proxy:
            project = self.log()
            sleeper = self.recorder_behind(proxy, project)
            heir = self.recorder(project, "heir")
            heir.wait_for_log("standing by")
            self.publish(project, 1000)
            reader = self.reader()
            reader.until_recorded(1000)
            sleeper.signal(signal.SIGSTOP)
            slept = time.monotonic()
            self.publish(project, 2000)
            proxy.freeze(clients_only=True)
            sleeper.signal(signal.SIGCONT)
            fanfold.poll(lambda: partitions.MAGIC in proxy.waiting(), what="records to be on their way")
            sleeper.signal(signal.SIGSTOP)
            heir.wait_for_log("recording into", deadline=20)
            self.assertLess(time.monotonic() - slept, 16)
            reader.until_recorded(self.sent)
            proxy.thaw()  # now they come, though another one records
            reader.until(lambda: reader.duplicates, what="what was held back")
            sleeper.signal(signal.SIGCONT)
            sleeper.wait_for_log("the lock of the recorder is lost")
            sleeper.wait_for_log("standing by")
            self.assertEqual(self.begun(sleeper), 1)
            self.publish(project, 100)
            self.check(reader)
            self.assertEqual(reader.gaps, 0)
            heir.sigkill()  # and back
            fanfold.poll(lambda: self.begun(sleeper) == 2, 10, "the other one to take over")
            self.publish(project, 100)
            self.check(self.reader())

    def test_the_broker_is_killed(self):
        project = self.log()
        self.servers.keep_declarations()
        recorder = self.recorder(project)
        recorder.wait_for_log("recording into")
        self.publish(project, 20_000)
        self.servers.kill_broker()
        recorder.wait_for_log("trying again until it works")
        self.servers.do("start-amqp")
        self.publish(project, 1000)
        self.check(self.reader())
        self.assertEqual(recorder.log().count("trying again until it works"), 1)
        self.assertGreaterEqual(self.begun(recorder), 2)
        self.assertTrue(recorder.is_running())

    def test_the_broker_takes_nothing_for_a_while(self):
        project = self.log()
        self.publish(project, 3000)
        channel = self.publisher()
        for _ in range(12):
            channel.basic_publish(self.exchange, "large", b"x" * 10_000_000, mandatory=True)
        self.sent += 12
        self.servers.rabbitmqctl("set_vm_memory_high_watermark", "0.000001")
        try:
            recorder = self.recorder(project)
            recorder.wait_for_log("the broker takes no messages for now")
            self.assertEqual(recorder.log().count("trying again"), 0)
        finally:
            self.servers.rabbitmqctl("set_vm_memory_high_watermark", "0.4")
        self.check(self.reader())
        self.assertIn("the broker takes messages again", recorder.log())
        self.assertLess(peak(recorder.pid), 80 * 1024 * 1024)
        self.assertEqual(self.begun(recorder), 1)


class Stops(RecorderCase):
    """It stops loudly rather than record with a hole."""

    def refuse(self, project, text):
        recorder = self.recorder(project, "refuses")
        recorder.wait_for_log(text)
        self.assertEqual(recorder.log().count(text), 1)
        self.assertIn("stopped; 0 events recorded", self.ended(recorder))

    def ended(self, recorder):
        self.assertEqual(recorder.sigterm(), 0)
        return recorder.log()

    def declare_small(self, count=2):
        """A log whose segments are small, which setup would not make; and its partitions."""
        self.exchange = "recorder-" + uuid.uuid4().hex[:8]
        project = fanfold.Project(self.servers, logs=[{"exchange": self.exchange, "partitions": count}])
        self.addCleanup(project.__exit__, False)
        with self.servers.amqp("operator") as connection:
            channel = connection.channel()
            channel.exchange_declare(self.exchange, "fanout", durable=True)
            self.declare_stream(channel, {"x-max-length-bytes": 60_000, "x-stream-max-segment-size-bytes": 20_000})
            for i in range(count):
                self.declare_rest(channel, count, i)
            channel.queue_declare(f"{self.exchange}.recorder.{count}", durable=True,
                                  arguments={"x-queue-type": "classic"})
        self.parts = [f"{self.exchange}.part.{count}.{i}" for i in range(count)]
        return project

    def declare_stream(self, channel, arguments):
        channel.queue_declare(self.exchange + ".log.0", durable=True,
                              arguments={"x-queue-type": "stream", **arguments})
        channel.queue_bind(self.exchange + ".log.0", self.exchange)

    def declare_rest(self, channel, count, i):
        part = f"{self.exchange}.part.{count}.{i}"
        channel.exchange_declare(self.exchange + ".part", "direct", durable=True)
        channel.queue_declare(part, durable=True, arguments={"x-queue-type": "stream"})
        channel.queue_bind(part, self.exchange + ".part", f"{count}.{i}")

    def test_retention_took_what_was_not_recorded(self):
        project = self.declare_small()
        self.publish(project, 100)
        with self.recorder(project) as recorder:
            reader = self.reader()
            reader.until_recorded(100)
            self.assertEqual(recorder.sigterm(), 0)
        while self.first_offset(project) == 0:
            self.publish(project, 200)
        self.publish(project, 200)
        self.refuse(project, "retention removed events")

    @staticmethod
    def first_offset(project):
        first = project.cli("tail", "--from", "first", "-n", "1", "--json")
        return json.loads(first.out)["fanfoldoffset"]

    def test_a_log_that_retention_cut_is_recorded_from_where_it_begins(self):
        project = self.declare_small()
        while True:
            self.publish(project, 200)
            if begin := self.first_offset(project):
                break
        self.recorder(project)
        reader = self.reader()
        reader.until(lambda: reader.intake and len(reader.recorded()) == len(reader.intake))
        reader.check(subject)
        self.assertEqual({chain.begin >= begin for chain in reader.chains}, {True})
        self.assertEqual(len({chain.begin for chain in reader.chains}), 1)

    def test_the_log_is_another_one(self):
        project = self.declare_small()
        self.publish(project, 100)
        with self.recorder(project) as recorder:
            self.reader().until_recorded(100)
            self.assertEqual(recorder.sigterm(), 0)
        with self.servers.amqp("operator") as connection:
            channel = connection.channel()
            channel.queue_delete(self.exchange + ".log.0")
            self.declare_stream(channel, {})
        self.refuse(project, "but it was recorded up to offset")
        self.publish(project, 300)
        self.refuse(project, "has another event at offset")

    def test_a_message_that_no_recorder_wrote(self):
        """Were it passed over, its partition would look as if it began with the log."""
        project = self.log(2)
        with self.servers.amqp("worker") as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.basic_publish(self.exchange + ".part", "2.0", b"{}", mandatory=True)
        self.publish(project, 100)
        self.refuse(project, f'"{self.parts[0]}" holds a message at 0 that no recorder wrote')

    def test_an_event_that_fills_what_a_message_may_have(self):
        project = self.log(2)
        channel = self.publisher()
        for i in range(10):
            channel.basic_publish(self.exchange, "k", b"x" * ((128 << 20) - 10 if i == 5 else 10), mandatory=True)
        recorder = self.recorder(project)
        recorder.wait_for_log("the event at offset 5 is too large to be recorded", deadline=60)
        reader = self.reader()
        reader.until_recorded(5)
        self.assertTrue(recorder.is_running())


if __name__ == "__main__":
    unittest.main()
