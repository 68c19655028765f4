"""Park, retry and drop race with live commits, with each other, and with workers that are killed.

A publisher sends events of a few keys, some of which cannot be folded, so that all later ones of their
key wait. Two operators retry and drop at once, all the while. Whoever wins each race: at the end the rows
are the naive fold of the log without what was dropped, each key's events in the order of the log."""
import collections
import json
import random
import threading
import unittest
import uuid

import fanfold

KEYS = [f"k{i}" for i in range(8)]
BAD_EVERY = 40
BATCH = 60
KILLS = 4


class Operator(threading.Thread):
    """Drops what fails or waits, and retries, until it is told to end."""

    def __init__(self, project, view, seed):
        super().__init__()
        self.project, self.view, self.chance = project, view, random.Random(seed)
        self.ending = threading.Event()
        self.done = collections.Counter()
        self.fault = None

    def command(self, verb, *args):
        """The answer; 1 is the answer "no", which a lost race may give."""
        result = self.project.cli("parked", verb, self.view, "--json", *args, timeout=120)
        if result.code not in (0, 1):
            raise AssertionError(f"parked {verb} {args}: exit {result.code}\n{result.err}")
        return json.loads(result.out) if result.out else {}

    def drop(self, *args):
        return len(self.command("drop", "--reason", "a race", *args).get("dropped", ()))

    def step(self):
        self.done["dropped"] += self.drop("--key", self.chance.choice(KEYS))
        parked = self.command("list")["parked"]
        waiting = [event["offset"] for event in parked if event["waits"]]
        if waiting and self.chance.randrange(3) == 0:  # the other may be folding just this one
            asked = self.chance.choice(waiting[:20])
            self.done["dropped waiting" if self.drop("--offset", asked) else "drops lost"] += 1
        self.done["folded"] += self.command("retry").get("folded", 0)

    def run(self):
        try:
            while not self.ending.is_set():
                self.step()
        except Exception as fault:
            self.fault = fault


class Races(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "races-" + uuid.uuid4().hex[:8] + "-"
        self.view = self.prefix + "lists"
        self.redis = self.enterContext(fanfold.suite().redis())
        self.chance = random.Random(7)
        self.number = 0
        # An event without n fails. The list of a key shows the order.
        project = fanfold.Project(fanfold.suite(), self.prefix + "events", [
            {"view": self.view, "exchange": self.prefix + "events",
             "on": {"t": [{"list": self.view + ":{subject}", "push": "/data/n"}]}}])
        self.project = self.enterContext(project.declared(self.prefix))

    def batch(self):
        """Events of all keys; sometimes one that fails."""
        events = []
        for _ in range(BATCH):
            self.number += 1
            bad = self.chance.randrange(BAD_EVERY) == 0
            events.append({"specversion": "1.0", "id": f"e{self.number}", "source": "/races", "type": "t",
                           "subject": self.chance.choice(KEYS), "data": {} if bad else {"n": self.number}})
        return events

    def dropped(self):
        return {int(offset) for offset in
                self.redis.hkeys(f"fanfold:dropped:{self.view}:{self.project.partition}")}

    def rows(self):
        return {key.split(":")[1]: list(reversed(row))
                for key, row in self.project.rows(self.view + ":").items()}

    def tallied(self):
        return sum(self.project.tally(self.view).values())

    def race(self, publishing, operators):
        """Events keep coming, and a worker is killed each time that the operators have folded something."""
        workers = [self.project.worker(self.prefix + name) for name in "ab"]
        for i in range(KILLS):
            counts = [operator.done["folded"] for operator in operators]

            def both_folded():
                publishing.write(self.batch())
                return (any(operator.fault for operator in operators) or
                        all(operator.done["folded"] > count for operator, count in zip(operators, counts)))
            fanfold.poll(both_folded, 30, "both operators to fold", pause=0.05)
            # The same name comes back to its lease at once.
            victim = next(i for i, worker in enumerate(workers) if worker.name == self.owner())
            workers[victim].sigkill()
            workers[victim] = self.project.worker(workers[victim].name)
        return workers

    def owner(self):
        return fanfold.poll(lambda: self.project.owners().get(self.view), what="the task to have an owner")

    def clear(self):
        """Drops the heads and lets the others in until nothing is parked."""
        operator = Operator(self.project, self.view, 0)

        def empty():
            parked = operator.command("list")["parked"]
            for key in {event["key"] for event in parked}:
                operator.drop("--key", key)
            operator.command("retry")
            return not parked
        fanfold.poll(empty, 60, "nothing to be parked")

    def test_rows_are_the_fold_of_the_log_without_what_was_dropped(self):
        operators = [Operator(self.project, self.view, seed) for seed in (1, 2)]
        with self.project.publishing() as publishing:
            for operator in operators:
                operator.start()
            try:
                self.race(publishing, operators)
            finally:
                for operator in operators:
                    operator.ending.set()
                for operator in operators:
                    operator.join()
            self.assertEqual(publishing.finish().code, 0)
        for operator in operators:
            self.assertIsNone(operator.fault)
        self.project.wait_for([self.view], self.number)
        self.clear()

        log = self.project.tail()
        self.assertEqual(len(log), self.number)
        dropped, expected = self.dropped(), collections.defaultdict(list)
        for event in log:
            if event["fanfoldoffset"] not in dropped:
                expected[event["subject"]].append(str(event["data"]["n"]))  # all that fail were dropped
        self.assertEqual(self.rows(), expected)
        self.assertEqual(self.project.tally(self.view), {
            "folded": len(log) - len(dropped), "ignored": 0, "duplicates": 0, "parked": 0,
            "skipped": len(dropped)})

        # The races were run.
        done = sum((operator.done for operator in operators), collections.Counter())
        for operator in operators:
            self.assertGreater(min(operator.done["folded"], operator.done["dropped"]), 0, operator.done)
        self.assertGreater(done["dropped waiting"], 0, done)
        logs = "".join(worker.log() for worker in self.project.workers)
        self.assertIn("the stored position is another", logs, "no live commit lost a race")


if __name__ == "__main__":
    unittest.main()
