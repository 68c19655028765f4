"""Views that read their own rows (`with`): the examples of workers/examples/crm over real servers, with
workers that are killed, against a fold in plain Python; and a retry of what reads rows that live events
change all the while."""
import collections
import contextlib
import json
import random
import re
import threading
import time
import unittest
import urllib.parse
import uuid

import fanfold
import proxy

CRM = fanfold.SOURCE / "workers/examples/crm"
EVENTS = 30_000
KILLS = 6
CUSTOMERS = [f"c{i}" for i in range(25)]
SKUS = [f"sku-{i}" for i in range(12)]
STRUCTURES = ("hash", "set", "counter", "json")


def prefixed(item, prefix):
    """The actions of a view with all row keys below a prefix of their own."""
    if isinstance(item, list):
        return [prefixed(entry, prefix) for entry in item]
    if not isinstance(item, dict):
        return item
    return {name: prefix + entry if name in STRUCTURES and isinstance(entry, str)
            else prefixed(entry, prefix) for name, entry in item.items()}


def example(name, exchange, prefix):
    text = (CRM / "views" / (name + ".json")).read_text()
    view = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))
    return {**view, "view": prefix + name, "exchange": exchange, "on": prefixed(view["on"], prefix)}


# --- the same in plain Python --------------------------------------------------------------------------

class Parks(Exception):
    pass


class Reservations:
    types = ("order.placed", "order.cancelled")

    def __init__(self):
        self.article, self.reserved = collections.defaultdict(int), {}

    def fold(self, event):
        order = event["subject"]
        if event["type"] == "order.placed":
            lines = event["data"]["lines"]
            if any("quantity" not in line for line in lines):
                raise Parks
            for line in lines:
                self.article[line["sku"]] += line["quantity"]
                held = self.reserved.setdefault(order, collections.defaultdict(int))
                held[line["sku"]] += line["quantity"]
        else:
            for sku, quantity in self.reserved.pop(order, {}).items():
                self.article[sku] -= quantity

    def rows(self):
        rows = {f"article:{sku}": {"reserved": str(n)} for sku, n in self.article.items()}
        rows.update({f"reserved:{order}": {sku: str(n) for sku, n in held.items()}
                     for order, held in self.reserved.items()})
        return rows


class Customers:
    types = ("order.placed", "customer.segmented", "customer.tagged", "customer.untagged",
             "customer.erased")

    def __init__(self):
        self.segment, self.orders = {}, {}
        self.tags, self.members, self.tagged, self.orders_of = (
            collections.defaultdict(set) for _ in range(4))

    def fold(self, event):
        subject, data = event["subject"], event["data"]
        if event["type"] == "order.placed":
            if "total_cents" not in data:
                raise Parks
            order = self.orders.setdefault(subject, {})
            order["total_cents"] = str(data["total_cents"])
            if "customer" in data:
                order["customer"] = data["customer"]
                self.orders_of[data["customer"]].add(subject)
        elif event["type"] == "customer.segmented":
            self.leave(subject)
            self.segment[subject] = data["segment"]
            self.members[data["segment"]].add(subject)
        elif event["type"] == "customer.tagged":
            self.tags[subject].add(data["tag"])
            self.tagged[data["tag"]].add(subject)
        elif event["type"] == "customer.untagged":
            self.tags[subject].discard(data["tag"])
            self.tagged[data["tag"]].discard(subject)
        else:
            self.leave(subject)
            self.segment.pop(subject, None)
            for order in self.orders_of.pop(subject, ()):
                self.orders.pop(order, None)
            for tag in self.tags.pop(subject, ()):
                self.tagged[tag].discard(subject)

    def leave(self, customer):
        self.members[self.segment.get(customer)].discard(customer)

    def rows(self):
        rows = {f"customer:{name}": {"segment": segment} for name, segment in self.segment.items()}
        rows.update({f"order:{name}": order for name, order in self.orders.items()})
        for prefix, sets in (("segment", self.members), ("tags-of", self.tags),
                             ("tagged", self.tagged), ("orders-of", self.orders_of)):
            rows.update({f"{prefix}:{name}": members for name, members in sets.items() if members})
        return rows


def naive(fold, events):
    """Rows, and how many are parked: an event that fails holds back the later ones of its subject."""
    held, parked = set(), 0
    for event in events:
        if event["type"] not in fold.types:
            continue
        try:
            if event["subject"] in held:
                raise Parks
            fold.fold(event)
        except Parks:
            held.add(event["subject"])
            parked += 1
    return fold.rows(), parked


# --- events --------------------------------------------------------------------------------------------

class Shop:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.number = 0
        self.open = collections.deque(maxlen=40)

    def order(self):
        order = f"o-{self.number}"
        self.open.append(order)
        data = {"lines": [{"sku": sku, "quantity": self.chance.randrange(1, 9)}
                          for sku in self.chance.sample(SKUS, self.chance.randrange(1, 4))]}
        if self.chance.randrange(400):
            data["total_cents"] = self.chance.randrange(10_000)
        if self.chance.randrange(400) == 0:
            del data["lines"][0]["quantity"]
        if self.chance.randrange(5):
            data["customer"] = self.chance.choice(CUSTOMERS)
        return "order.placed", order, data

    def event(self):
        self.number += 1
        dice, customer = self.chance.randrange(100), self.chance.choice(CUSTOMERS)
        if dice < 35 or not self.open:
            type_, subject, data = self.order()
        elif dice < 60:  # mostly soon after it was placed, sometimes twice
            type_, subject, data = "order.cancelled", self.chance.choice(self.open), {}
        elif dice < 78:
            type_, subject = "customer.segmented", customer
            data = {"segment": self.chance.choice(["new", "regular", "gold"])}
        elif dice < 97:
            type_ = "customer.tagged" if dice < 90 else "customer.untagged"
            subject, data = customer, {"tag": self.chance.choice("abcdef")}
        else:
            type_, subject, data = "customer.erased", customer, {}
        return {"specversion": "1.0", "id": f"e{self.number}", "source": "/crm", "type": type_,
                "subject": subject, "data": data}

    def events(self, count):
        return [self.event() for _ in range(count)]


class FarRedis(proxy.Proxy):
    """Redis with some milliseconds on the way, so that what a retry reads grows old before it commits.
    Counts the steps that did not go in because of it."""
    stale = 0
    delay = 0.02  # longer than the time between two live commits

    def carry(self, pair, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.stale += data.count(b"$5\r\nstale\r\n")
                time.sleep(self.delay)
                sink.sendall(data)
        self.end(pair)


class With(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "with-" + uuid.uuid4().hex[:8] + "-"
        self.exchange = self.prefix + "events"
        self.chance = random.Random(3)

    def project(self, views):
        project = fanfold.Project(fanfold.suite(), self.exchange, views)
        return self.enterContext(project.declared(self.prefix))

    def test_the_examples_need_no_server(self):
        events = fanfold.read_ndjson(CRM / "events.ndjson")
        for name, fold in (("reservations", Reservations), ("customers", Customers)):
            with self.subTest(name):
                result = fanfold.run_cli(["try", CRM / "views" / (name + ".json"), "--json"],
                                         stdin=(CRM / "events.ndjson").read_text())
                self.assertEqual(result.code, 0, result.err)
                expected, parked = naive(fold(), events)
                self.assertEqual(json.loads(result.out)["rows"], {
                    key: sorted(row) if isinstance(row, set) else row
                    for key, row in expected.items()})
                self.assertEqual(parked, 0)

    def test_rows_are_exact_while_workers_are_killed(self):
        folds = {"reservations": Reservations(), "customers": Customers()}
        project = self.project([example(name, self.exchange, self.prefix) for name in folds])
        views = [self.prefix + name for name in folds]
        events = Shop(1).events(EVENTS)
        project.publish(events[:EVENTS // 2])
        workers = [project.worker(self.prefix + name) for name in "ab"]

        def done():
            return sum(sum(project.tally(view).values()) for view in views)

        with project.publishing(events[EVENTS // 2:]) as publishing:
            for kill in range(KILLS):
                mark = len(views) * EVENTS * (kill + 1) // (KILLS + 2)
                fanfold.poll(lambda: done() >= mark, 60, f"{mark} events")
                victim = self.chance.randrange(2)
                workers[victim].sigkill()
                workers[victim] = project.worker(workers[victim].name)
            self.assertEqual(publishing.finish().code, 0)
        project.wait_for(views, EVENTS)

        expected, rows = {}, project.rows(self.prefix)
        for name, fold in folds.items():
            wanted, parked = naive(fold, events)
            expected.update({self.prefix + key: row for key, row in wanted.items()})
            self.assertGreater(parked, 0)
            self.assertEqual(project.tally(self.prefix + name)["parked"], parked, name)
        self.assertEqual({key: (rows.get(key), expected.get(key)) for key in rows.keys() | expected.keys()
                          if rows.get(key) != expected.get(key)}, {})

    def race_view(self):
        """A sweep moves what a pot holds to the total, once the gate is open; until then it is parked."""
        gate, pot, swept = (self.prefix + name for name in ("gate", "pot:", "swept"))
        return {"view": self.prefix + "pots", "exchange": self.exchange, "on": {
            "gate.opened": [{"counter": gate, "add": 1}],
            "put": [{"hash": pot + "{/data/pot}", "add": {"n": "/data/n"}}],
            "sweep": [
                {"with": {"g": {"counter": gate}, "p": {"hash": pot + "{/data/pot}"}},
                 "if": {"@g": {"ge": 1}, "@p": {"exists": True}},
                 "hash": swept, "add": {"n": "@p/n"}},
                {"with": {"g": {"counter": gate}}, "hash": swept, "add": {"sweeps": "@g"}},
                {"hash": pot + "{/data/pot}", "delete": True}]}}

    def made(self, type_, subject, data):
        self.number = getattr(self, "number", 0) + 1
        return {"specversion": "1.0", "id": f"e{self.number}", "source": "/race", "type": type_,
                "subject": subject, "data": data}

    def far_redis(self):
        return FarRedis(urllib.parse.urlsplit(fanfold.suite().operator_redis).port)

    def retry(self, project, far):
        """By an operator who is far from Redis, until the gate's event is in."""
        env = fanfold.suite().env()
        port = str(urllib.parse.urlsplit(env["FANFOLD_REDIS_URL"]).port)
        env["FANFOLD_REDIS_URL"] = env["FANFOLD_REDIS_URL"].replace(":" + port, f":{far.port}")
        with fanfold.suite().redis() as redis:
            fanfold.poll(lambda: redis.exists(self.prefix + "gate"), what="the gate to open")
        return fanfold.run_cli(["parked", "--config", project.config, "retry", self.prefix + "pots",
                                "--json"], env=env, timeout=120)

    def test_a_retry_folds_with_rows_that_stand(self):
        """Nothing of what is put is lost or counted twice, though each retried sweep reads a pot that
        live events change."""
        view, pots, sweeps = self.prefix + "pots", 3, 60
        project = self.project([self.race_view()])
        project.worker(self.prefix + "a")
        events = []
        for i in range(sweeps):  # a view that cannot fold half of its events stops
            events.append(self.made("sweep", f"s{i}", {"pot": i % pots}))
            events += [self.made("put", f"p{i}", {"pot": pot, "n": 1}) for pot in range(pots)]
        put = sweeps * pots
        project.publish(events)
        project.wait_for([view], len(events))
        self.assertEqual(project.tally(view)["parked"], sweeps)

        results, held = [], 0
        with project.publishing([self.made("gate.opened", "gate", {})]) as publishing, \
                self.far_redis() as far, fanfold.suite().redis() as redis:
            operator = threading.Thread(target=lambda: results.append(self.retry(project, far)))
            operator.start()
            while operator.is_alive():
                events = [self.made("put", f"p{self.number}", {"pot": pot, "n": self.number})
                          for pot in range(pots)]
                put += sum(event["data"]["n"] for event in events)
                publishing.write(events)
                hold = redis.hget("fanfold:cursor:" + view, self.exchange + ".log.0/hold")
                held += (hold or "").endswith(" retry")
                operator.join(0.002)
            self.assertEqual(publishing.finish().code, 0)
            self.assertEqual(results[0].code, 0, results[0].err)
            self.assertEqual(json.loads(results[0].out)["folded"], sweeps)
        project.wait_for([view], self.number)

        rows = project.rows(self.prefix)
        swept = rows[self.prefix + "swept"]
        left = sum(int(row["n"]) for key, row in rows.items() if key.startswith(self.prefix + "pot:"))
        self.assertEqual(int(swept["sweeps"]), sweeps)
        self.assertEqual(int(swept["n"]) + left, put)
        self.assertGreater(int(swept["n"]), 0)
        self.assertGreater(far.stale, 0, "no row changed under a step")
        self.assertGreater(held, 0, "live events were never held off")


if __name__ == "__main__":
    unittest.main()
