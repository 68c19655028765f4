"""`fanfold adopt`: a changed definition comes into force from an event on, while events flow and workers
run. Each event is folded once, by the former definition or by the changed one, and in that order."""
import json
import signal
import unittest
import uuid

import fanfold


class Adopt(unittest.TestCase):
    def setUp(self):
        self.prefix = "adopt-" + uuid.uuid4().hex[:8] + "-"
        self.name = self.prefix + "v"
        self.exchange = self.prefix + "events"
        self.folded = 0  # published so far

    def view(self, step):
        """Counts the events, and has a list of what was added for each: newest first."""
        return {"view": self.name, "exchange": self.exchange, "on": {"*": [
            {"counter": self.prefix + "count", "add": 1},
            {"list": self.prefix + "steps:{subject}", "push": step}]}}

    def project(self, step=1):
        return fanfold.Project(fanfold.suite(), self.exchange, [self.view(step)]).declared(self.prefix)

    def other_files(self, project, step):
        """The same project with another file, as on a host that has been updated."""
        return fanfold.Project(project.addresses, self.exchange, [self.view(step)])

    def events(self, count):
        return [{"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/adopt", "type": "t",
                 "subject": "s", "data": {}} for _ in range(count)]

    def fold_more(self, project, count):
        project.publish(self.events(count))
        self.folded += count
        project.wait_for([self.name], self.folded)

    def steps(self, project):
        """What was added, oldest first."""
        rows = project.rows(self.prefix)
        self.assertEqual(rows[self.prefix + "count"], str(self.folded))
        steps = rows[self.prefix + "steps:s"][::-1]
        self.assertEqual(len(steps), self.folded)
        return steps

    def adopt(self, project, *args, code=0):
        result = project.cli("adopt", self.name, *args)
        self.assertEqual(result.code, code, result.err)
        return result.err

    def owner(self, project, worker):
        fanfold.poll(lambda: project.owners().get(self.name) == worker.name, 20, f"{worker.name} to take the view")

    # --- the pool -------------------------------------------------------------------------------------

    def test_a_worker_that_read_the_file_again_takes_it_when_it_is_adopted(self):
        with self.project() as project:
            worker = project.worker(self.prefix + "a")
            self.fold_more(project, 100)
            project.write_view(self.view(2))
            worker.signal(signal.SIGHUP)
            worker.wait_for_log("definition changed")
            self.fold_more(project, 100)
            self.assertEqual(self.steps(project), ["1"] * 200)
            way_out = fanfold.poll(lambda: project.task(self.name)["way_out"], what="a way out")
            self.assertIn("`fanfold adopt VIEW` takes it from here on", way_out)

            self.assertIn("would come into force", self.adopt(project, "--dry-run"))
            self.fold_more(project, 100)
            self.assertEqual(self.steps(project), ["1"] * 300)

            self.assertIn("is in force from now on", self.adopt(project))
            fanfold.poll(lambda: worker.log().count("idle -> connecting") == 2, what="the task to begin anew")
            self.fold_more(project, 100)
            self.assertEqual(self.steps(project), ["1"] * 300 + ["2"] * 100)
            fanfold.poll(lambda: project.task(self.name)["reason"] == "", what="nothing to be refused any more")
            self.assertIn("in force already", self.adopt(project))
            self.assertEqual(project.tally(self.name)["folded"], 400)

    def test_workers_that_are_updated_one_by_one(self):
        """Whatever a worker's own files say, it folds by the definition in force, before and after."""
        with self.project() as project, self.other_files(project, 2) as updated:
            old = project.worker(self.prefix + "old")
            self.fold_more(project, 100)
            new = updated.worker(self.prefix + "new")
            new.wait_for_log("definition changed")
            self.assertEqual(old.sigterm(), 0)
            self.owner(project, new)
            self.fold_more(project, 100)
            self.assertEqual(self.steps(project), ["1"] * 200)

            self.adopt(updated)
            new.wait_for_log("draining: another definition is in force")
            self.owner(project, new)
            self.fold_more(project, 100)
            self.assertEqual(self.steps(project), ["1"] * 200 + ["2"] * 100)

            again = project.worker(self.prefix + "again")  # with the former files
            again.wait_for_log("definition changed")
            self.assertEqual(new.sigterm(), 0)
            self.owner(project, again)
            self.fold_more(project, 100)
            self.assertEqual(self.steps(project), ["1"] * 200 + ["2"] * 200)
            self.adopt(project)  # and back, the same way
            again.wait_for_log("draining: another definition is in force")
            self.fold_more(project, 1)
            self.assertEqual(self.steps(project), ["1"] * 200 + ["2"] * 200 + ["1"])

    def test_while_events_flow(self):
        """Ten times there and back: the steps change at each, and no event is lost or counted twice."""
        with self.project() as project, self.other_files(project, 2) as updated:
            workers = [project.worker(self.prefix + "old"), updated.worker(self.prefix + "new")]
            self.fold_more(project, 10)
            with project.publishing() as publishing:
                for turn in range(1, 11):
                    def folded_by_both():
                        publishing.write(self.events(50))
                        self.folded += 50
                        with project.addresses.redis() as redis:
                            return redis.lindex(self.prefix + "steps:s", 0) == ("1" if turn % 2 else "2")
                    fanfold.poll(folded_by_both, 30, "the other definition to fold", pause=0.01)
                    self.adopt(updated if turn % 2 else project)
                self.assertEqual(publishing.finish().code, 0)
            project.wait_for([self.name], self.folded)
            steps = self.steps(project)
            changes = sum(a != b for a, b in zip(steps, steps[1:]))
            self.assertIn(changes, (9, 10))
            self.assertTrue(all(worker.is_running() for worker in workers))
            self.assertEqual(project.tally(self.name)["folded"], self.folded)

    # --- what is parked -------------------------------------------------------------------------------

    def test_what_the_former_definition_parked_is_retried_by_the_changed_one(self):
        with self.project("/data/step") as project:
            worker = project.worker(self.prefix + "a")
            project.publish(self.events(20))
            fanfold.poll(lambda: project.task(self.name)["parked"] == 20, what="all to be parked")
            project.write_view(self.view(7))
            self.adopt(project)
            fanfold.poll(lambda: worker.log().count("-> streaming") == 2, what="it to stream again")
            self.folded = 20
            retried = json.loads(project.cli("parked", "retry", self.name, "--json").out)
            self.assertEqual((retried["folded"], retried["still_parked"]), (20, 0))
            self.assertEqual(self.steps(project), ["7"] * 20)

    # --- is a replay needed? ---------------------------------------------------------------------------

    def test_which_changes_need_a_replay(self):
        def ask(view, code, text):
            project.write_view(view)
            result = project.cli("check", "--against-live")
            self.assertEqual(result.code, code, result.err)
            self.assertEqual(result.out.strip(), f"{self.name}: {text}")

        with self.project() as project:
            ask(self.view(1), 0, "nothing is folded yet")
            project.worker(self.prefix + "a")
            self.fold_more(project, 10)
            view = self.view(1)
            ask(view, 0, "is in force")
            ask({**view, "about": "it counts"}, 0, "is in force")
            push = [{"list": self.prefix + "steps:{subject}", "push": 9}]
            ask({**view, "on": {**view["on"], "never": push, "no.*": push}}, 0,
                f"needs no replay, `fanfold adopt {self.name}`: only patterns for types that the log has never "
                "held are new")
            ask({**view, "on": {**view["on"], "t": push}}, 1,
                f'needs a replay, `fanfold rebuild {self.name}`: "t" is new, and the log holds 10 such events')
            ask({**view, "on": {"never": push}}, 1, f'needs a replay, `fanfold rebuild {self.name}`: what "*" does')
            ask({**view, "on_error": "skip"}, 1, f'needs a replay, `fanfold rebuild {self.name}`: "on_error"')

    # --- what stands against it -----------------------------------------------------------------------

    def test_nothing_to_adopt(self):
        with self.project() as project:
            self.assertIn("nothing is folded yet", self.adopt(project))
            result = project.cli("adopt", self.name + "x")
            self.assertEqual(result.code, 1)
            self.assertIn(self.name, result.err)

    def test_a_view_that_is_being_changed_otherwise(self):
        with self.project() as project:
            with project.worker(self.prefix + "a") as worker:
                self.fold_more(project, 10)
                self.assertEqual(worker.sigterm(), 0)
            project.write_view(self.view(2))
            cursor = "fanfold:cursor:" + self.name
            with project.addresses.redis() as redis:
                position = redis.hget(cursor, project.partition)
                redis.hset(cursor, f"{project.partition}/torn", "x")
                self.assertIn("was torn: x", self.adopt(project, code=1))
                redis.hdel(cursor, f"{project.partition}/torn")
                redis.hset("fanfold:rebuilds", self.name, json.dumps({"generation": "2"}))
                self.assertIn("is being built", self.adopt(project, code=1))
                redis.hdel("fanfold:rebuilds", self.name)
                self.assertEqual(redis.hget(cursor, project.partition), position)
                self.adopt(project)
                self.assertEqual(redis.hget(cursor, project.partition).split(" ")[1:], position.split(" ")[1:])
                redis.delete(cursor)
                redis.set(cursor, "x")
                self.assertIn("WRONGTYPE", self.adopt(project, code=78))


if __name__ == "__main__":
    unittest.main()
