"""`fanfold setup`, `publish`, `tail` and `get` against real servers: what they do, say, and exit with."""
import contextlib
import json
import unittest
import uuid

import fanfold

NOWHERE = {"FANFOLD_AMQP_URL": "amqp://a:secret@127.0.0.1:1/x",
           "FANFOLD_REDIS_URL": "redis://a:secret@127.0.0.1:1/0"}


def event(number, **members):
    return {"specversion": "1.0", "id": str(number), "source": "/t", "type": "x", "subject": "k",
            "data": {"n": number}, **members}


class Commands(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "publish-" + uuid.uuid4().hex[:8] + "-"
        self.exchange = self.prefix + "events"
        self.log = self.exchange + ".log.0"
        self.addresses = fanfold.suite()
        self.channel = self.enterContext(self.addresses.amqp()).channel()
        self.project = self.enterContext(fanfold.Project(self.addresses, self.exchange))
        self.addCleanup(self.delete, self.exchange)

    def delete(self, *exchanges):
        with self.addresses.amqp() as connection:
            channel = connection.channel()
            for exchange in exchanges:
                channel.queue_delete(exchange + ".log.0")
                channel.exchange_delete(exchange)

    def configure(self, *logs):
        self.project.config.write_text(json.dumps({"logs": logs, "views": "views"}))
        self.addCleanup(self.delete, *(log["exchange"] for log in logs))

    def publish(self, *args, stdin=None, user="publisher", code=0):
        """Returns (the summary as an object or None, what it said)."""
        result = self.project.cli("publish", *args, user=user, stdin=stdin)
        self.assertEqual(result.code, code, result.err)
        return json.loads(result.out) if result.out else None, result.err

    def messages(self):
        """All messages of the log, as pika delivers them."""
        with self.addresses.amqp() as connection:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=100)
            got, last = [], self.last_offset()

            def take(channel, method, properties, body):
                got.append((method, properties, body))
                channel.basic_ack(method.delivery_tag)
                if properties.headers["x-stream-offset"] == last:
                    channel.stop_consuming()
            channel.basic_consume(self.log, take, arguments={"x-stream-offset": "first"})
            connection.call_later(20, channel.stop_consuming)
            channel.start_consuming()
        return got

    def last_offset(self):
        return json.loads(self.tail("--from", "first", "--until-end", "--json").splitlines()[-1])["fanfoldoffset"]

    def tail(self, *args, code=0):
        result = self.project.cli("tail", *args)
        self.assertEqual(result.code, code, result.err)
        return result.out if code == 0 else result.err

    def offsets(self, *args):
        return [json.loads(line)["fanfoldoffset"] for line in self.tail(*args, "--json").splitlines()]


class Setup(Commands):
    def setup_logs(self, code=0):
        result = self.project.cli("setup")
        self.assertEqual((result.code, result.out), (code, ""), result.err)
        return result.err

    def test_twice(self):
        self.assertIn(f"exchange {self.exchange}: declared (a durable fanout); log {self.log}: declared and "
                      "bound", self.setup_logs())
        self.publish("-d", "1", "-t", "x")
        self.assertIn(f"exchange {self.exchange}: was there, used as it is; log {self.log}: was there",
                      self.setup_logs())
        self.assertEqual(self.offsets("--from", "first", "--until-end"), [0])

    def test_a_log_with_other_properties(self):
        self.setup_logs()
        new = self.prefix + "new"
        self.configure({"exchange": self.exchange, "max_age": "7D"}, {"exchange": new})
        said = self.setup_logs(78)
        self.assertIn(f'the log "{self.log}" exists with another max_age', said)
        self.assertIn(f"log {new}.log.0: declared and bound", said)  # the rest goes on

    def test_a_queue_that_is_no_stream(self):
        self.channel.queue_declare(self.log, durable=True)
        said = self.setup_logs(78)
        self.assertIn(self.log, said)
        self.assertRegex(said, "x-queue-type|stream")
        self.channel.queue_declare(self.log, durable=True, passive=True)  # as it was

    def test_exchanges_that_one_has(self):
        """A topic exchange with a binding key; a headers exchange; one that is not durable."""
        names = {kind: self.prefix + kind for kind in ("topic", "direct", "headers")}
        for kind, name in names.items():
            self.channel.exchange_declare(name, kind, durable=kind != "direct")
        binds = {"topic": {"bind": "a.#"}, "direct": {"bind": "a"}, "headers": {}}
        self.configure(*({"exchange": name, **binds[kind]} for kind, name in names.items()))
        said = self.setup_logs()
        for name in names.values():
            self.assertIn(f"exchange {name}: was there, used as it is; log {name}.log.0: declared", said)
            self.channel.exchange_declare(name, passive=True)
        for key, code in (("a", 0), ("a.b.c", 0), ("b", 1)):
            self.publish("-e", names["topic"], "-d", "1", "-t", "x", "--key", key, code=code)
        self.assertEqual(self.offsets("-e", names["topic"], "--from", "first", "--until-end"), [0, 1])

    def test_a_binding_that_gets_next_to_nothing_is_warned_of(self):
        names = {kind: self.prefix + kind for kind in ("topic", "direct", "headers", "fanout")}
        for kind, name in names.items():
            self.channel.exchange_declare(name, kind, durable=True)
        self.configure(*({"exchange": name} for name in names.values()))
        said = self.setup_logs()
        for kind in ("topic", "direct"):
            self.assertIn(f'warning: {names[kind]} is a {kind} exchange and its log has no "bind"', said)
        self.assertEqual(said.count("warning"), 2, said)
        for name in names.values():  # the question has changed nothing
            self.assertIn(f"exchange {name}: was there, used as it is; log {name}.log.0: declared", said)
            self.channel.exchange_declare(name, passive=True)
        self.configure({"exchange": names["topic"], "bind": "#"})
        self.assertNotIn("warning", self.setup_logs())

    def test_permission_and_login(self):
        result = self.project.cli("setup", user="publisher")
        self.assertEqual(result.code, 77, result.err)
        self.assertIn("ACCESS_REFUSED", result.err)
        wrong = self.addresses.operator_amqp.replace(":operator@", ":secret@")
        result = fanfold.run_cli(["setup", "--config", self.project.config], env={"FANFOLD_AMQP_URL": wrong})
        self.assertEqual(result.code, 77, result.err)
        self.assertNotIn("secret", result.err)

    def test_broker_down(self):
        result = fanfold.run_cli(["setup", "--config", self.project.config], env=NOWHERE)
        self.assertEqual(result.code, 69, result.err)
        self.assertIn("127.0.0.1:1", result.err)
        self.assertNotIn("secret", result.err)


class Publish(Commands):
    def test_no_exchange(self):
        summary, said = self.publish("-d", "1", "-t", "x", "--json", code=78)
        self.assertIsNone(summary)
        self.assertIn(f'there is no exchange "{self.exchange}"; run `fanfold setup`', said)

    def test_no_log(self):
        """The log is known from the configuration."""
        self.channel.exchange_declare(self.exchange, "fanout", durable=True)
        _, said = self.publish("-d", "1", "-t", "x", code=78)
        self.assertIn(f'there is no log "{self.log}"; run `fanfold setup`', said)

    def test_unroutable(self):
        """Nothing says which log is meant, but the broker finds no queue at all."""
        self.channel.exchange_declare(self.exchange, "fanout", durable=True)
        result = fanfold.run_cli(["publish", "-e", self.exchange, "--json"], cwd="/",
                                 env=self.addresses.env("publisher"),
                                 stdin=fanfold.ndjson([event(1), event(2)]))
        self.assertEqual(result.code, 1)
        summary = json.loads(result.out)
        self.assertEqual((summary["confirmed"], summary["unroutable"], summary["unknown"]), (0, 2, 0))
        for line in (1, 2):
            self.assertIn(f"line {line}: not published: no queue takes it", result.err)

    def test_a_log_that_loses_its_binding_meanwhile(self):
        self.project.setup()
        self.channel.queue_unbind(self.log, self.exchange, "")
        summary, said = self.publish("-d", "1", "-t", "x", "--json", code=1)
        self.assertEqual((summary["confirmed"], summary["unroutable"]), (0, 1))
        self.assertIn("not published: no queue takes it", said)

    def test_login_and_permission(self):
        self.project.setup()
        wrong = {"FANFOLD_AMQP_URL": self.addresses.publisher_amqp.replace(":publisher@", ":secret@")}
        result = fanfold.run_cli(["publish", "--config", self.project.config, "-d", "1", "-t", "x"], env=wrong)
        self.assertEqual(result.code, 77, result.err)
        self.assertNotIn("secret", result.err)
        summary, said = self.publish("-d", "1", "-t", "x", "--json", user="worker", code=77)
        self.assertIn("ACCESS_REFUSED", said)
        self.assertEqual(summary["confirmed"], 0)

    def test_broker_down(self):
        args = ["publish", "--config", self.project.config, "-d", "1", "-t", "x", "--patience", "0"]
        result = fanfold.run_cli(args, env=NOWHERE)
        self.assertEqual((result.code, result.out), (69, ""), result.err)
        self.assertEqual(result.err, "fanfold: amqp://a@127.0.0.1:1/x: cannot connect: nothing accepts "
                                     "connections there\n")

    def test_data_that_is_not_json(self):
        """Told at once, also while the broker is down."""
        result = fanfold.run_cli(["publish", "--config", self.project.config, "-d", "{", "-t", "x"],
                                 env=NOWHERE, timeout=10)
        self.assertEqual(result.code, 2)
        self.assertIn("-d: not JSON", result.err)

    def test_all_flags(self):
        self.project.setup()
        summary, _ = self.publish("-d", '{"n": [1, "ü"]}', "-t", "x", "-s", "k", "--id", "i1", "--source", "/me",
                                  "--key", "rk", "--correlation-id", "c1", "--time", "2026-01-31T09:05:07+01:00",
                                  "-H", "colour=red=1", "-H", "traceparent=00-ab-cd-01", "--json")
        self.assertGreaterEqual(summary.pop("seconds"), 0)
        self.assertEqual(summary, {"sent": 1, "confirmed": 1, "unroutable": 0, "refused": 0, "unknown": 0,
                                   "bad_lines": 0, "resent": 0, "id": "i1"})
        (method, properties, body), = self.messages()
        self.assertEqual((method.exchange, method.routing_key), (self.exchange, "rk"))
        self.assertEqual(json.loads(body), {"n": [1, "ü"]})
        headers = dict(properties.headers)
        self.assertEqual(headers.pop("x-stream-offset"), 0)
        time = headers.pop("cloudEvents:time")
        self.assertIn(time, ("2026-01-31T08:05:07.000Z", "2026-01-31T09:05:07+01:00", "2026-01-31T08:05:07Z"))
        self.assertEqual(headers, {
            "cloudEvents:specversion": "1.0", "cloudEvents:id": "i1", "cloudEvents:type": "x",
            "cloudEvents:source": "/me", "cloudEvents:subject": "k", "cloudEvents:correlationid": "c1",
            "cloudEvents:colour": "red=1", "cloudEvents:traceparent": "00-ab-cd-01"})
        self.assertEqual((properties.message_id, properties.type, properties.app_id, properties.correlation_id,
                          properties.timestamp, properties.content_type, properties.delivery_mode),
                         ("i1", "x", "/me", "c1", 1769846707, "application/json", 2))

    def test_what_is_not_given(self):
        """Routing key = subject; a new id each time."""
        self.project.setup()
        ids = [self.publish("-d", "1", "-t", "x", "-s", "k", "--json")[0]["id"] for _ in range(2)]
        self.assertNotEqual(*ids)
        found = self.messages()
        self.assertEqual([properties.message_id for _, properties, _ in found], ids)
        self.assertEqual([method.routing_key for method, _, _ in found], ["k", "k"])

    def test_data_from_a_file_and_from_standard_input(self):
        self.project.setup()
        path = self.project.folder / "data.json"
        path.write_text('{\n  "n": 1\n}\n')
        self.publish("-d", f"@{path}", "-t", "x")
        self.publish("-d", "-", "-t", "x", stdin='{\n  "n": 2\n}\n')
        self.assertEqual([json.loads(body) for _, _, body in self.messages()], [{"n": 1}, {"n": 2}])
        self.assertIn("none.json", self.publish("-d", "@none.json", "-t", "x", code=2)[1])

    def test_bad_lines_are_named_and_the_rest_goes_on(self):
        self.project.setup()
        lines = [json.dumps(event(1)), "not JSON", json.dumps({**event(2), "type": None}),
                 json.dumps(event(3))[:-1], '{"specversion":"1.0","id":"4","data":', '{"n":1}}', "",
                 json.dumps(event(5)), "\udcff", "x" * (17 << 20), json.dumps(event(6))]
        data = "\n".join(lines).encode("utf-8", "surrogateescape")
        summary, said = self.publish("--json", stdin=data, code=1)
        self.assertEqual((summary["sent"], summary["confirmed"], summary["bad_lines"]), (3, 3, 7))
        for number, text in ((2, "not JSON"), (3, 'no "type"'), (4, "not JSON"), (5, "not JSON"),
                             (6, "not JSON"), (9, "not JSON"), (10, "longer than 16 MiB")):
            self.assertIn(f"fanfold: line {number}: {text}", said)
        self.assertEqual([properties.message_id for _, properties, _ in self.messages()], ["1", "5", "6"])

    def test_strict(self):
        self.project.setup()
        data = fanfold.ndjson([event(1)]) + "bad\n" + fanfold.ndjson([event(2)])
        summary, said = self.publish("--strict", "--json", stdin=data, code=1)
        self.assertEqual((summary["sent"], summary["confirmed"], summary["bad_lines"]), (1, 1, 1))
        self.assertEqual([properties.message_id for _, properties, _ in self.messages()], ["1"])
        self.assertIn("line 2: not JSON", said)

    def test_long_lines(self):
        """200 KB, and 5 MB: more than a frame."""
        self.project.setup()
        sizes = (200_000, 5_000_000, 1)
        self.publish(stdin=fanfold.ndjson([event(i, data={"pad": "ü" * size}) for i, size in enumerate(sizes)]))
        self.assertEqual([len(json.loads(body)["pad"]) for _, _, body in self.messages()], list(sizes))

    def test_nothing_to_publish(self):
        self.project.setup()
        summary, _ = self.publish("--json", stdin="\n\n")
        self.assertEqual((summary["sent"], summary["bad_lines"]), (0, 0))

    def test_the_summary_for_a_person(self):
        self.project.setup()
        result = self.project.cli("publish", user="publisher", stdin=fanfold.ndjson([event(1), event(2)]))
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertRegex(result.err, r"^fanfold: published 2 events, 2 confirmed, 0 refused, 0 bad lines, in \S+ s")


class Tail(Commands):
    def setUp(self):
        super().setUp()
        self.project.setup()
        self.project.publish([event(i, time=f"2026-01-31T09:05:0{i}Z") for i in range(5)])

    def test_from(self):
        for start, expected in (("first", [0, 1, 2, 3, 4]), ("3", [3, 4]), ("9", []),
                                ("2026-01-31T09:05:02Z", [2, 3, 4]), ("2026-01-31T10:05:03.5+01:00", [4])):
            with self.subTest(start):
                self.assertEqual(self.offsets("--from", start, "--until-end"), expected)

    def test_count(self):
        self.assertEqual(self.offsets("--from", "first", "-n", "2"), [0, 1])
        self.assertEqual(self.offsets("--from", "1", "--count", "1"), [1])

    def test_text(self):
        lines = self.tail("--from", "first", "-n", "2").splitlines()
        self.assertEqual(len(lines), 2)
        self.assertEqual(lines[1].split(None, 5),
                         ["1", "2026-01-31T09:05:01.000Z", "x", "k", "1", '{"n": 1}'])

    def test_json_is_the_event(self):
        found = json.loads(self.tail("--from", "1", "-n", "1", "--json"))
        self.assertEqual(found, event(1, time="2026-01-31T09:05:01.000Z", fanfoldoffset=1,
                                      datacontenttype="application/json"))

    def test_next_waits_for_what_comes(self):
        """It begins at some moment, so events come until it has one."""
        tail = fanfold.subprocess.Popen(
            [fanfold.binary(), "tail", "--config", str(self.project.config), "-n", "1", "--json"],
            stdout=fanfold.subprocess.PIPE, env={**fanfold.os.environ, **self.addresses.env("worker")},
            preexec_fn=fanfold.die_with_parent)
        with contextlib.closing(tail.stdout):
            def ended():
                self.project.publish([event(7)])
                return tail.poll() is not None
            fanfold.poll(ended, what="tail to end")
            found = json.loads(tail.stdout.read())
        self.assertEqual((tail.returncode, found["id"]), (0, "7"))
        self.assertGreater(found["fanfoldoffset"], 4)

    def test_partition(self):
        self.assertEqual(self.offsets("--partition", self.log, "--from", "4", "-n", "1"), [4])
        said = self.tail("--partition", "none.log.0", "--from", "first", code=78)
        self.assertIn('there is no log "none.log.0"', said)

    def test_refusals(self):
        self.assertIn("there is no log", self.tail("-e", self.prefix + "none", code=78))
        result = fanfold.run_cli(["tail", "--config", self.project.config], env=NOWHERE)
        self.assertEqual(result.code, 69)
        result = self.project.cli("tail", "--from", "first", user="publisher")
        self.assertEqual(result.code, 77, result.err)


class Get(Commands):
    def setUp(self):
        super().setUp()
        self.view = self.prefix + "view"
        p = self.prefix
        self.rows = {p + "hash:k": {"n": "3", "s": "täxt"}, p + "counter": 3, p + "zset": [["k", 2], ["j", 1.5]],
                     p + "set": ["j", "k"], p + "list": ["k", "j"], p + "hll": 2,
                     p + "json-k": {"n": 2, "s": "täxt"}}
        self.project.write_view({"view": self.view, "exchange": self.exchange, "on": {"x": [
            {"hash": p + "hash:{subject}", "set": {"n": "/data/total", "s": "/data/s?"}},
            {"counter": p + "counter", "add": 1}, {"zset": p + "zset", "score": {"{subject}": "/data/n"}},
            {"set": p + "set", "include": ["{subject}"]}, {"list": p + "list", "push": "{subject}"},
            {"hll": p + "hll", "count": ["{subject}"]},
            {"if": {"/subject": "k"}, "json": p + "json-{subject}",
             "put": {"object": {"n": "/data/n", "s": "/data/s"}}}]}})
        self.project.setup()
        with self.project.worker("a") as worker:
            self.project.publish([
                event(1, subject="j", data={"total": 1, "n": 1.5}, time="2026-01-31T09:05:01Z"),
                event(2, subject="hash:x", data={"total": 9, "n": 0}),
                event(3, data={"total": 3, "n": 2, "s": "täxt"}, time="2026-01-31T09:05:03Z")])
            self.project.wait_for([self.view], 3)
            self.assertEqual(worker.sigterm(), 0)
        self.addCleanup(self.project.delete, self.prefix)
        # What the row of "hash:x" added, so that the expected rows stay few.
        self.rows[p + "zset"].append(["hash:x", 0])
        self.rows[p + "set"].insert(0, "hash:x")
        self.rows[p + "list"].insert(1, "hash:x")
        self.rows[p + "hll"] = 3

    def get(self, *args, code=0, user="operator"):
        result = self.project.cli("get", *args, user=user)
        self.assertEqual(result.code, code, result.err)
        return result

    def test_every_structure(self):
        for key, row in self.rows.items():
            with self.subTest(key):
                result = self.get(self.view, key, user="worker")
                self.assertEqual(json.loads(result.out), row)
                self.assertIn("as of 2026-01-31T09:05:03.000Z, up to date", result.err)

    def test_json(self):
        found = json.loads(self.get(self.view, self.prefix + "hash:k", "--json").out)
        self.assertEqual(found, {
            "view": self.view, "key": self.prefix + "hash:k", "structure": "hash",
            "row": self.rows[self.prefix + "hash:k"],
            "fresh": {"partitions": {self.log: {"cursor": 2, "end": 2, "lag": 0, "lag_seconds": 0,
                                                "time": "2026-01-31T09:05:03.000Z"}}}})

    def test_behind(self):
        self.project.publish([event(4), event(5)])
        result = self.get(self.view, self.prefix + "counter")
        self.assertIn("2 events behind", result.err)
        fresh = json.loads(self.get(self.view, self.prefix + "counter", "--json").out)["fresh"]["partitions"]
        self.assertEqual((fresh[self.log]["cursor"], fresh[self.log]["end"], fresh[self.log]["lag"]), (2, 4, 2))

    def test_a_miss_suggests(self):
        result = self.get(self.view, self.prefix + "hash:kk", code=1)
        self.assertEqual(result.out, "")
        near = result.err.index("near keys:")
        self.assertIn(self.prefix + "hash:k\n", result.err[near:])
        result = self.get(self.view, "zzz", code=1)
        self.assertIn(f'"zzz" is no key of view {self.view}', result.err)
        self.assertIn(self.prefix + "hash:{subject}", result.err)

    def test_listing(self):
        result = self.get(self.view)
        for key in self.rows:
            self.assertIn(f"  {key}\n", result.out)
        found = json.loads(self.get(self.view, "--json").out)
        self.assertEqual(found["view"], self.view)
        keys = {key: family["structure"] for family in found["families"] for key in family["keys"]}
        self.assertLessEqual(set(self.rows), set(keys))
        self.assertEqual(keys[self.prefix + "zset"], "zset")

    def test_exit_codes(self):
        result = self.get(self.view[:-1], code=1)
        self.assertIn(f"did you mean {self.view}?", result.err)
        args = ["get", "--config", self.project.config, self.view, self.prefix + "counter"]
        self.assertEqual(fanfold.run_cli(args, env=NOWHERE).code, 69)
        wrong = {**self.addresses.env(),
                 "FANFOLD_REDIS_URL": self.addresses.operator_redis.replace(":operator@", ":secret@")}
        result = fanfold.run_cli(args, env=wrong)
        self.assertEqual(result.code, 77, result.err)
        self.assertNotIn("secret", result.err)

    def test_while_the_broker_is_down(self):
        env = {**self.addresses.env(), "FANFOLD_AMQP_URL": NOWHERE["FANFOLD_AMQP_URL"]}
        result = fanfold.run_cli(["get", "--config", self.project.config, self.view, self.prefix + "counter"],
                                 env=env)
        self.assertEqual((result.code, result.out), (0, "3\n"))
        self.assertIn("how far behind is not known", result.err)


if __name__ == "__main__":
    unittest.main()
