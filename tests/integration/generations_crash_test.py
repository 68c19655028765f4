"""SIGKILL of workers, of the command and of Redis in the middle of a rebuild, and of the command and a worker
in the middle of a switch in steps: it ends as if nothing had been, and nothing is left behind.

    FANFOLD_SEED=7    which moments; without it others each time, and printed
"""
import contextlib
import json
import os
import random
import subprocess
import sys
import unittest

import accounts
import fanfold
import flow

SEED = int(os.environ.get("FANFOLD_SEED", random.randrange(10000)))
EVENTS, KILLS = 60000, 10
MANY_ROWS = 100000 + accounts.GROUP  # more than one script switches


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = fanfold.Servers()
        cls.addClassCleanup(cls.servers.remove)

    @contextlib.contextmanager
    def filled(self, prefix, rows, events):
        """A project whose view has folded so many events by version 1, and whose file says version 2."""
        self.bank = accounts.Accounts(prefix, rows)
        with fanfold.Project(self.servers, self.bank.exchange, [self.bank.view(1)]) as self.project:
            self.project.setup()
            self.workers = self.project.start_workers([prefix + "a", prefix + "b"])
            self.project.publish(self.bank.more(events))
            self.project.wait_for([self.bank.name], events, 120)
            self.project.write_view(self.bank.view(2))
            with self.servers.redis() as self.redis:
                yield

    def start(self):
        """A `fanfold rebuild` in the background."""
        self.err = open(self.project.folder / "rebuild.err", "ab")
        self.addCleanup(self.err.close)
        self.command = subprocess.Popen(
            [fanfold.binary(), "rebuild", "--config", str(self.project.config), self.bank.name, "--yes"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.err,
            env={**os.environ, **self.servers.env()}, preexec_fn=fanfold.die_with_parent)

    def said(self):
        return (self.project.folder / "rebuild.err").read_text() + self.project.worker_logs()

    def kill_command(self):
        self.command.kill()
        self.command.wait(10)

    def build(self):
        return json.loads(self.redis.hget("fanfold:rebuilds", self.bank.name) or "{}")

    def offset(self, name):
        position = self.redis.hget("fanfold:cursor:" + name, self.bank.partition)
        return int(position.split()[1]) if position else -1

    def built(self):
        return self.offset(f"{self.bank.name}@{self.build().get('generation')}")

    def assert_end(self):
        self.project.wait_for([self.bank.name], len(self.bank.log), 120)
        self.assertEqual(flow.wrong(self.project.rows(self.bank.prefix), self.bank.naive(2)), {})
        self.assertEqual(list(self.redis.scan_iter("fanfold:g:*", count=1000)) +
                         list(self.redis.scan_iter("fanfold:*@*", count=1000)), [])
        self.assertEqual(self.build(), {})
        self.assertTrue(self.redis.hget("fanfold:cursor:" + self.bank.name, "epoch").startswith("2."))

    def test_in_the_middle_of_a_rebuild(self):
        chance = random.Random(SEED)
        moments = sorted(chance.sample(range(1000, EVENTS - 5000), KILLS + 1))
        victims = [chance.choice(("worker", "command")) for _ in moments]
        victims[KILLS // 2] = "redis"
        with self.filled("crash-", 2000, EVENTS):
            with accounts.Traffic(self.project, self.bank):
                self.strike_all(moments, victims)
                fanfold.poll(self.ends, 120, f"the end of the rebuild; {self.said()}")
            self.assert_end()

    def strike_all(self, moments, victims):
        self.start()
        for moment, victim in zip(moments, victims):
            if self.command.poll() is not None:
                self.start()
            fanfold.poll(lambda: self.built() >= moment, 60, f"the build to come to {moment}; {self.said()}", 0.005)
            self.strike(victim)

    def strike(self, victim):
        at = self.built()
        self.assertTrue(self.build()["state"] == "building" and at < self.offset(self.bank.name), self.said())
        if victim == "worker":
            owner = self.redis.hget("fanfold:leases", f"{self.bank.name}@2 {self.bank.partition}") or ""
            number = next((i for i, worker in enumerate(self.workers) if owner.endswith(" " + worker.name)), 0)
            self.workers[number].sigkill()
            self.workers[number] = self.project.worker(self.workers[number].name)
        elif victim == "command":
            self.assertIsNone(self.command.poll(), self.said())
            self.kill_command()
            self.start()
        else:
            self.servers.do("kill-redis")
            self.servers.do("start-redis")
        self.assertEqual(self.build().get("state"), "building", self.said())
        print(f"killed {victim} at {at} (seed {SEED})", file=sys.stderr)

    def ends(self):
        """It is run until it says that all is done."""
        if self.command.poll() not in (None, 0):
            self.start()
        return self.command.poll() == 0

    def test_in_the_middle_of_a_switch_in_steps(self):
        with self.filled("steps-", MANY_ROWS, MANY_ROWS):
            self.start()
            self.kill_when(lambda build: build["state"] == "switching", [self.command, *self.workers_running()])
            at = self.offset(self.bank.name)
            self.project.publish(self.bank.more(1000))

            self.project.worker("steps-c")  # it goes on with the switch, and is killed in the middle of it
            self.kill_when(lambda build: build["phase"] == "rename" and build["at"] != "0", self.workers_running())
            self.assertEqual(self.offset(self.bank.name), at)
            both = [len(list(self.redis.scan_iter(prefix + self.bank.prefix + "*", count=10000)))
                    for prefix in ("", "fanfold:g:2:")]
            self.assertEqual((both[0], 0 < both[1] < MANY_ROWS), (MANY_ROWS, True))

            self.project.worker("steps-d")
            fanfold.poll(lambda: not self.build(), 60, "the end of the switch; " + self.said())
            self.assert_end()

    def workers_running(self):
        return [worker.process for worker in self.project.workers if worker.is_running()]

    def kill_when(self, is_so, victims):
        fanfold.poll(lambda: self.build() and is_so(self.build()), 120, "the switch; " + self.said(), 0)
        for victim in victims:
            victim.kill()
        for victim in victims:
            victim.wait(10)
        self.assertEqual(self.build().get("state"), "switching", self.said())


if __name__ == "__main__":
    unittest.main()
