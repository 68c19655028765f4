"""`newest`: rows that go by the time of events, over two logs, whatever order they come in."""
import json
import random
import unittest
import uuid

import fanfold

EVENTS, SUBJECTS, TIMES = 3000, 12, 60
FULL = 2 ** 53


class Newest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "newest-" + uuid.uuid4().hex[:8] + "-"
        self.view = self.prefix + "v"
        self.exchanges = [self.prefix + "web", self.prefix + "tills"]

    def file(self):
        """Four structures, by the event's time and by one of its data; a total, which goes by no time
        and makes an event park while it is full."""
        last, scores, seen = self.prefix + "last:{subject}", self.prefix + "scores", self.prefix + "seen"
        state, total = self.prefix + "state:{subject}", self.prefix + "total:{source}"
        return {"view": self.view, "exchange": self.exchanges, "on": {
            "*": [{"hash": total, "add": {"sum": "/data/amount?"}}],
            "said": [{"hash": last, "newest": True, "set": {"n": "/data/n", "{/data/field}": "/data/n"}},
                     {"zset": scores, "newest": "/data/at", "score": {"{subject}": "/data/n"}},
                     {"set": seen, "newest": True, "include": ["/subject"]},
                     {"json": state, "newest": "/data/at", "put": "/data/n"}],
            "forgot": [{"hash": last, "newest": True, "remove": ["/data/field"]},
                       {"set": seen, "newest": True, "exclude": ["/subject"]}],
            "ended": [{"hash": last, "newest": True, "delete": True},
                      {"zset": scores, "newest": "/data/at", "remove": ["/subject"]},
                      {"json": state, "newest": "/data/at", "delete": True}]}}

    def time(self, chance):
        return f"2026-05-01T10:00:00.{chance.randrange(TIMES):03}Z"

    def events(self, exchange, chance):
        """The total is full from the first to the last event; those between that add to it park."""
        def event(n, kind, amount=None):
            data = {"n": n, "field": "abc"[chance.randrange(3)], "at": self.time(chance)}
            if amount:
                data["amount"] = amount
            return {"specversion": "1.0", "id": f"e{n}", "source": "/" + exchange, "type": kind,
                    "subject": f"s{chance.randrange(SUBJECTS)}", "time": self.time(chance), "data": data}

        kinds = chance.choices(("said", "forgot", "ended"), (80, 14, 6), k=EVENTS)
        return [event(0, "said", FULL)] + \
            [event(n, kind, 1 if n % 8 == 0 else None) for n, kind in enumerate(kinds, 1)] + \
            [event(EVENTS + 1, "said", -FULL)]

    def naive(self, logs, parked):
        """parked: are the events that add 1 still parked?"""
        events = [(exchange + ".log.0", offset, event) for exchange, log in logs.items()
                  for offset, event in enumerate(log) if not (parked and event["data"].get("amount") == 1)]
        rows = {}
        for _, _, event in events:
            if "amount" in event["data"]:
                row = rows.setdefault(self.prefix + "total:" + event["source"], {"sum": "0"})
                row["sum"] = str(int(row["sum"]) + event["data"]["amount"])
        last, scores, seen, state = {}, {}, set(), {}
        for _, _, event in sorted(events, key=lambda e: (e[2]["time"], e[0], e[1])):
            key, data = self.prefix + "last:" + event["subject"], event["data"]
            if event["type"] == "said":
                last.setdefault(key, {}).update({"n": str(data["n"]), data["field"]: str(data["n"])})
                seen.add(event["subject"])
            elif event["type"] == "forgot":
                last.get(key, {}).pop(data["field"], None)
                seen.discard(event["subject"])
            else:
                last.pop(key, None)
        for _, _, event in sorted(events, key=lambda e: (e[2]["data"]["at"], e[0], e[1])):
            subject, data = event["subject"], event["data"]
            if event["type"] == "said":
                scores[subject], state[self.prefix + "state:" + subject] = data["n"], str(data["n"])
            elif event["type"] == "ended":
                scores.pop(subject, None)
                state.pop(self.prefix + "state:" + subject, None)
        rows.update(last, **state)
        rows.update({self.prefix + "scores": scores, self.prefix + "seen": seen})
        return {key: row for key, row in rows.items() if row}

    def tally(self, project, exchange):
        with project.addresses.redis() as redis:
            text = redis.hget("fanfold:cursor:" + self.view, exchange + ".log.0/tally") or ""
        return {name: int(number) for name, number in (word.split("=") for word in text.split())}

    def publish(self, project, exchange, events):
        done = project.cli("publish", "-e", exchange, user="publisher", stdin=fanfold.ndjson(events))
        self.assertEqual(done.code, 0, done.err)

    def remove(self, project):
        with project.addresses.amqp() as connection:
            for exchange in self.exchanges:
                connection.channel().queue_delete(exchange + ".log.0")
                connection.channel().exchange_delete(exchange)
        with project.addresses.redis() as redis:
            for key in list(redis.scan_iter("*", count=1000)):
                if self.prefix in key:
                    redis.delete(key)

    def test_rows_are_the_newest_of_both_logs(self):
        seed = random.randrange(10 ** 9)
        chance = random.Random(seed)
        logs = {exchange: self.events(exchange, chance) for exchange in self.exchanges}
        declared = [{"exchange": exchange} for exchange in self.exchanges]
        with fanfold.Project(fanfold.suite(), logs=declared, views=[self.file()]) as project, \
                self.subTest(seed=seed):
            self.addCleanup(self.remove, project)
            project.setup()
            dying, _ = project.start_workers([self.prefix + "a", self.prefix + "b"])
            for exchange, events in logs.items():
                self.publish(project, exchange, events[:EVENTS // 2])
            fanfold.poll(lambda: self.tally(project, self.exchanges[0]), 30, "the first events")
            dying.sigkill()
            for exchange, events in logs.items():
                self.publish(project, exchange, events[EVENTS // 2:])
            for exchange, events in logs.items():
                fanfold.poll(lambda: sum(self.tally(project, exchange).values()) == len(events), 60,
                             exchange + "; " + project.worker_logs())
                self.assertEqual(self.tally(project, exchange)["parked"], EVENTS // 8)
            self.assertEqual(project.rows(self.prefix), self.naive(logs, parked=True))

            done = project.cli("parked", "retry", self.view, "--json", timeout=120)
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual(json.loads(done.out)["folded"], 2 * (EVENTS // 8))
            self.assertEqual(project.rows(self.prefix), self.naive(logs, parked=False))
            for task in project.status()["tasks"]:
                if task["view"] == self.view:
                    self.assertEqual((task["parked"], task["reordered"]), (0, EVENTS // 8))


if __name__ == "__main__":
    unittest.main()
