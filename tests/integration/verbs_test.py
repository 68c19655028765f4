"""Value for value: after a rebuild every row is what it was live, for views that use every structure and verb,
over one log and over two, with parked events retried and dropped in between; compared with a naive fold.

    FANFOLD_SEED=7    which events; without it others each time; a failure says which
"""
import json
import os
import random
import unittest
import uuid

import fanfold
import verbs

SEED = int(os.environ.get("FANFOLD_SEED", random.randrange(10 ** 6)))
FIRST, SECOND = (8000, 3000), (6000, 3000)  # events of the two logs, in two portions
REFUSED_BY_ROWS = ("gates", "totals")  # views with events that park for what the rows hold, and go in later
TOLD_MOST = 3


class Verbs(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "verbs-" + uuid.uuid4().hex[:8] + "-"
        self.world = verbs.World(self.prefix, SEED)
        self.views = verbs.SINGLE + verbs.SEVERAL
        self.models = {view: verbs.Model(self.world, view) for view in self.views}
        self.redis = self.enterContext(fanfold.suite().redis())
        self.project = self.enterContext(fanfold.Project(
            fanfold.suite(), logs=self.world.logs(), views=self.world.views()))
        self.addCleanup(self.remove)
        self.project.setup()

    def remove(self):
        self.project.kill_workers()
        with self.project.addresses.amqp() as connection:
            for exchange in self.world.exchanges:
                connection.channel().queue_delete(exchange + ".log.0")
                connection.channel().exchange_delete(exchange)
        for key in list(self.redis.scan_iter("*", count=1000)):
            if self.prefix in key:
                self.redis.delete(key)
        for key in ("fanfold:generations", "fanfold:rebuilds"):
            self.redis.hdel(key, *map(self.world.name, self.views))

    # --- Fanfold ---------------------------------------------------------------------------------------

    def publish(self, made):
        for exchange, events in made.items():
            done = self.project.cli("publish", "-e", exchange, user="publisher", stdin=fanfold.ndjson(events))
            self.assertEqual(done.code, 0, done.err)
        for view, model in self.models.items():
            for exchange in model.exchanges:
                all_of_it = len(self.world.published[exchange])
                fanfold.poll(lambda: self.counted(view, exchange) == all_of_it, 60,
                             f"{all_of_it} events of {exchange} in view {view}; " + self.project.worker_logs())
            model.log()

    def counted(self, view, exchange):
        text = self.redis.hget("fanfold:cursor:" + self.world.name(view), exchange + ".log.0/tally") or ""
        return sum(int(word.split("=")[1]) for word in text.split())

    def parked(self, verb, view, *args, codes=(0, 1)):
        done = self.project.cli("parked", verb, self.world.name(view), "--json", *args, timeout=120)
        self.assertIn(done.code, codes, done.out + done.err)
        return json.loads(done.out)

    def retry(self):
        for view, model in self.models.items():
            self.assertEqual(self.retry_one(view), model.retry(), view)

    def retry_one(self, view):
        return self.parked("retry", view)["folded"]

    def drop(self, view, place, reason):
        partition, offset = place
        self.parked("drop", view, "--partition", partition, "--offset", offset, "--reason", reason, codes=(0,))
        self.models[view].drop(place)

    def reordered(self, view):
        return sum(task["reordered"] for task in self.project.status()["tasks"]
                   if task["view"] == self.world.name(view))

    def rebuild(self, view, *args, code=0):
        done = self.project.cli("rebuild", self.world.name(view), *args, timeout=120)
        self.assertEqual(done.code, code, done.err[-2000:] + self.project.worker_logs())
        return done

    # --- rows ------------------------------------------------------------------------------------------

    def live(self, view):
        """{key: Row} of the view."""
        keys = [key for key in self.redis.scan_iter(self.prefix + "*", count=1000)
                if key.startswith(tuple(self.models[view].prefixes()))]
        return verbs.snapshot(self.redis, keys)

    def expected(self, model):
        """The counts of a hll are those of Redis for the same values."""
        rows = {}
        for key, row in model.rows().items():
            if row.type == "hll":
                scratch = self.prefix + "scratch"
                self.redis.pfadd(scratch, *sorted(row.value))
                row = row._replace(value=self.redis.pfcount(scratch))
                self.redis.delete(scratch)
            rows[key] = row._replace(type="string") if row.type in ("counter", "json") else row
        return rows

    def assert_rows(self, rows, expected, what):
        wrong = {key: (rows.get(key), expected.get(key)) for key in sorted(rows.keys() | expected.keys())
                 if rows.get(key) != expected.get(key)}
        if wrong:
            told = "\n".join(f"{key}: {row!r:.1500}\n  expected {wanted!r:.1500}"
                             for key, (row, wanted) in list(wrong.items())[:TOLD_MOST])
            self.fail(f"{what}: {len(wrong)} of {len(expected)} rows\n{told}")
        self.assertGreater(len(rows), 0)

    def assert_as_the_model(self, view, what):
        model = self.models[view]
        listed = {(event["partition"], event["offset"]): event["waits"]
                  for event in self.parked("list", view)["parked"]}
        self.assertEqual(listed, model.list(), f"{what}, parked of {view}")
        if view != "order" or not model.retried:  # two keys of a retry have no order that is promised
            self.assert_rows(self.live(view), self.expected(model), f"{what}, {view}")

    def assert_as_the_models(self, what):
        for view in self.views:
            self.assert_as_the_model(view, what)

    def test_rows_after_a_rebuild_are_those_before(self):
        with self.subTest(FANFOLD_SEED=SEED):
            self.run_and_rebuild()

    def run_and_rebuild(self):
        self.project.start_workers([self.prefix + "a", self.prefix + "b"])
        self.publish(self.world.more(*FIRST))
        self.assert_as_the_models("as published")
        for view in self.views:
            self.assertGreater(len(self.models[view].parked), 0, view)
            self.assertEqual(self.reordered(view), 0, view)

        # What rows refused is let in when they have changed.
        self.publish(self.world.relent())
        self.retry()
        self.assert_as_the_models("retried")
        for view in REFUSED_BY_ROWS:
            self.assertGreater(self.models[view].retried, 20, view)

        # Every third event that fails is dropped, and what waits behind it goes in.
        for view, model in self.models.items():
            for place in model.failing()[::3]:
                self.drop(view, place, "every third one")
        self.retry()
        self.assert_as_the_models("dropped and retried")
        self.publish(self.world.more(*SECOND))
        for view in verbs.SINGLE:
            self.drop(view, next(place for place, waits in self.models[view].list().items() if waits), "one that waits")
        self.assert_as_the_models("published once more")

        for view in self.views:
            self.assertEqual(self.reordered(view) > 0, view in REFUSED_BY_ROWS or view not in verbs.COMMUTING, view)
        for view in self.views:  # all at once; taken up one by one
            self.rebuild(view, "--detach")
        for view, model in self.models.items():
            with self.subTest(view):
                self.assert_rebuilt(view, model)

    def assert_rebuilt(self, view, model):
        """A rebuild folds in the order of the log, without what was dropped. Only where a retry depended on
        rows that other subjects write is that another order."""
        before, counts = self.live(view), self.bytes_of_hlls()
        again = model.again()
        if view in REFUSED_BY_ROWS:  # the live view has folded what cannot be folded in its turn
            done = self.rebuild(view, "--yes", code=1)
            self.assertIn("cannot be folded", done.err)
            self.assertIn("if it is one that `fanfold parked retry` folded", done.err)
            self.assert_rows(self.live(view), before, f"{view}, not rebuilt")
            self.assertGreater(len(again.parked), len(model.parked) + 20)
            self.rebuild(view, "--yes", "--on-error", "park")
        else:
            self.assertEqual(again.list(), model.list(), view)
            answer = json.loads(self.rebuild(view, "--yes", "--json").out)
            self.assertEqual((answer["same"], answer["changed"], answer["only_live"], answer["only_new"]),
                             (len(before), 0, 0, 0) if view != "order" else (1, 1, 0, 0), view)
        self.models[view] = again
        self.assert_as_the_model(view, "rebuilt")
        self.assertEqual(self.reordered(view), 0, view)
        self.assertEqual(self.retry_one(view), again.retry(), view)
        self.assert_as_the_model(view, "retried after the rebuild")
        if view == "order":
            self.assertNotEqual(self.live(view), before, "no retry came out of turn")
        elif view != "gates":  # an event that parked anew reads rows as they are at its second retry
            self.assert_rows(self.live(view), before, f"{view}, live and rebuilt")
            self.assertEqual(self.bytes_of_hlls(), counts)

    def bytes_of_hlls(self):
        with fanfold.redis_py.Redis.from_url(fanfold.suite().operator_redis) as redis:
            return {key: redis.get(key) for key in redis.scan_iter(self.prefix + "distinct*")}


if __name__ == "__main__":
    unittest.main()
