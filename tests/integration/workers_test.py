"""The pool: workers share the tasks, leave in order, are taken over when they do not, and read their files
again."""
import json
import signal
import time
import unittest
import uuid

import fanfold
import flow

SIX = ("one", "two", "three", "four", "five", "six")


class Pool(unittest.TestCase):
    def setUp(self):
        self.prefix = "pool-" + uuid.uuid4().hex[:8] + "-"
        self.exchange = self.prefix + "events"

    def view(self, name, step=1):
        """Adds `step` for each event to the counter of its name."""
        return {"view": self.prefix + name, "exchange": self.exchange,
                "on": {"*": [{"counter": self.prefix + name, "add": step}]}}

    def events(self, count):
        return [{"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/pool", "type": "t",
                 "subject": "s", "data": {}} for _ in range(count)]

    def counters(self, names=SIX):
        return [self.view(name) for name in names]

    def project(self, views):
        return fanfold.Project(fanfold.suite(), self.exchange, views).declared(self.prefix)

    def flow_project(self):
        self.views = [self.prefix + name for name in flow.NAMES]
        return self.project(flow.views(self.exchange, self.prefix))

    def name(self, name):
        """Of a worker: the tests share the pool, so the status of one must not show another's."""
        return self.prefix + name

    def until(self, project, name, task, **wanted):
        """Until `status` says that of the view; returns what it says."""
        def look():
            found = task(project.status(), self.prefix + name)
            return found if found and all(found[key] == value for key, value in wanted.items()) else None
        return fanfold.poll(look, 20, f"{wanted} of {name}")

    @staticmethod
    def task(status, view):
        return next((task for task in status["tasks"] if task["view"] == view), None)

    def check_flow(self, project, events):
        project.wait_for(self.views, len(events))
        expected = flow.fold(events, self.prefix).rows
        self.assertEqual(flow.wrong(project.rows(self.prefix), expected), {})

    def half_done(self, project):
        """Until every view stands in the middle of the log's events."""
        fanfold.poll(lambda: all(project.cursor(view) > 0 for view in self.views), 30, "some work")

    # --- leaving ---------------------------------------------------------------------------------

    def test_a_worker_that_is_stopped_finishes_its_work_and_gives_its_tasks_back(self):
        events = flow.events(40_000, seed=1)
        with self.flow_project() as project:
            project.publish(events)
            first = project.worker(self.name("first"))
            self.half_done(project)
            asked = time.monotonic()
            self.assertEqual(first.sigterm(), 0)
            self.assertLess(time.monotonic() - asked, 12)
            self.assertEqual(project.owners(), {})
            status = project.status()
            self.assertNotIn(first.name, [worker["name"] for worker in status["workers"]])
            self.assertTrue(any(task["lag"] > 0 for task in status["tasks"]),
                            "the worker was to be stopped in the middle of its work")
            second = project.worker(self.name("second"))
            self.check_flow(project, events)
            self.assertEqual(set(project.owners().values()), {second.name})

    def test_the_tasks_of_a_killed_worker_are_taken_over_within_ten_seconds(self):
        with self.project(self.counters()) as project:
            names = [self.prefix + name for name in SIX]
            victim, heir = [project.worker(self.name(name)) for name in ("victim", "heir")]
            project.publish(self.events(100))
            project.wait_for(names, 100)
            self.shares(project, {victim.name: 3, heir.name: 3})
            killed = time.monotonic()
            victim.sigkill()
            project.publish(self.events(100))
            project.wait_for(names, 200, deadline=12)
            self.assertLess(time.monotonic() - killed, 10)
            self.shares(project, {heir.name: 6})
            self.assertEqual(project.rows(self.prefix), {name: "200" for name in names})

    def test_a_worker_that_wakes_up_after_its_tasks_were_taken_changes_nothing(self):
        """It wakes up in the middle of its batches while the other is in the middle of the same events."""
        events = flow.events(60_000, seed=2)
        with self.flow_project() as project:
            project.publish(events)
            sleeper = project.worker(self.name("sleeper"))
            self.half_done(project)
            sleeper.signal(signal.SIGSTOP)
            asleep = {view: project.cursor(view) for view in self.views}
            other = project.worker(self.name("other"))
            fanfold.poll(lambda: any(project.cursor(view) > asleep[view] for view in self.views), 15,
                         "the other worker to go on", pause=0.001)
            sleeper.signal(signal.SIGCONT)
            self.assertTrue(all(cursor < len(events) - 1 for cursor in asleep.values()), asleep)
            self.check_flow(project, events)
            self.shares(project, {sleeper.name: 3, other.name: 3})
            more = flow.events(2_000, seed=3, start=len(events))
            project.publish(more)
            self.check_flow(project, events + more)
            self.assertTrue(sleeper.is_running())

    # --- fair shares -----------------------------------------------------------------------------

    def shares(self, project, wanted):
        """Until each worker has that many tasks."""
        def look():
            owners = list(project.owners().values())
            return {owner: owners.count(owner) for owner in owners} == wanted
        fanfold.poll(look, 15, f"the shares {wanted}")

    def test_shares_move_when_workers_come_and_go_and_no_event_is_lost(self):
        with self.project(self.counters()) as project:
            a = project.worker(self.name("a"))
            self.shares(project, {a.name: 6})
            with project.publishing(self.events(5_000)) as publishing:
                b, c = project.worker(self.name("b")), project.worker(self.name("c"))
                self.shares(project, {a.name: 2, b.name: 2, c.name: 2})
                publishing.write(self.events(5_000))
                self.assertEqual(a.sigterm(), 0)
                self.shares(project, {b.name: 3, c.name: 3})
                self.assertEqual(publishing.finish().code, 0)
            names = [self.prefix + name for name in SIX]
            project.wait_for(names, 10_000)
            self.assertEqual(project.rows(self.prefix), {name: "10000" for name in names})

    def test_a_worker_serves_only_the_views_that_it_is_given(self):
        with self.project(self.counters(("one", "two", "three"))) as project:
            project.publish(self.events(10))
            one = project.worker(self.name("one"), "--view", self.prefix + "one",
                                 "--view", self.prefix + "two")
            names = [self.prefix + name for name in ("one", "two")]
            project.wait_for(names, 10)
            self.until(project, "three", self.task, state="waiting",
                       reason="no worker that runs would take it", owner=None, cursor=None)
            three = project.worker(self.name("three"), "--view", self.prefix + "three")
            project.wait_for([self.prefix + "three"], 10)
            self.assertEqual(project.owners(), {names[0]: one.name, names[1]: one.name,
                                                self.prefix + "three": three.name})
            lost = project.worker(self.name("lost"), "--view", self.prefix + "thre")
            self.assertEqual(lost.wait(), 78)
            self.assertIn(f'no view "{self.prefix}thre"', lost.log())

    # --- files -----------------------------------------------------------------------------------

    def reload(self, project, worker):
        before = worker.log().count("read the configuration again")
        worker.signal(signal.SIGHUP)
        fanfold.poll(lambda: worker.log().count("read the configuration again") > before, 10,
                     "the worker to read its files")

    def files(self, status, view):
        """The faults of the view's file that `status` tells."""
        return next((fault for fault in status["files"] if view + ".json" in fault["file"]), None)

    def test_files_are_read_again(self):
        with self.project(self.counters(("stays", "goes", "changes", "breaks"))) as project:
            worker = project.worker(self.name("w"))
            names = [self.prefix + name for name in ("stays", "goes", "changes", "breaks")]
            project.publish(self.events(100))
            project.wait_for(names, 100)

            project.write_view(self.view("comes"))
            (project.views / (self.prefix + "goes.json")).unlink()
            project.write_view(self.view("changes", step=1000))
            broken = self.view("breaks")
            broken["on"]["*"][0]["ad"] = broken["on"]["*"][0].pop("add")
            project.write_view(broken)
            project.write_view({**broken, "view": self.prefix + "bad"})
            self.reload(project, worker)

            project.wait_for([self.prefix + "comes"], 100)
            fanfold.poll(lambda: self.prefix + "goes" not in project.owners(), 10, "the view to stop")
            project.publish(self.events(100))
            project.wait_for([self.prefix + name for name in ("stays", "comes", "changes", "breaks")], 200)
            self.assertEqual(project.rows(self.prefix), {
                self.prefix + "stays": "200", self.prefix + "comes": "200", self.prefix + "goes": "100",
                self.prefix + "changes": "200", self.prefix + "breaks": "200"})

            changed = self.until(project, "changes", self.task, state="streaming", owner=worker.name)
            self.assertIn("definition changed", changed["reason"])
            self.assertEqual(self.until(project, "stays", self.task, state="streaming")["reason"], "")
            for name in ("breaks", "bad"):
                fault = self.until(project, name, self.files, worker=worker.name, pointer="/on/*/0/ad")
                self.assertIn('"add"', fault["reason"])
            # It runs on as it was, and is shown so.
            self.until(project, "breaks", self.task, state="streaming", owner=worker.name, lag=0)
            table = project.cli("status")
            self.assertEqual(table.code, 0, table.err)
            self.assertIn("definition changed", table.out)
            self.assertIn("put the former one back", changed["way_out"])
            self.assertRegex(table.out, f"(?m)^{self.prefix}breaks +.* streaming ")
            self.assertRegex(table.out, f"worker {worker.name} leaves out .*{self.prefix}bad.json")

            project.write_view(self.view("changes"))  # as it was
            self.reload(project, worker)
            self.until(project, "changes", self.task, state="streaming", reason="")

    def test_a_worker_with_another_version_of_a_view_file_folds_by_the_one_in_force_and_says_so(self):
        with self.project([self.view("disputed"), self.view("common")]) as project:
            first = project.worker(self.name("first"))
            project.publish(self.events(100))
            names = [self.prefix + "disputed", self.prefix + "common"]
            project.wait_for(names, 100)

            second_files = [self.view("disputed", step=1000), self.view("common")]
            with fanfold.Project(project.addresses, self.exchange, second_files) as other:
                second = other.worker(self.name("second"))
                second.wait_for_log(f"{names[0]}: definition changed")
                self.assertEqual(first.sigterm(), 0)
                project.publish(self.events(100))
                project.wait_for(names, 200)
                self.assertEqual(project.rows(self.prefix), {name: "200" for name in names})
                task = self.until(project, "disputed", self.task, state="streaming", owner=second.name)
                self.assertIn("definition changed", task["reason"])
                self.assertIn("`fanfold adopt VIEW` takes it from here on", task["way_out"])
                self.assertEqual(self.until(project, "common", self.task)["reason"], "")

    def test_a_definition_in_force_that_cannot_be_folded_is_refused(self):
        """As another version of Fanfold would leave it."""
        with self.project([self.view("disputed"), self.view("common")]) as project:
            names = [self.prefix + "disputed", self.prefix + "common"]
            with project.worker(self.name("first")) as first:
                project.publish(self.events(100))
                project.wait_for(names, 100)
                self.assertEqual(first.sigterm(), 0)
            cursor = "fanfold:cursor:" + names[0]
            with project.addresses.redis() as redis:
                stored = redis.hgetall(cursor)
                redis.hset(cursor, mapping={
                    "epoch": "1.00000000cafecafe",
                    "definition": stored["definition"].replace('"semantics":1', '"semantics":99'),
                    project.partition: "1.00000000cafecafe " + stored[project.partition].split(" ", 1)[1]})
            worker = project.worker(self.name("w"))
            project.publish(self.events(100))
            project.wait_for(names[1:], 200)
            refused = self.until(project, "disputed", self.refused, worker=worker.name)
            self.assertIn("semantics 99", refused["reason"])
            self.ticks(project, worker.name, 3)
            self.until(project, "disputed", self.task, state="waiting",
                       reason="refused by a worker, see below", owner=None, folded=100, lag=100)
            table = project.cli("status").out
            self.assertIn(f"worker {worker.name} refuses {names[0]} {project.partition}", table)
            with project.addresses.redis() as redis:
                redis.hset(cursor, mapping=stored)
            project.wait_for(names, 200)
            self.assertEqual(project.rows(self.prefix), {name: "200" for name in names})

    @staticmethod
    def refused(status, view):
        return next((refusal for refusal in status["refused"] if refusal["view"] == view), None)

    def ticks(self, project, worker, count):
        """Until the worker has renewed its entry in the pool so many times."""
        def entry():
            with project.addresses.redis() as redis:
                return json.loads(redis.hget("fanfold:workers", worker) or "{}").get("until")
        for _ in range(count):
            before = entry()
            fanfold.poll(lambda: entry() != before, 10, f"a tick of {worker}")


if __name__ == "__main__":
    unittest.main()
