"""Workers are killed ten times, at random, while 200,000 events flow: no event is lost, none is counted
twice, none is folded out of turn.

The moments and victims come from a seed, which is printed; FANFOLD_TEST_SEED repeats a run.
"""
import os
import random
import sys
import unittest
import uuid

import fanfold
import flow

EVENTS = 200_000
EARLIER = 140_000  # of them are in the log when the workers start, so that these are behind for long
KILLS = 10
WORKERS = 3


class Crowd:
    """Three workers, of which each that is killed is replaced at once: by one of its own name, as a
    service manager does it, or by a new one."""

    def __init__(self, project):
        self.project = project
        self.workers = {}
        self.started = 0
        for _ in range(WORKERS):
            self.start(self.new_name())

    def new_name(self):
        self.started += 1
        return f"w{self.started}"

    def start(self, name):
        self.workers[name] = self.project.worker(name)

    def kill(self, name, reborn):
        self.workers.pop(name).sigkill()
        self.start(name if reborn else self.new_name())


class KillWorkers(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("FANFOLD_TEST_SEED") or random.randrange(1 << 32))
        print(f"FANFOLD_TEST_SEED={self.seed}", file=sys.stderr, flush=True)
        self.left = []
        self.chance = random.Random(self.seed)
        self.prefix = "kill-" + uuid.uuid4().hex[:8] + "-"
        self.views = [self.prefix + name for name in flow.NAMES]

    def progress(self, project):
        """The share of all work, events times views, that is done."""
        done = sum(sum(project.tally(view).values()) for view in self.views)
        return done / (EVENTS * len(self.views))

    def behind(self, project):
        """The owners of the tasks that stand before an event that the log has; by view."""
        return {view: owner for view, owner in project.owners().items()
                if owner in self.crowd.workers and project.cursor(view) < self.sure_end}

    def kill_one(self, project):
        """Kills the owner of a task that is behind. False when it had just finished: that does not count.
        What it left for others to take over goes to self.left, as (view, its owner)."""
        behind = fanfold.poll(lambda: self.behind(project), 30, "a task that is behind and has an owner")
        victim = self.chance.choice(sorted(set(behind.values())))
        reborn = self.chance.random() < 0.5
        self.crowd.kill(victim, reborn)
        cut_short = [view for view, owner in behind.items()
                     if owner == victim and project.cursor(view) < self.sure_end]
        self.left += [(view, victim) for view in cut_short if not reborn]
        return bool(cut_short)

    def kill_many(self, project):
        for mark in sorted(self.chance.uniform(0.01, 0.65) for _ in range(KILLS)):
            fanfold.poll(lambda: self.progress(project) >= mark, 60, f"{mark:.0%} of the work")
            # A kill between two pieces of work does not count.
            fanfold.poll(lambda: self.kill_one(project), what="a kill in the middle of work")

    def check_taken_over(self, project):
        self.assertTrue(self.left, "no victim was replaced by a new name: choose another seed")
        owners = project.owners()
        for view, victim in self.left:
            self.assertIn(owners[view], self.crowd.workers, view)
            self.assertNotEqual(owners[view], victim, view)

    def check_rows(self, project, events):
        log = project.tail()
        self.assertEqual([event["id"] for event in log], [event["id"] for event in events])
        expected = flow.fold(events, self.prefix)
        self.assertEqual(flow.wrong(project.rows(self.prefix), expected.rows), {})
        for view in self.views:
            tally = project.tally(view)
            self.assertEqual(tally["parked"], expected.parked[view], view)
            self.assertEqual(tally["duplicates"], expected.duplicates, view)

    def test_rows_are_exact_after_ten_kills(self):
        exchange = self.prefix + "events"
        events = flow.events(EVENTS, self.seed)
        with fanfold.Project(fanfold.suite(), exchange,
                             flow.views(exchange, self.prefix)).declared(self.prefix) as project:
            project.publish(events[:EARLIER])
            self.sure_end = project.status()["tasks"][0]["end"]
            self.crowd = Crowd(project)
            with project.publishing(events[EARLIER:]) as publishing:
                self.kill_many(project)
                self.assertEqual(publishing.finish().code, 0)
            project.wait_for(self.views, EVENTS, deadline=90)
            self.check_taken_over(project)
            self.check_rows(project, events)


if __name__ == "__main__":
    unittest.main()
