"""Events of three forms in one log: `upcast` makes today's of them before views see them, in workers, a
rebuild, a retry. Rows are compared with a fold in plain Python that knows nothing of the rules."""
import collections
import json
import random
import signal
import unittest
import uuid

import fanfold

SCHEMA = "https://shop/order/"


class Upcast(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "upcast-" + uuid.uuid4().hex[:8] + "-"
        self.name = self.prefix + "v"
        self.exchange = self.prefix + "events"
        self.log = []

    # --- files ----------------------------------------------------------------------------------------

    def rules(self, currency="EUR", by=" "):
        """v1 → v2 → v3. In v3 there are two types, told apart by dataschema until then."""
        return [
            {"type": "placed", "about": "2019", "rename": {"/data/custmer": "/data/customer"},
             "default": {"/data/currency": currency}, "to": {"type": "order.placed"}},
            {"type": "order.placed", "dataschema": SCHEMA + "2", "to": {"dataschema": SCHEMA + "3"}},
            {"type": "order.placed", "default": {"/data/sum/currency": "GBP"},
             "split": {"/data/customer": {"by": by, "into": ["/data/buyer/first", "/data/buyer/last"]}},
             "move": {"/data/total": "/data/sum/amount", "/data/currency": "/data/sum/currency"},
             "to": {"type": "order.placed.v3"}},
            {"type": "order.placed", "dataschema": SCHEMA + "3", "default": {"/data/sum/currency": "CHF"},
             "to": {"type": "order.placed.v3"}}]

    def view(self):
        return {"view": self.name, "exchange": self.exchange, "on": {
            "order.placed.v3": [
                {"hash": self.prefix + "sum:{/data/sum/currency}",
                 "add": {"total": "/data/sum/amount", "orders": 1}},
                {"hash": self.prefix + "buyer:{subject}",
                 "set": {"first": "/data/buyer/first", "last": "/data/buyer/last?", "type": "/type"}}],
            "placed": [{"counter": self.prefix + "never", "add": 1}]}}

    def write_rules(self, project, rules):
        (project.folder / "upcast.json").write_text(json.dumps(rules))

    def project(self, rules):
        project = fanfold.Project(fanfold.suite(), views=[self.view()],
                                  logs=[{"exchange": self.exchange, "upcast": "upcast.json"}])
        self.write_rules(project, rules)
        return project.declared(self.prefix)

    # --- events ---------------------------------------------------------------------------------------

    def event(self, kind, subject, data, **attributes):
        return {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/upcast", "type": kind,
                "subject": subject, "data": data, **attributes}

    def events(self, count, seed):
        chance = random.Random(seed)
        made = []
        for _ in range(count):
            form, subject = chance.choice("122x33o"), f"s{chance.randrange(40)}"
            first, last = chance.choice(("Ada", "Alan", "李")), chance.choice((" Turing", " de la Cruz", ""))
            total = chance.randrange(1000)
            if form == "1":
                data = {"custmer": first + last, "total": total, "n": [1, {"x": 2}]}
                if chance.randrange(3) == 0:
                    data["currency"] = chance.choice(("USD", None))
                made.append(self.event("placed", subject, data))
            elif form in "2x":
                data = {"customer": first + last, "total": total}
                if chance.randrange(2) == 0:
                    data["currency"] = "USD"
                more = {"dataschema": SCHEMA + "1"} if form == "x" else {}
                made.append(self.event("order.placed", subject, data, **more))
            elif form == "3":
                made.append(self.event(
                    "order.placed", subject,
                    {"buyer": {"first": first},
                     "sum": {"amount": total, **({"currency": "SEK"} if total % 2 else {})}},
                    dataschema=SCHEMA + chance.choice("23")))
            else:
                made.append(self.event("other", subject, {"custmer": 1, "customer": 2}))
            if chance.randrange(50) == 0:
                made.append(made[-1])  # sent twice
        return made

    def publish(self, project, events):
        project.publish(events)
        self.log += events
        project.wait_for([self.name], len(self.log))

    def naive(self, currency="EUR", by=" "):
        """What the events mean, in all their forms; from the events as they were published."""
        sums, buyers, seen = collections.defaultdict(lambda: [0, 0]), {}, set()
        for event in self.log:
            data, schema = event["data"], event.get("dataschema", "")
            if event["id"] in seen or event["type"] == "other":
                continue
            seen.add(event["id"])
            if schema in (SCHEMA + "2", SCHEMA + "3"):
                amount, unit = data["sum"]["amount"], data["sum"].get("currency", "CHF")
                names = [data["buyer"]["first"]]
            else:
                old = event["type"] == "placed"
                amount, unit = data["total"], data.get("currency") or (currency if old else "GBP")
                names = data["custmer" if old else "customer"].split(by, 1)
            sums[unit][0] += amount
            sums[unit][1] += 1
            row = buyers.setdefault(event["subject"], {"type": "order.placed.v3"})
            row["first"] = names[0]
            if len(names) > 1:
                row["last"] = names[1]
        rows = {f"{self.prefix}sum:{unit}": {"total": str(total), "orders": str(orders)}
                for unit, (total, orders) in sums.items()}
        rows.update({f"{self.prefix}buyer:{subject}": row for subject, row in buyers.items()})
        return rows

    def rows(self, project):
        return project.rows(self.prefix)

    def against_live(self, project, code):
        result = project.cli("check", "--against-live")
        self.assertEqual(result.code, code, result.err)
        return result.out.strip()[len(self.name) + 2:]

    # --- tests ----------------------------------------------------------------------------------------

    def test_three_forms_in_one_log(self):
        with self.project(self.rules()) as project:
            project.start_workers([self.prefix + "a", self.prefix + "b"])
            self.publish(project, self.events(3000, 1))
            expected = self.naive()
            self.assertLessEqual({self.prefix + "sum:" + unit for unit in ("EUR", "GBP", "USD", "CHF")}, set(expected))
            self.assertEqual(self.rows(project), expected)
            self.assertEqual(project.tally(self.name)["parked"], 0)
            self.assertEqual(project.cli("verify", self.name, timeout=120).code, 0)
            # The log itself, and who looks at it, has the events as they were published.
            self.assertEqual([(e["type"], e["data"]) for e in project.tail()],
                             [(e["type"], e["data"]) for e in self.log])

    def test_changed_rules_wait_for_a_rebuild(self):
        with self.project(self.rules()) as project:
            worker = project.worker(self.prefix + "a")
            self.publish(project, self.events(500, 2))
            self.assertEqual(self.against_live(project, 0), "is in force")
            self.write_rules(project, list(reversed(self.rules())))  # their order says nothing
            self.assertEqual(self.against_live(project, 0), "is in force")

            self.write_rules(project, self.rules(currency="DEM"))
            events = sum(e["type"] == "placed" for e in self.log)
            self.assertEqual(self.against_live(project, 1),
                             f'needs a replay, `fanfold rebuild {self.name}`: "upcast" makes something else of '
                             f'"placed", and the log holds {events} such events')
            worker.signal(signal.SIGHUP)
            worker.wait_for_log("definition changed")
            self.publish(project, self.events(500, 3))
            self.assertEqual(self.rows(project), self.naive())  # by the rules in force
            # A worker that comes with the changed rules folds by those in force as well.
            other = project.worker(self.prefix + "b")
            other.wait_for_log("definition changed")
            self.assertEqual(worker.sigterm(), 0)
            fanfold.poll(lambda: project.owners().get(self.name) == other.name, 20, "the other to take it")
            self.publish(project, self.events(500, 4))
            self.assertEqual(self.rows(project), self.naive())

            result = project.cli("rebuild", self.name, "--yes", timeout=120)
            self.assertEqual(result.code, 0, result.err + project.worker_logs())
            self.assertEqual(self.rows(project), self.naive(currency="DEM"))
            self.publish(project, self.events(500, 5))
            self.assertEqual(self.rows(project), self.naive(currency="DEM"))
            self.assertEqual(self.against_live(project, 0), "is in force")

    def test_what_the_log_has_never_held_needs_no_replay(self):
        rules = self.rules() + [{"type": "other", "to": {"type": "other.v2"}}]
        no_replay = f"needs no replay, `fanfold adopt {self.name}`: only "
        with self.project(rules) as project:
            project.worker(self.prefix + "a")
            self.publish(project, self.events(200, 6))
            others = sum(e["type"] == "other" for e in self.log)
            self.write_rules(project, rules + [{"type": "never", "to": {"type": "placed"}}])
            self.assertEqual(self.against_live(project, 0), no_replay +
                             'patterns or rules of "upcast" for types that the log has never held are new')
            self.write_rules(project, rules[:-1])
            self.assertIn(f'"upcast" makes something else of "other", and the log holds {others} such events',
                          self.against_live(project, 1))
            # A pattern matches what events become, not what they were published as.
            self.write_rules(project, rules)
            push = [{"counter": self.prefix + "others", "add": 1}]
            view = self.view()
            view["on"]["other"] = push
            project.write_view(view)
            self.assertEqual(self.against_live(project, 0),
                             no_replay + "patterns for types that the log has never held are new")
            view["on"]["other.v2"] = push
            project.write_view(view)
            self.assertIn(f'"other.v2" is new, and the log holds {others} such events',
                          self.against_live(project, 1))

    def test_what_cannot_be_upcast_waits_for_better_rules(self):
        """Of a view's events, and only of those, it is parked; as published; and comes in by a retry."""
        with self.project(self.rules()) as project:
            worker = project.worker(self.prefix + "a")
            self.publish(project, self.events(200, 7))
            before = list(self.log)
            bad = [self.event("placed", "bad", {"custmer": {"first": "Ada"}, "total": 5}),
                   self.event("order.placed", "bad", {"customer": "Alan Turing", "total": 7}),
                   self.event("other", "bad", {})]
            self.publish(project, bad)
            self.log = before
            self.assertEqual(self.rows(project), self.naive())
            parked = json.loads(project.cli("parked", "list", self.name, "--json").out)["parked"]
            self.assertEqual(
                [(e["type"], e["key"], e["waits"], e["reason"]) for e in parked],
                [("placed", "bad", False,
                  'upcast of order.placed: split "/data/customer": is an object, not a text'),
                 ("order.placed", "bad", True, "waits behind a parked event of the same key")])
            shown = project.cli("parked", "show", self.name, "--offset", str(parked[0]["offset"])).out
            self.assertIn('"custmer"', shown)
            retried = json.loads(project.cli("parked", "retry", self.name, "--json").out)
            self.assertEqual((retried["folded"], retried["still_parked"]), (0, 2))

            # The first form had its customers as objects, some day.
            rules = self.rules()
            rules[0]["move"] = {"/data/custmer/first": "/data/buyer/first"}
            del rules[0]["rename"]
            self.write_rules(project, rules)
            self.assertEqual(project.cli("adopt", self.name).code, 0)
            fanfold.poll(lambda: worker.log().count("-> streaming") == 2, what="it to stream again")
            retried = json.loads(project.cli("parked", "retry", self.name, "--json").out)
            self.assertEqual((retried["folded"], retried["still_parked"]), (2, 0))
            expected = self.naive()
            for unit, total in (("EUR", 5), ("GBP", 7)):
                row = expected[f"{self.prefix}sum:{unit}"]
                row.update(total=str(int(row["total"]) + total), orders=str(int(row["orders"]) + 1))
            expected[self.prefix + "buyer:bad"] = {"first": "Alan", "last": "Turing", "type": "order.placed.v3"}
            self.assertEqual(self.rows(project), expected)
            self.assertEqual(self.against_live(project, 0), "is in force")

    def test_a_rebuild_parks_nothing_that_the_live_view_did_not(self):
        with self.project(self.rules()) as project:
            project.worker(self.prefix + "a")
            self.publish(project, self.events(100, 8))
            rules = self.rules()
            rules[0]["rename"] = {"/data/custmer": "/data/total"}
            self.write_rules(project, rules)
            result = project.cli("rebuild", self.name, "--yes", timeout=120)
            self.assertEqual(result.code, 1, result.err)
            self.assertIn('upcast of placed: rename "/data/total": is there already', result.err)
            self.assertEqual(self.rows(project), self.naive())


if __name__ == "__main__":
    unittest.main()
