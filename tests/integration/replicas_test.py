"""Replicated views: two Redis servers fold the same log, each by itself. One that dies or falls silent holds
back nobody; one that comes later builds itself; drift is found and repaired.

Both are compared with a fold in plain Python, never only with each other.
"""
import json
import os
import re
import signal
import time
import unittest
import uuid

import fanfold
import flow

SOON = 5  # seconds within which a target that is well has folded what was just published
NAMES = ("paris", "rome")


class Broker:
    """Project's addresses without a Redis: the configuration names those."""

    def __init__(self, servers):
        self.servers = servers

    def env(self, user="operator"):
        return {**self.servers.env(user), "FANFOLD_REDIS_URL": ""}


class Replicas(fanfold.Project):
    """sites: the servers by the name of the target. The workers log in to the second as another user than to
    the first, with passwords that stand in files."""

    def __init__(self, broker, sites, exchange, views):
        super().__init__(Broker(broker), exchange, views)
        self.sites = sites
        self.worker_config = self.folder / "worker.json"
        self.credentials = self.folder / "credentials"
        self.credentials.mkdir()
        (self.credentials / "redis-password").write_text("worker\n")
        (self.credentials / "redis-password-rome").write_text("operator\n")
        self.name_targets(sites)

    def login(self, name):
        user = "operator" if name == "rome" else "worker"
        return re.sub("//.*@", f"//{user}@", self.sites[name].operator_redis)

    def name_targets(self, names):
        self.configure({"targets": {name: self.sites[name].operator_redis for name in names}},
                       {"targets": {name: self.login(name) for name in names}})

    def configure(self, commands, workers):
        """What the configurations of the commands and of the workers say of Redis."""
        rest = {"logs": [{"exchange": self.exchange}], "views": "views"}
        self.config.write_text(json.dumps({**commands, **rest}))
        self.worker_config.write_text(json.dumps({**workers, **rest}))

    def worker(self, name, *args):
        env = {**self.addresses.env("worker"), "CREDENTIALS_DIRECTORY": str(self.credentials)}
        worker = fanfold.Worker(self.worker_config, name, env, args)
        self.workers.append(worker)
        return worker

    def ask(self, target, view):
        """The hash of the view's position there."""
        with self.sites[target].redis() as redis:
            return redis.hgetall("fanfold:cursor:" + view)

    def epoch(self, target, view):
        return self.ask(target, view).get("epoch")

    def folded(self, target, view):
        """How many events were counted there, in whatever way."""
        words = self.ask(target, view).get(self.partition + "/tally", "").split()
        return sum(int(word.split("=")[1]) for word in words)

    def wait_until(self, target, views, count, deadline=60):
        for view in views:
            fanfold.poll(lambda: self.folded(target, view) >= count, deadline,
                         f"{count} events of {view} in {target}; {self.worker_logs()}")
            if self.folded(target, view) != count:
                raise AssertionError(f"{view} in {target}: {self.folded(target, view)} counted, not {count}")

    def rows_in(self, target, prefix):
        with self.sites[target].redis("dashboard") as redis:
            return fanfold.rows(redis, prefix)

    def status_of(self, code=0):
        """{(target, view): task} of `fanfold status`, and {target: fault}."""
        result = self.cli("status", "--json")
        if result.code != code:
            raise AssertionError(f"status: exit {result.code}, not {code}\n{result.err}")
        status = json.loads(result.out)
        return ({(task["target"], task["view"]): task for task in status["tasks"]},
                {target["name"]: target["fault"] for target in status["targets"]})

    def reasons(self):
        return {(task["state"], task["reason"]) for task in self.status_of()[0].values()}


class ReplicasTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.paris = fanfold.Servers()
        cls.addClassCleanup(cls.paris.remove)
        cls.rome = fanfold.Servers(verb="start-redis")
        cls.addClassCleanup(cls.rome.remove)
        cls.sites = {"paris": cls.paris, "rome": cls.rome}

    def setUp(self):
        self.prefix = "r" + uuid.uuid4().hex[:8] + "-"
        self.exchange = self.prefix + "events"
        self.views = [self.prefix + name for name in flow.NAMES]
        self.log = []

    def project(self, views=None):
        project = Replicas(self.paris, self.sites, self.exchange,
                           flow.views(self.exchange, self.prefix) if views is None else views)
        project.setup()
        return project

    def publish(self, project, count):
        events = flow.events(count, seed=len(self.log), start=len(self.log))
        project.publish(events)
        self.log += events

    def check(self, project, target, names=flow.NAMES, deadline=60):
        """All that was published is in the rows of the target, and nothing else."""
        project.wait_until(target, [self.prefix + name for name in names], len(self.log), deadline)
        expected = flow.fold(self.log, self.prefix, names).rows
        self.assertEqual(flow.wrong(project.rows_in(target, self.prefix), expected), {}, target)

    def verify(self, project, view, code, *args):
        result = project.cli("verify", view, "--target", "paris", "--against", "rome", *args, timeout=120)
        self.assertEqual(result.code, code, result.out + result.err)
        return result

    def both_are_equal(self, project):
        for target in NAMES:
            self.check(project, target)
        for view in self.views:
            self.assertIn("are the same in both servers, 0 are not", self.verify(project, view, 0).err)

    def two_workers(self, project):
        return [project.worker(f"{name}-1", "--target", name) for name in NAMES]

    def goes_on(self, project, seconds_down):
        """For so long, paris has each slice of events soon after it was published."""
        end = time.monotonic() + seconds_down
        slices = 0
        while time.monotonic() < end or slices < 5:
            self.publish(project, 500)
            project.wait_until("paris", self.views, len(self.log), SOON)
            slices += 1

    def rome_is_unreachable(self, project, why):
        tasks, faults = project.status_of(code=69)
        self.assertIsNone(faults["paris"])
        self.assertIn(why, faults["rome"])
        for view in self.views:
            here, there = tasks["paris", view], tasks["rome", view]
            self.assertEqual((here["state"], here["lag"]), ("streaming", 0))
            self.assertEqual((there["state"], there["cursor"], there["parked"]), ("unreachable", None, None))
            self.assertIn(why, there["reason"])
        table = project.cli("status")
        self.assertEqual(table.code, 69)
        self.assertEqual(len(re.findall(f"(?m)^rome +{self.prefix}.* unreachable ", table.out)), 6)
        self.assertEqual(len(re.findall(f"(?m)^paris +{self.prefix}.* streaming ", table.out)), 6)
        self.assertIn("target rome: Redis at", table.err)

    # --- one is down ------------------------------------------------------------------------------

    def test_a_redis_that_is_killed_holds_back_nobody(self):
        with self.project() as project:
            paris, rome = self.two_workers(project)
            self.publish(project, 10_000)
            self.both_are_equal(project)
            stood = project.folded("rome", self.views[0])
            self.rome.do("kill-redis")
            self.addCleanup(self.rome.do, "start-redis")
            rome.wait_for_log("trying again until it works")
            self.goes_on(project, 5)
            self.rome_is_unreachable(project, "Connection refused")
            self.assertNotIn("backoff", paris.log())
            self.assertIn("backoff", rome.log())
            self.assertEqual(project.cli("status", "--target", "paris", "--check").code, 0)
            self.check(project, "paris")

            self.rome.do("start-redis")
            self.assertLess(stood, len(self.log))
            self.both_are_equal(project)
            tasks, faults = project.status_of()
            self.assertEqual(set(faults.values()), {None})
            self.assertEqual(len(tasks), 2 * len(self.views))
            self.assertEqual([worker.is_running() for worker in (paris, rome)], [True, True])

    def test_a_redis_that_falls_silent_holds_back_nobody(self):
        with self.project() as project:
            paris, _ = self.two_workers(project)
            self.publish(project, 2_000)
            self.both_are_equal(project)
            pid = self.rome.pid("redis")
            os.kill(pid, signal.SIGSTOP)
            try:
                self.goes_on(project, 5)
                self.rome_is_unreachable(project, "no answer within")
                self.assertNotIn("backoff", paris.log())
            finally:
                os.kill(pid, signal.SIGCONT)
            self.both_are_equal(project)

    # --- one is new -------------------------------------------------------------------------------

    def test_a_target_that_is_added_later_builds_itself(self):
        with self.project() as project:
            project.configure({"redis": self.paris.operator_redis}, {"redis": project.login("paris")})
            first = project.worker("first")
            self.publish(project, 5_000)
            self.check(project, "paris")
            epochs = {view: project.epoch("paris", view) for view in self.views}

            # A worker that runs has to be told which of two it serves; it goes on as it was.
            project.name_targets(NAMES)
            for view in flow.views(self.exchange, self.prefix)[:2]:
                project.write_view({**view, "targets": list(NAMES)})
            first.signal(signal.SIGHUP)
            first.wait_for_log("say which with --target NAME: paris, rome")
            self.publish(project, 500)
            self.check(project, "paris")
            self.assertEqual(first.sigterm(), 0)

            self.two_workers(project)
            self.publish(project, 500)
            self.both_are_equal(project)
            # Nothing was folded anew in the former one, and nothing counts as another definition.
            self.assertEqual({view: project.epoch("paris", view) for view in self.views}, epochs)
            self.assertEqual({view: project.epoch("rome", view) for view in self.views}, epochs)
            fanfold.poll(lambda: project.reasons() == {("streaming", "")}, what="status to find all well")

    def test_a_view_is_only_in_the_targets_that_it_names(self):
        sums, last = flow.views(self.exchange, self.prefix)[:2]
        name, other = sums["view"], last["view"]
        with self.project([{**sums, "targets": ["rome"]}, last]) as project:
            paris, rome = self.two_workers(project)
            self.publish(project, 2_000)
            self.check(project, "rome", ("sums", "last"))
            self.check(project, "paris", ("last",))
            self.assertEqual(project.ask("paris", name), {})
            tasks, _ = project.status_of()
            self.assertEqual(set(tasks), {("rome", name), ("rome", other), ("paris", other)})
            for args in (["get", name], ["rebuild", name], ["adopt", name], ["verify", name],
                         ["parked", "list", name], ["status", name]):
                refused = project.cli(*args, "--target", "paris")
                self.assertEqual(refused.code, 1, refused.err)
                self.assertIn(f'view "{name}" is not kept in target paris; its "targets" are rome',
                              refused.err)
            self.assertIn("is not kept in target paris",
                          project.cli("verify", name, "--target", "rome", "--against", "paris").err)

            # It comes to the other, and goes from the first, where it stays as it is.
            project.write_view(sums)
            for worker in (paris, rome):
                worker.signal(signal.SIGHUP)
            self.check(project, "paris", ("sums", "last"))
            project.write_view({**sums, "targets": ["paris"]})
            for worker in (paris, rome):
                worker.signal(signal.SIGHUP)
            rome.wait_for_log("no longer in the files, or in this target")
            stood = len(self.log)
            self.publish(project, 500)
            self.check(project, "paris", ("sums", "last"))
            project.wait_until("rome", [other], len(self.log))
            self.assertEqual(project.folded("rome", name), stood)

    # --- drift ------------------------------------------------------------------------------------

    def test_drift_in_one_is_found_and_repaired(self):
        with self.project() as project:
            self.two_workers(project)
            self.publish(project, 2_000)
            self.both_are_equal(project)
            view = self.views[0]
            key = sorted(project.rows_in("rome", self.prefix + "sum:"))[0]
            with self.rome.redis() as redis:
                redis.hset(key, "amount", "31")
            answer = json.loads(self.verify(project, view, 1, "--json").out)
            self.assertEqual((answer["different"], answer["changed"]), (1, [key]))
            self.assertIn("changed " + key, self.verify(project, view, 1).out)
            self.assertEqual(project.cli("verify", view, "--target", "paris").code, 0)
            self.assertEqual(project.cli("verify", view, "--target", "rome").code, 1)

            done = project.cli("rebuild", view, "--target", "rome", "--yes", timeout=120)
            self.assertEqual(done.code, 0, done.err)
            self.assertIn(f"changed {key}\n", done.out)
            self.both_are_equal(project)
            self.assertTrue(project.epoch("paris", view).startswith("1."))
            self.assertGreater(int(project.epoch("rome", view).split(".")[0]), 1)
            self.publish(project, 500)
            self.both_are_equal(project)

    # --- words ------------------------------------------------------------------------------------

    def test_which_target_is_asked_for(self):
        with self.project() as project:
            for args in (["get", self.views[0]], ["rebuild", self.views[0]], ["adopt", self.views[0]],
                         ["verify", self.views[0]], ["parked", "list", self.views[0]],
                         ["check", "--against-live"]):
                result = project.cli(*args)
                self.assertEqual((result.code, result.out), (2, ""), result.err)
                self.assertIn("has 2 targets; say which with --target NAME: paris, rome", result.err)
                result = project.cli(*args, "--target", "romme")
                self.assertEqual(result.code, 2, result.err)
                self.assertIn('did you mean "rome"?', result.err)
            worker = project.worker("w")
            self.assertEqual(worker.wait(), 78)
            self.assertIn("a worker serves one target: ", worker.log())
            self.assertIn("--target NAME: paris, rome", worker.log())
            same = "redis://" + self.paris.operator_redis.split("@")[-1]
            for other, text in (("romme", 'did you mean "rome"?'), ("paris", "is the one that is to be compared"),
                                (same, "is the one that is to be compared")):
                result = project.cli("verify", self.views[0], "--target", "paris", "--against", other)
                self.assertEqual(result.code, 2, result.err)
                self.assertIn(text, result.err)
            project.write_view({**flow.views(self.exchange, self.prefix)[0], "targets": ["paris", "romme"]})
            result = project.cli("check")
            self.assertEqual(result.code, 78)
            self.assertRegex(result.err, r'sums\.json:/targets/1: there is no target "romme" in .*')
            self.assertIn('; did you mean "rome"?', result.err)

    def test_one_named_target_needs_no_option(self):
        with self.project() as project:
            project.name_targets(["rome"])
            project.worker("w")
            self.publish(project, 500)
            self.check(project, "rome")
            tasks, faults = project.status_of()
            self.assertEqual(faults, {"rome": None})
            self.assertEqual({target for target, _ in tasks}, {"rome"})
            self.assertEqual(project.cli("get", self.views[0]).code, 0)


if __name__ == "__main__":
    unittest.main()
