"""What other people's publishers put on an exchange: each message is folded, ignored, or parked with a
reason that a person understands. No worker crashes, none stands still, and all messages are counted."""
import contextlib
import datetime
import json
import re
import unittest
import uuid

import pika
import pika.exceptions

import fanfold


class Raw(str):
    """A text that pika writes as these bytes, which may be anything: Raw.of(b"\\xff")."""

    @classmethod
    def of(cls, data):
        raw = cls("raw")
        raw.data = data
        return raw

    def encode(self, *_):
        return self.data


class Hostile(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "hostile-" + uuid.uuid4().hex[:8] + "-"
        self.sent = 0

    def view(self, name, on, **members):
        return {"view": self.prefix + name, "exchange": self.prefix + "events", "on": on, **members}

    def set_n(self, name, **members):
        """A view whose events of one subject have an order: type "x" sets n of the subject's row."""
        return self.view(name, {"x": [{"hash": f"{self.prefix}{name}:{{subject}}",
                                       "set": {"n": "/data/n"}}]}, **members)

    def add_n(self, name, **members):
        """A view whose changes commute."""
        return self.view(name, {"x": [{"hash": f"{self.prefix}{name}:{{subject}}",
                                       "add": {"n": "/data/n"}}]}, **members)

    @contextlib.contextmanager
    def project(self, *views, **log):
        project = fanfold.Project(fanfold.suite(), views=views,
                                  logs=[{"exchange": self.prefix + "events", **log}])
        with project.declared(self.prefix), project.addresses.amqp("publisher") as connection:
            self.connection = connection
            self.channel = connection.channel()
            self.channel.confirm_delivery()
            self.names = [view["view"] for view in views]
            yield project

    def send(self, body=b'{"n":1}', key="", exchange=None, **properties):
        """Returns the message's offset (no segment of the log ends in these tests)."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.channel.basic_publish(exchange or self.prefix + "events", key, body,
                                   pika.BasicProperties(**properties), mandatory=True)
        self.sent += 1
        return self.sent - 1

    def send_x(self, body, key, **properties):
        return self.send(body, key, type="x", message_id=str(self.sent), **properties)

    def settle(self, project):
        """Until each view has dealt with all messages, each counted once; and no worker ended by itself."""
        project.wait_for(self.names, self.sent)
        for worker in project.workers:
            self.assertIn(worker.process.poll(), (None, 0), worker.log()[-3000:])

    def parked(self, project, view):
        """{offset: the parked event} as Redis has it."""
        with project.addresses.redis() as redis:
            found = redis.hgetall(f"fanfold:parked:{self.prefix}{view}:{project.partition}")
        return {int(offset): json.loads(text) for offset, text in found.items()}

    def payloads(self, project, view):
        with project.addresses.redis() as redis:
            return redis.hgetall(f"fanfold:parked-payload:{self.prefix}{view}:{project.partition}")

    def hash_rows(self, project, view):
        """{subject: n} of a view made by set_n or add_n."""
        prefix = f"{self.prefix}{view}:"
        return {key[len(prefix):]: row["n"] for key, row in project.rows(prefix).items()}


DEEP = b'{"n":1,"deep":' + b"[" * 1000 + b"]" * 1000 + b"}"
BINARY = {"cloudEvents:specversion": "1.0", "cloudEvents:id": "b", "cloudEvents:source": "/b",
          "cloudEvents:type": "x", "cloudEvents:subject": "binary"}
STRUCTURED = {"specversion": "1.0", "id": "s", "source": "/s", "type": "x", "subject": "structured",
              "data": {"n": "from structured"}}
STRUCTURED_TYPE = "application/cloudevents+json; charset=utf-8"
NOT_JSON = r"/data/n cannot be read: the body is not JSON \(byte \d+: "


def structured(**changes):
    event = {name: value for name, value in {**STRUCTURED, **changes}.items() if value is not None}
    return {"body": event, "content_type": STRUCTURED_TYPE, "message_id": str(uuid.uuid4())}


def binary(**changes):
    headers = {**BINARY, **{"cloudEvents:" + name: value for name, value in changes.items()}}
    return {"headers": {name: value for name, value in headers.items() if value is not None}}


def x(body=b'{"n":1}', key="k", **properties):
    return {"body": body, "key": key, "type": "x", **properties}


FOLDED, IGNORED = "folded", "ignored"

# What comes: what becomes of it in the view "typed", which sets /data/n for events of type x: the value, or
# a pattern for the reason with which it parks, or IGNORED; and in the view "all", which counts every event
# and does not look at it: FOLDED, or a pattern.
MESSAGES = {
    "not JSON": (x(b"hello, world"), re.compile(NOT_JSON), FOLDED),
    "half of a JSON text": (x(b'{"n":1'), re.compile(NOT_JSON), FOLDED),
    "two JSON texts": (x(b'{"n":1}{"n":2}'), re.compile(NOT_JSON), FOLDED),
    "an empty body": (x(b""), re.compile("/data/n is missing"), FOLDED),
    "a JSON text that is no object": (x(b"[1]"), re.compile("/data/n is missing"), FOLDED),
    "null": (x(b'{"n":null}'), re.compile("/data/n is null"), FOLDED),
    "5 MB of JSON": (x(b'{"pad":"' + b"x" * 5_000_000 + b'","n":7}'), "7", FOLDED),
    "5 MB of anything": (x(bytes(range(256)) * 20_000), re.compile(NOT_JSON), FOLDED),
    "20 MB of JSON": (x(b'{"pad":"' + b"x" * 20_000_000 + b'","n":7}'),
                      re.compile(r"data of \d+ bytes is not read as JSON; at most \d+"), FOLDED),
    "array and table headers": (x(headers={"a": ["b", 1], "t": {"u": {"v": 1}}, "s": "t"}), "1", FOLDED),
    "a thousand headers": (x(headers={f"h{i}": i for i in range(2000)}),
                           re.compile(r"2\d\d\d headers; at most 1000"), re.compile("headers; at most")),
    "a header of 100 KB": (x(headers={"h": "v" * 100_000}), "1", FOLDED),
    "a header that is no UTF-8": (x(headers={"h": Raw.of(b"\xff\xfe")}), "1", FOLDED),
    "a header whose name is no UTF-8": (x(headers={Raw.of(b"\xff"): "1"}), "1", FOLDED),
    "bytes, void and time in headers": (
        x(headers={"b": b"\x00\xff", "v": None, "t": datetime.datetime(2026, 1, 31)}), "1", FOLDED),
    "a body that is no UTF-8": (x(b'{"n":"\xff\xfe"}'), re.compile(NOT_JSON + ".*UTF-8"), FOLDED),
    "a lone surrogate": (x(b'{"n":"\\ud800"}'), re.compile("surrogate"), FOLDED),
    "a lone surrogate elsewhere": (x(b'{"n":3,"m":"\\udc00 "}'), re.compile("surrogate"), FOLDED),
    "a surrogate pair": (x(b'{"n":"\\ud83d\\ude00"}'), "\U0001f600", FOLDED),
    "U+0000": (x(b'{"n":"a\\u0000b"}'), re.compile(r"U\+0000|\\u0000"), FOLDED),
    "a control character": (x(b'{"n":"a\\tb"}'), "a\tb", FOLDED),
    "1000 levels": (x(DEEP), re.compile(NOT_JSON + ".*(nest|deep|levels)"), FOLDED),
    "a number beyond doubles": (x(b'{"n":1e400}'), re.compile("1e400"), FOLDED),
    "a number of 40 digits": (x(b'{"n":' + b"1234567890" * 4 + b"}"), re.compile(r"beyond ±2\^53"), FOLDED),
    "2^53 + 1": (x(b'{"n":9007199254740993}'), re.compile(r"beyond ±2\^53"), FOLDED),
    "2^53": (x(b'{"n":-9007199254740992}'), "-9007199254740992", FOLDED),
    "a number of 1 MB": (x(b'{"n":0.' + b"3" * 1_000_000 + b"}"), "0.3333333333333333", FOLDED),
    "NaN": (x(b'{"n":NaN}'), re.compile(NOT_JSON), FOLDED),
    "a number with a comma": (x(b'{"n":1,5}'), re.compile(NOT_JSON), FOLDED),
    "a member twice": (x(b'{"n":1,"n":2}'), "2", FOLDED),
    "an object as the value": (x(b'{"n":{"b":1,"a":[]}}'), '{"a":[],"b":1}', FOLDED),
    "a compressed body": (x(b"\x1f\x8b\x08", content_encoding="gzip"),
                          re.compile('content_encoding "gzip" is not decoded'), FOLDED),
    "a message_id that is no UTF-8": (x(message_id=Raw.of(b"\xff")),
                                      re.compile("property message_id: .*UTF-8"),
                                      re.compile("property message_id: .*UTF-8")),
    "a type that is no UTF-8": ({"type": Raw.of(b"x\xff"), "key": "k"}, re.compile("property type: .*UTF-8"),
                                re.compile("property type: .*UTF-8")),
    "a timestamp beyond all years": (x(timestamp=2 ** 63 - 1), re.compile(r"timestamp.* is no time"),
                                     re.compile("timestamp.* is no time")),
    "an unknown type": ({"type": "y", "key": "k"}, IGNORED, FOLDED),
    "no properties at all": ({"body": b"?", "key": ""}, IGNORED, FOLDED),
    "batch mode": ({"body": [STRUCTURED], "content_type": "application/cloudevents-batch+json"},
                   re.compile(r"only application/cloudevents\+json is read"),
                   re.compile(r"only application/cloudevents\+json is read")),
    "structured": (structured(), "from structured", FOLDED),
    "structured, not JSON": ({"body": b'{"specversion"', "content_type": STRUCTURED_TYPE, "type": "x"},
                             re.compile("structured CloudEvent: .*text ends"),
                             re.compile("structured CloudEvent: .*text ends")),
    "structured, no object": ({"body": b"[]", "content_type": STRUCTURED_TYPE, "type": "x"},
                              re.compile("not an object"), re.compile("not an object")),
    "structured, without type": (structured(type=None), re.compile("structured CloudEvent without type"),
                                 re.compile("structured CloudEvent without type")),
    "structured, without id": (structured(id=None), re.compile("structured CloudEvent without id"),
                               re.compile("structured CloudEvent without id")),
    "structured, another version": (structured(specversion="2.0"), re.compile('specversion is "2.0"'),
                                    re.compile('specversion is "2.0"')),
    "structured, a subject of 1 MB": (structured(subject="s" * 1_000_000),
                                      re.compile("subject is 1000000 bytes long; at most 1024"),
                                      re.compile("subject is 1000000 bytes long")),
    "structured, bad Base64": (structured(data=None, data_base64="*"), re.compile("data_base64"),
                               re.compile("data_base64")),
    "structured, a subject that is a number": (structured(subject=7), re.compile('"subject" is a number'),
                                               re.compile('"subject" is a number')),
    "binary": (binary(), "1", FOLDED),
    "binary, a bad time": (binary(time="yesterday"), re.compile('time "yesterday" is not RFC 3339'),
                           re.compile('time "yesterday" is not RFC 3339')),
    "binary, without type": (binary(type=None), re.compile("binary CloudEvent without type"),
                             re.compile("binary CloudEvent without type")),
    "binary, a subject of 100 KB": (binary(subject="s" * 100_000), re.compile("subject.*100000 bytes"),
                                    re.compile("subject.*100000 bytes")),
    "binary, a subject that is no UTF-8": (binary(subject=Raw.of(b"\xc0\x80")), re.compile("subject.*UTF-8"),
                                           re.compile("subject.*UTF-8")),
    "an empty key": (x(key=""), re.compile("/subject is (missing|empty)"), FOLDED),
    "a key with a line feed": (x(key="a\nb"), re.compile("routing key: .*control character"),
                               re.compile("routing key: .*control character")),
    "a key with an escape": (x(key="a\x1b[2Jb"), re.compile("routing key: .*control character"),
                             re.compile("routing key: .*control character")),
    "a key that is no UTF-8": (x(key=Raw.of(b"\xff\x00\xfe")), re.compile("routing key: .*UTF-8"),
                               re.compile("routing key: .*UTF-8")),
    "a key of 255 bytes": (x(key="k" * 255), "1", FOLDED),
    "a key that looks like another row": (x(key="x:lines"), "1", FOLDED),
    "a key that looks like Fanfold's": (x(key="fanfold:cursor:typed"), "1", FOLDED),
    "a key with wildcards and blanks": (x(key="*[a]? \"'\\ {1}"), "1", FOLDED),
    "a key in other scripts": (x(key="täße-茶-\U0001f375"), "1", FOLDED),
    "a subject of 1024 bytes": (structured(subject="s" * 1024),
                                re.compile(r"the key would have \d+ bytes; at most 1024"), FOLDED),
    "an empty subject": (structured(subject=""), re.compile("/subject is (missing|empty)"), FOLDED),
    "a subject with U+0000": (structured(subject="a\0b"), re.compile(r"U\+0000 is not allowed"),
                              re.compile(r"U\+0000 is not allowed")),
}


class Messages(Hostile):
    def all_events(self):
        return self.view("all", {"*": [{"counter": self.prefix + "all", "add": 1}]})

    def by_id(self):
        """As set_n, but every message has a row of its own, whatever its subject."""
        return self.view("typed", {"x": [{"hash": self.prefix + "typed:{subject}",
                                          "set": {"n of {source}": "/data/n"}}]}, park_by="/id")

    def send_all(self):
        """Each message, and behind it a good one. Returns {name: offset}. Each has its own source, so its
        value has a field of its own, and its own id, so that none waits behind another."""
        offsets = {}
        for number, (name, (message, _, _)) in enumerate(MESSAGES.items()):
            message, own = dict(message), {"source": f"/m{number}", "id": f"m{number}"}
            headers = message.get("headers", {})
            if message.get("content_type") == STRUCTURED_TYPE and isinstance(message["body"], dict):
                message["body"] = {**message["body"], **{k: v for k, v in own.items() if k in message["body"]}}
            elif "cloudEvents:source" in headers:
                message["headers"] = {**headers, **{"cloudEvents:" + k: v for k, v in own.items()}}
            elif name != "no properties at all":
                message["app_id"] = own["source"]
            offsets[name] = self.send(**message)
            self.send_x({"n": number}, "good", app_id="/good")
        return offsets

    def check_typed(self, project, offsets):
        values = {}
        for key, row in project.rows(self.prefix + "typed:").items():
            for field, value in row.items():
                values[field[len("n of "):]] = value
        self.assertEqual(values.pop("/good"), str(len(MESSAGES) - 1))
        parked = self.parked(project, "typed")
        for number, (name, (_, expected, _)) in enumerate(MESSAGES.items()):
            with self.subTest(name):
                event = parked.pop(offsets[name], None)
                if isinstance(expected, re.Pattern):
                    self.assertIsNotNone(event, "it is not parked")
                    self.check_reason(event, expected)
                    self.assertNotIn(f"/m{number}", values)
                else:
                    self.assertIsNone(event)
                    self.assertEqual(values.get(f"/m{number}"), None if expected == IGNORED else expected)
        self.assertEqual(parked, {}, "good events are parked")

    def check_all(self, project, offsets):
        parked = self.parked(project, "all")
        for name, (_, _, expected) in MESSAGES.items():
            with self.subTest(name, view="all"):
                event = parked.pop(offsets[name], None)
                if expected == FOLDED:
                    self.assertIsNone(event)
                else:
                    self.assertIsNotNone(event, "it is not parked")
                    self.check_reason(event, expected)
        self.assertEqual(parked, {}, "good events are parked")

    def check_reason(self, event, pattern):
        reason = event["reason"]
        self.assertRegex(reason, pattern)
        self.assertLess(len(reason), 600)
        self.assertTrue(reason.isprintable(), reason)

    def check_tallies(self, project):
        def tally(column, *expected):
            return sum(isinstance(m[column], re.Pattern) if "parked" in expected else m[column] in expected
                       for m in MESSAGES.values())
        typed, counted = project.tally(self.prefix + "typed"), project.tally(self.prefix + "all")
        self.assertEqual(typed["parked"], tally(1, "parked"))
        self.assertEqual(typed["ignored"], tally(1, IGNORED))
        self.assertEqual(counted["parked"], tally(2, "parked"))
        self.assertEqual(counted["ignored"], 0)
        self.assertEqual(project.rows(self.prefix + "all"),
                         {self.prefix + "all": str(self.sent - counted["parked"])})
        self.assertEqual(sum(typed.values()), self.sent)
        self.assertEqual(sum(counted.values()), self.sent)

    def test_each_message_is_dealt_with_and_the_next_event_is_folded(self):
        with self.project(self.by_id(), self.all_events()) as project:
            project.worker("a")
            offsets = self.send_all()
            self.settle(project)
            self.check_typed(project, offsets)
            self.check_all(project, offsets)
            self.check_tallies(project)
            self.check_payloads(project, offsets)
            self.check_that_a_restart_knows_all_again(project)

    def check_payloads(self, project, offsets):
        """Of what failed, the body is kept up to 64 KiB."""
        with project.addresses.redis() as redis:
            lengths = {name: redis.hstrlen(
                f"fanfold:parked-payload:{self.prefix}typed:{project.partition}", offset)
                for name, offset in offsets.items()}
        self.assertEqual(lengths["not JSON"], len(b"hello, world"))
        self.assertEqual(lengths["5 MB of anything"], 0)
        self.assertEqual(lengths["structured"], 0)

    def check_that_a_restart_knows_all_again(self, project):
        """The fingerprint and the window cover what could not be decoded, too."""
        self.assertEqual(project.workers[0].sigterm(), 0)
        project.worker("b")
        self.send_x({"n": "after the restart"}, "good", app_id="/good")
        self.settle(project)
        row = project.rows(self.prefix + "typed:good")[self.prefix + "typed:good"]
        self.assertEqual(row, {"n of /good": "after the restart"})
        for name in self.names:
            fanfold.poll(lambda: (project.task(name)["state"], project.task(name)["lag"]) == ("streaming", 0),
                         what=f"{name} to be said to stream")
            self.assertEqual(project.task(name)["reason"], "")

    def test_tail_shows_what_is_no_event(self):
        with self.project() as project:
            self.send(b"\xff", "a\nb", type="x")
            self.send_x({"n": 1}, "k")
            fault, good = project.tail()
            self.assertEqual(fault["fanfoldoffset"], 0)
            self.assertEqual(fault["data_base64"], "/w==")
            self.assertRegex(fault["fanfoldfault"], "routing key: .*control character")
            self.assertEqual((good["fanfoldoffset"], good["data"]), (1, {"n": 1}))

    def test_more_than_the_memory_budget(self):
        """Eight bodies of 5 MB pass through a worker that may hold 4 MiB."""
        with self.project(self.set_n("big")) as project:
            for number in range(8):
                self.send_x(b'{"n":%d,"pad":"' % number + b"x" * 5_000_000 + b'"}', f"k{number % 3}")
            project.worker("a", "--budget", "4M")
            self.settle(project)
            self.assertEqual(self.hash_rows(project, "big"), {"k0": "6", "k1": "7", "k2": "5"})

    def test_a_publisher_that_the_broker_throws_out(self):
        """A header that does not fit in a frame never reaches the log; the others go on."""
        with self.project(self.set_n("on")) as project:
            project.worker("a")
            self.send_x({"n": 1}, "k")
            with self.assertRaises(pika.exceptions.AMQPError):
                with project.addresses.amqp("publisher") as connection:
                    channel = connection.channel()
                    channel.confirm_delivery()
                    channel.basic_publish(self.prefix + "events", "k", b"{}",
                                          pika.BasicProperties(type="x", headers={"h": "v" * 1_000_000}))
            self.send_x({"n": 2}, "k")
            self.settle(project)
            self.assertEqual(self.hash_rows(project, "on"), {"k": "2"})


class Order(Hostile):
    def test_later_events_of_the_subject_wait_also_after_a_restart(self):
        with self.project(self.set_n("set"), self.add_n("add")) as project:
            worker = project.worker("a")
            self.send_x({"n": 1}, "s")
            self.send_x({"n": 1}, "t")
            bad = self.send_x({}, "s")
            behind = [self.send_x({"n": 2}, "s")]
            self.send_x({"n": 3}, "t")
            self.settle(project)
            self.assertEqual(worker.sigterm(), 0)
            project.worker("b")
            behind.append(self.send_x({"n": 4}, "s"))
            self.send_x({"n": 5}, "t")
            self.settle(project)

            self.assertEqual(self.hash_rows(project, "set"), {"s": "1", "t": "5"})
            parked = self.parked(project, "set")
            self.assertEqual(sorted(parked), [bad, *behind])
            self.assertIn("/data/n is missing", parked[bad]["reason"])
            self.assertEqual({parked[offset]["reason"] for offset in behind},
                             {"waits behind a parked event of the same key"})
            with project.addresses.redis() as redis:
                waiting = redis.hgetall(f"fanfold:waiting:{self.prefix}set:{project.partition}")
            self.assertEqual(waiting, {"s": "3"})

            self.assertEqual(self.hash_rows(project, "add"), {"s": "7", "t": "9"})
            self.assertEqual(sorted(self.parked(project, "add")), [bad])

    def test_events_without_a_park_key_do_not_wait(self):
        view = self.view("by", {"x": [{"hash": self.prefix + "by:all", "set": {"n": "/data/n"}}]},
                         park_by="/data/order")
        with self.project(view) as project:
            project.worker("a")
            bad = [self.send_x({"order": "o1"}, "k"), self.send_x({}, "k")]
            waits = self.send_x({"order": "o1", "n": 1}, "k")
            self.send_x({"n": 2}, "k")
            self.settle(project)
            self.assertEqual(sorted(self.parked(project, "by")), [*bad, waits])
            self.assertEqual(self.hash_rows(project, "by"), {"all": "2"})

    def test_totals_beyond_2_53_park_exactly_those_events(self):
        """The script refuses them; batches are in flight behind and before them. Against a naive model."""
        limit, events = 2 ** 53, 20_000
        bad = {3_000: limit, 3_001: -limit, 11_111: limit - 1, 19_998: limit}
        view = self.view("add", {"x": [{"hash": self.prefix + "add:{subject}",
                                        "add": {"n": "/data/n"}},
                                       {"counter": self.prefix + "add-all", "add": "/data/n"}]})
        ordered = self.view("ordered", {"x": [
            {"hash": self.prefix + "ordered:{subject}", "add": {"n": "/data/n"}, "set": {"last": "{id}"}}]})
        with self.project(view, ordered) as project:
            data = [{"specversion": "1.0", "id": str(i), "source": "/t", "type": "x",
                     "subject": f"k{i % 10}", "data": {"n": bad.get(i, 1)}} for i in range(events)]
            project.publish(data)
            self.sent = events
            project.worker("a")
            self.settle(project)

            rows, total, parked = {}, 0, []
            for i, event in enumerate(data):
                n, key = event["data"]["n"], event["subject"]
                if abs(rows.get(key, 0) + n) > limit or abs(total + n) > limit:
                    parked.append(i)
                else:
                    rows[key] = rows.get(key, 0) + n
                    total += n
            self.assertTrue(parked)
            self.assertEqual(sorted(self.parked(project, "add")), parked)
            for event in self.parked(project, "add").values():
                self.assertRegex(event["reason"], r"2\^53")
            self.assertEqual(self.hash_rows(project, "add"), {key: str(n) for key, n in rows.items()})
            self.assertEqual(project.rows(self.prefix + "add-all"), {self.prefix + "add-all": str(total)})

            rows, last, stuck, parked = {}, {}, set(), []
            for i, event in enumerate(data):
                n, key = event["data"]["n"], event["subject"]
                if key in stuck or abs(rows.get(key, 0) + n) > limit:
                    stuck.add(key)
                    parked.append(i)
                else:
                    rows[key], last[key] = rows.get(key, 0) + n, event["id"]
            self.assertEqual(project.rows(self.prefix + "ordered:"), {
                f"{self.prefix}ordered:{key}": {"n": str(n), "last": last[key]} for key, n in rows.items()})
            self.assertEqual(sorted(self.parked(project, "ordered")), parked)

    def test_skip(self):
        with self.project(self.set_n("skip", on_error="skip")) as project:
            worker = project.worker("a")
            self.send_x({"n": 1}, "s")
            self.send_x({}, "s")
            self.send_x({"n": 3}, "s")
            self.settle(project)
            self.assertEqual(self.hash_rows(project, "skip"), {"s": "3"})
            self.assertEqual(self.parked(project, "skip"), {})
            self.assertEqual(project.tally(self.prefix + "skip")["skipped"], 1)
            self.assertEqual(project.task(self.prefix + "skip")["skipped"], 1)
            self.assertRegex(worker.log(), "skipped: event 1 at offset 1 .*/data/n is missing")

    def test_stop(self):
        with self.project(self.set_n("stop", on_error="stop"), self.set_n("other")) as project:
            project.worker("a")
            self.send_x({"n": 1}, "s")
            self.send_x({}, "s")
            self.send_x({"n": 3}, "t")
            project.wait_for([self.prefix + "other"], 3)
            fanfold.poll(lambda: project.task(self.prefix + "stop")["state"] == "stopped",
                         what="the view to stop")
            task = project.task(self.prefix + "stop")
            self.assertIn('set "on_error" to "park" or "skip"', task["way_out"])
            self.assertRegex(task["reason"], r"event 1 at offset 1 cannot be folded: .*/data/n is missing")
            text = project.cli("status").out
            self.assertRegex(text, r"stop +\S+ +stopped")
            self.assertIn("event 1 at offset 1 cannot be folded", text)
            self.assertEqual(self.hash_rows(project, "stop"), {"s": "1"})
            self.assertEqual(self.hash_rows(project, "other"), {"s": "1", "t": "3"})
            self.assertEqual(self.parked(project, "stop"), {})
            self.assertEqual((task["cursor"], task["lag"]), (0, 2))


class Duplicates(Hostile):
    def send_id(self, id, n, key="k", **properties):
        return self.send({"n": n}, key, type="x", message_id=id, **properties)

    def test_duplicates_and_ids_that_are_used_again(self):
        with self.project(self.add_n("add")) as project:
            worker = project.worker("a")
            self.send_id("1", 10)
            self.send_id("2", 5)
            self.send_id("1", 10)
            self.send_id("1", 10, app_id="/another-source")
            other_data = self.send_id("2", 6)
            other_type = self.send({"n": 5}, "k", type="y", message_id="2")
            self.settle(project)
            self.assertEqual(self.hash_rows(project, "add"), {"k": "25"})
            self.assertEqual(worker.sigterm(), 0)
            project.worker("b")
            self.send_id("2", 5)
            self.send_id("3", 100)
            self.settle(project)
            self.assertEqual(self.hash_rows(project, "add"), {"k": "125"})
            self.assertEqual(project.tally(self.prefix + "add"),
                             {"folded": 4, "duplicates": 2, "parked": 1, "ignored": 1, "skipped": 0})
            parked = self.parked(project, "add")
            self.assertEqual(sorted(parked), [other_data])
            self.assertRegex(parked[other_data]["reason"], "^id reused: .*ids of one source must be unique")
            self.assertNotIn(other_type, parked)  # its type is none of the view's
            self.assertEqual(project.task(self.prefix + "add")["duplicates"], 2)

    def test_the_window_ends_where_the_log_says(self):
        with self.project(self.add_n("add"), dedupe_window=4) as project:
            self.send_id("1", 1)          # 0
            for number in range(2, 5):
                self.send_id(str(number), 1)
            self.send_id("1", 1)          # 4: in [4 − 4, 4), a duplicate
            for number in range(5, 9):
                self.send_id(str(number), 1)
            self.send_id("1", 1)          # 9: offsets 5 to 8 do not have it
            project.worker("a")
            self.settle(project)
            self.assertEqual(project.tally(self.prefix + "add")["duplicates"], 1)
            self.assertEqual(self.hash_rows(project, "add"), {"k": "9"})


if __name__ == "__main__":
    unittest.main()
