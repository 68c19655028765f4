"""`fanfold rebuild` and `fanfold verify`: the next generation of a view is built beside the live one,
compared, and switched to; compared with a naive fold."""
import collections
import json
import unittest
import uuid

import fanfold


class Rebuild(unittest.TestCase):
    def setUp(self):
        self.prefix = "rebuild-" + uuid.uuid4().hex[:8] + "-"
        self.name = self.prefix + "v"
        self.exchange = self.prefix + "events"
        self.log = []

    def view(self, factor=1, cancels=False):
        on = {"sold": [{"hash": self.prefix + "stock:{subject}",
                        "add": {"n": {"product": ["/data/n", factor]}}, "set": {"last": "/id"}}]}
        if cancels:
            on["cancelled"] = [{"hash": self.prefix + "stock:{subject}", "delete": True}]
        return {"view": self.name, "exchange": self.exchange, "on": on}

    def naive(self, factor=1, cancels=False):
        rows = collections.defaultdict(lambda: {"n": 0})
        for event in self.log:
            key = self.prefix + "stock:" + event["subject"]
            if event["type"] == "sold":
                rows[key]["n"] += event["data"]["n"] * factor
                rows[key]["last"] = event["id"]
            elif cancels:
                rows.pop(key, None)
        return {key: {**row, "n": str(row["n"])} for key, row in rows.items()}

    def project(self, **view):
        project = fanfold.Project(fanfold.suite(), self.exchange, [self.view(**view)])
        return project.declared(self.prefix)

    def publish(self, project, count, subjects=50, kind="sold"):
        events = [{"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/rebuild", "type": kind,
                   "subject": f"s{i % subjects}", "data": {"n": i % 11, "ten": "no" if i % 11 == 10 else 10}} for i in range(count)]
        project.publish(events)
        self.log += events
        project.wait_for([self.name], len(self.log))

    def rebuild(self, project, *args, code=0):
        result = project.cli("rebuild", self.name, *args, timeout=120)
        self.assertEqual(result.code, code, result.err + project.worker_logs())
        return result

    def rows(self, project):
        return project.rows(self.prefix)

    def epoch(self, project):
        with project.addresses.redis() as redis:
            return redis.hget("fanfold:cursor:" + self.name, "epoch")

    def assert_nothing_left(self, project):
        with project.addresses.redis() as redis:
            left = redis.keys(f"fanfold:*{self.name}@*") + redis.keys(f"fanfold:g:*:{self.prefix}*")
            self.assertEqual((left, redis.hget("fanfold:rebuilds", self.name)), ([], None))

    def test_a_changed_definition(self):
        with self.project() as project:
            project.start_workers([self.prefix + "a", self.prefix + "b"])
            self.publish(project, 2000)
            self.publish(project, 5, kind="cancelled")
            before, after = self.naive(), self.naive(factor=3, cancels=True)
            project.write_view(self.view(factor=3, cancels=True))
            self.assertEqual(self.rows(project), before)

            # Without a yes both stay.
            answer = json.loads(self.rebuild(project, "--json", code=1).out)
            self.assertFalse(answer["switched"])
            gone = sorted(set(before) - set(after))
            changed = sorted(key for key in set(before) & set(after) if before[key] != after[key])
            self.assertEqual((answer["same"], answer["changed"], answer["only_live"], answer["only_new"]),
                             (len(before) - len(gone) - len(changed), len(changed), len(gone), 0))
            told = {row["key"]: (row["live"], row["new"]) for row in answer["differences"]}
            self.assertEqual(told, {key: (before[key], after.get(key)) for key in gone + changed[:10]})
            self.assertEqual(self.rows(project), before)

            # It goes on beside the live one, and is switched to later.
            self.publish(project, 1000)
            self.assertEqual(self.rows(project), self.naive())
            self.assertIn("taking up generation 2", self.rebuild(project, "--max-changes", "10%", code=1).err)
            self.assertEqual(self.rows(project), self.naive())
            text = self.rebuild(project, "--max-changes", "100%")
            self.assertIn("is generation 2 now", text.err)
            self.assertRegex(text.out, r'  n: "\d+" → "\d+"')
            self.assertEqual(self.rows(project), self.naive(factor=3, cancels=True))
            self.assertTrue(self.epoch(project).startswith("2."))
            self.assert_nothing_left(project)

            self.publish(project, 100)
            self.assertEqual(self.rows(project), self.naive(factor=3, cancels=True))
            self.assertEqual(project.tally(self.name)["folded"], len(self.log))

    def test_cancel_and_former_rows(self):
        with self.project() as project:
            project.worker(self.prefix + "a")
            self.publish(project, 500)
            before = self.naive()
            project.write_view(self.view(factor=2))
            self.rebuild(project, "--detach")
            build = fanfold.poll(lambda: [b for b in project.status()["rebuilds"] if b["percent"] == 100],
                                 what="the build to be ready")[0]
            self.assertEqual((build["view"], build["generation"], build["state"], build["folded"]),
                             (self.name, 2, "building", 500))
            self.assertIn(f"generation 2 of {self.name}: building, 100% (offset 500 of 500)",
                          project.cli("status").out)
            self.assertIn("by another definition already",
                          self.rebuild(project, "--definition", self.file(project, 5), code=1).err)
            self.assertIn("generation 2 of", self.rebuild(project, "--cancel").err)
            self.assert_nothing_left(project)
            self.assertIn("no generation of", self.rebuild(project, "--cancel", code=1).err)
            self.assertEqual(self.rows(project), before)

            self.rebuild(project, "--yes", "--keep-old")
            self.assertEqual(self.rows(project), self.naive(factor=2))
            self.assertTrue(self.epoch(project).startswith("3."))
            self.assertEqual(project.rows("fanfold:g:1:" + self.prefix),
                             {"fanfold:g:1:" + key: row for key, row in before.items()})
            again = self.rebuild(project, "--yes", "--keep-old", code=1)
            self.assertIn("--drop-old", again.err)
            self.assertTrue(self.epoch(project).startswith("3."))
            self.rebuild(project, "--drop-old")
            self.assert_nothing_left(project)
            self.assertEqual(self.rows(project), self.naive(factor=2))
            self.publish(project, 100)
            self.assertEqual(self.rows(project), self.naive(factor=2))

    def file(self, project, factor):
        path = project.folder / "other.json"
        path.write_text(json.dumps(self.view(factor=factor)))
        return path

    def test_an_event_that_fails_stops_it(self):
        with self.project() as project:
            project.worker(self.prefix + "a")
            self.publish(project, 100)
            bad = {"specversion": "1.0", "id": "bad", "source": "/rebuild", "type": "sold", "subject": "bad",
                   "data": {"n": "many"}}
            project.publish([bad, {**bad, "id": "bad2", "data": {"n": 1}}])
            project.wait_for([self.name], 102)
            self.rebuild(project, "--yes")  # the live view has parked them
            self.assertEqual(project.tally(self.name)["parked"], 2)
            self.assertEqual(self.rows(project), self.naive())

            view = self.view()
            view["on"]["sold"][0]["set"]["ten"] = {"product": ["/data/ten", 1]}
            project.write_view(view)
            stopped = self.rebuild(project, "--yes", code=1)
            self.assertRegex(stopped.err, r"event [0-9a-f]+ at offset 10 cannot be folded.*/data/ten is \"no\", not a number")
            self.assertIn("--on-error park", stopped.err)
            self.assertEqual(self.rows(project), self.naive())
            self.rebuild(project, "--yes", "--on-error", "park")
            subjects = {f"s{i % 50}" for i in range(100) if i % 11 == 10}
            self.assertEqual(set(self.rows(project)) & {self.prefix + "stock:" + s for s in subjects},
                             {self.prefix + f"stock:s{i % 50}" for i in range(50) if i % 11 != 10 and f"s{i}" in subjects})
            self.assertGreater(project.tally(self.name)["parked"], 9)

    def test_what_was_dropped_stays_dropped(self):
        with self.project() as project:
            project.worker(self.prefix + "a")
            self.publish(project, 100)
            bad = {"specversion": "1.0", "id": "bad", "source": "/rebuild", "type": "sold", "subject": "s1",
                   "data": {"n": "1e99"}}
            project.publish([bad])
            project.wait_for([self.name], 101)
            self.log += [{**bad, "data": {"n": 0}, "type": "none"}]
            project.write_view(self.view(factor=2))
            self.rebuild(project, "--detach")
            refused = project.cli("parked", "drop", self.name, "--key", "s1", "--reason", "r")
            self.assertEqual(refused.code, 69, refused.err)
            self.assertIn("a rebuild of the view is under way", refused.err)
            self.rebuild(project, "--cancel")
            dropped = project.cli("parked", "drop", self.name, "--key", "s1", "--reason", "r")
            self.assertEqual(dropped.code, 0, dropped.err)
            view = self.view(factor=2)
            view["on"]["sold"] = [{"hash": self.prefix + "stock:{subject}", "set": {"last": "/id"}}]  # it could be folded now
            project.write_view(view)
            self.rebuild(project, "--yes")
            self.assertEqual({key: row["last"] for key, row in self.rows(project).items()},
                             {key: row["last"] for key, row in self.naive().items()})

    def test_verify(self):
        with self.project() as project:
            project.worker(self.prefix + "a")
            self.publish(project, 1000)

            def verify(*args, code=0):
                result = project.cli("verify", self.name, *args, timeout=120)
                self.assertEqual(result.code, code, result.err)
                return result
            self.assertIn("50 rows are as the log says, 0 are not", verify().err)
            self.assertIn("10 rows are as the log says, 0 are not", verify("--sample", "10").err)
            with project.addresses.redis() as redis:
                redis.hset(self.prefix + "stock:s1", "n", "7")
                redis.delete(self.prefix + "stock:s2")
                redis.hset(self.prefix + "stock:s99", "n", "1")
            answer = json.loads(verify("--json", code=1).out)
            self.assertEqual((answer["same"], answer["changed"], answer["only_live"], answer["only_new"]), (48, 1, 1, 1))
            self.assertEqual([row["key"] for row in answer["differences"]],
                             [self.prefix + "stock:" + s for s in ("s1", "s99", "s2")])
            self.assert_nothing_left(project)
            self.rebuild(project, "--yes")
            self.assertEqual(self.rows(project), self.naive())
            self.publish(project, 10)
            self.assertEqual(self.rows(project), self.naive())


if __name__ == "__main__":
    unittest.main()
