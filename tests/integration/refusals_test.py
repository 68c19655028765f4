"""When `fanfold rebuild` and `fanfold verify` do not do what they are asked for: something else is under way,
nobody works for the view, too much would change, the file has a fault, Redis has no room. The live view goes on
in each case, and what was begun can be ended."""
import collections
import json
import os
import signal
import subprocess
import unittest
import uuid

import fanfold

ROWS, EVENTS = 50, 500


class Refusals(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "refusals-" + uuid.uuid4().hex[:8] + "-"
        self.name, self.exchange = self.prefix + "v", self.prefix + "events"
        self.log = []
        self.redis = self.enterContext(fanfold.suite().redis())
        self.project = self.enterContext(fanfold.Project(
            fanfold.suite(), self.exchange, [self.view()]).declared(self.prefix))

    def view(self, factor=1, only=None):
        """The first `only` subjects are multiplied by the factor; without it all are."""
        sold = [{"hash": self.prefix + "stock:{subject}", "add": {"n": {"product": ["/data/n", factor]}}}]
        if only is not None:
            sold = [{"if": {"/data/i": {"lt": only}}, **sold[0]},
                    {"if": {"/data/i": {"ge": only}}, **self.view()["on"]["sold"][0]}]
        return {"view": self.name, "exchange": self.exchange, "on": {"sold": sold}}

    def naive(self, factor=1, only=ROWS):
        rows = collections.Counter()
        for event in self.log:
            rows[event["data"]["i"]] += event["data"]["n"] * (factor if event["data"]["i"] < only else 1)
        return {f"{self.prefix}stock:s{i}": {"n": str(n)} for i, n in rows.items()}

    def publish(self, count=EVENTS):
        events = [{"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/refusals", "type": "sold",
                   "subject": f"s{i % ROWS}", "data": {"n": 1 + i % 7, "i": i % ROWS}} for i in range(count)]
        self.project.publish(events)
        self.log += events

    def fold(self, count=EVENTS):
        self.publish(count)
        self.project.wait_for([self.name], len(self.log))

    def command(self, verb, *args, code):
        done = self.project.cli(verb, self.name, *args)
        self.assertEqual(done.code, code, done.out + done.err + self.project.worker_logs())
        return done.err

    def start(self, verb, *args, at=""):
        """In the background; what it says goes to a file."""
        self.said = self.project.folder / f"{verb}{at}.err"
        with open(self.said, "w") as said:
            process = subprocess.Popen(
                [fanfold.binary(), verb, "--config", str(self.project.config), self.name, *args],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                env={**os.environ, **self.project.addresses.env()}, preexec_fn=fanfold.die_with_parent)
        self.addCleanup(lambda: (process.kill(), process.wait(10)))
        return process

    def told(self):
        return "".join(path.read_text() for path in sorted(self.project.folder.glob("*.err")))

    def wait_for_saying(self, text):
        fanfold.poll(lambda: text in self.said.read_text(), what=f"{text!r} in {self.said}")

    def build(self):
        return json.loads(self.redis.hget("fanfold:rebuilds", self.name) or "{}")

    def assert_live(self, generation, **naive):
        """This generation, its rows, and it folds on."""
        self.fold(20)
        self.assertEqual(self.project.rows(self.prefix + "stock:"), self.naive(**naive))
        epoch = self.redis.hget("fanfold:cursor:" + self.name, "epoch")
        self.assertEqual(epoch.split(".")[0], str(generation))

    def assert_nothing_left(self):
        left = self.redis.keys(f"fanfold:*{self.name}@*") + self.redis.keys(f"fanfold:g:*:{self.prefix}*")
        self.assertEqual((left, self.build()), ([], {}))

    def worker(self):
        """One that is known to run the view."""
        worker = self.project.worker(self.prefix + "a")
        self.fold()
        fanfold.poll(lambda: self.project.task(self.name)["state"] == "streaming", what="the view to stream")
        return worker

    # --- something else is under way -------------------------------------------------------------------

    def test_beside_a_generation_that_is_being_built(self):
        worker = self.worker()
        self.project.write_view(self.view(2))
        self.command("rebuild", "--detach", code=0)
        self.assertIn(f"a generation of {self.name} is being built", self.command("verify", code=69))
        self.assertIn("rebuild", self.command("adopt", code=1))
        self.assert_live(1)
        self.assertIn("taking up generation 2", self.command("rebuild", "--detach", code=0))

        # A worker that reads its files again, which say something else now, goes on with the build.
        self.project.write_view(self.view(3))
        worker.signal(signal.SIGHUP)
        worker.wait_for_log("definition changed")
        self.fold(100)
        self.assertIn("by another definition already", self.command("rebuild", "--yes", code=1))
        self.project.write_view(self.view(2))
        self.command("rebuild", "--yes", code=0)
        self.assert_live(2, factor=2)
        self.assert_nothing_left()

    def begun_verification(self):
        """The worker stands still, so that it does not end."""
        worker = self.worker()
        worker.signal(signal.SIGSTOP)
        verify = self.start("verify")
        fanfold.poll(self.build, what="the verification to begin")
        return worker, verify

    def test_beside_a_verification(self):
        worker, verify = self.begun_verification()
        for args in ((), ("--yes",), ("--detach",)):
            self.assertRegex(self.command("rebuild", *args, code=1), "being built by `fanfold verify` already")
        known = len(self.redis.client_list())
        second = self.start("verify", at="2")  # takes part in it
        fanfold.poll(lambda: len(self.redis.client_list()) > known, what="the second to look into Redis")
        worker.signal(signal.SIGCONT)
        for process, told in ((verify, "verify"), (second, "verify2")):
            code, told = process.wait(30), (self.project.folder / (told + ".err")).read_text()
            self.assertIn(code, (0, 69))
            if code:  # the other has ended it; nobody says that rows differ
                self.assertRegex(told, "not being built any more|moved on while its rows were compared")
            else:
                self.assertIn(f"{ROWS} rows are as the log says, 0 are not", told)
        self.command("rebuild", "--yes", code=0)
        self.assert_live(3)  # the second was the verification's
        self.assert_nothing_left()

    def test_a_verification_that_is_interrupted(self):
        worker, verify = self.begun_verification()
        verify.send_signal(signal.SIGINT)
        self.assertEqual(verify.wait(10), 69)
        self.assertIn("interrupted; workers go on", self.said.read_text())
        worker.signal(signal.SIGCONT)
        self.assert_live(1)
        self.assertIn("by `fanfold verify` already", self.command("rebuild", "--yes", code=1))
        self.command("verify", code=0)
        self.assert_nothing_left()
        self.command("rebuild", "--yes", code=0)
        self.assert_live(3)  # the second was the verification's
        self.assert_nothing_left()

    def test_two_at_once(self):
        """Both switch to one generation, or one after the other to two; or the second finds it gone."""
        self.worker()
        self.project.write_view(self.view(2))
        both = [self.start("rebuild", "--yes", at=at) for at in "ab"]
        codes = [process.wait(60) for process in both]
        self.assertIn(codes, ([0, 0], [0, 1], [1, 0]), self.told())
        generation = int(self.redis.hget("fanfold:cursor:" + self.name, "epoch").split(".")[0])
        self.assertIn(generation, (2, 3))
        self.assert_live(generation, factor=2)
        self.assert_nothing_left()

    # --- who builds -------------------------------------------------------------------------------------

    def test_no_worker_for_the_view(self):
        first = self.worker()
        self.assertEqual(first.sigterm(), 0)
        self.project.write_view(self.view(2))
        other = self.prefix + "other"
        self.project.write_view({"view": other, "exchange": self.exchange,
                                 "on": {"sold": [{"counter": other, "add": 1}]}})
        self.project.worker(self.prefix + "b", "--view", other)
        self.project.wait_for([other], len(self.log))
        rebuild = self.start("rebuild", "--yes")
        self.wait_for_saying("no worker runs the view; waiting for one")
        rebuild.send_signal(signal.SIGINT)
        self.assertEqual(rebuild.wait(5), 1)
        self.assertIn(f"no worker runs view {self.name}: it is workers that build; start one", self.said.read_text())
        self.assert_nothing_left()

        rebuild = self.start("rebuild", "--yes")
        self.wait_for_saying("no worker runs the view; waiting for one")
        self.project.worker(self.prefix + "c", "--view", self.name)
        self.assertEqual(rebuild.wait(60), 0, self.said.read_text())
        self.assert_live(2, factor=2)
        self.assert_nothing_left()

    # --- how much may change ----------------------------------------------------------------------------

    def test_as_many_changes_as_are_allowed(self):
        self.worker()
        self.project.write_view(self.view(2, only=3))
        for limit in ("0", "2", "0%", "5.9%"):
            self.assertIn("both generations stay", self.command("rebuild", "--max-changes", limit, code=1))
            self.assertTrue(self.build(), limit)
        self.assert_live(1)
        self.command("rebuild", "--max-changes", "3", code=0)
        self.assert_live(2, factor=2, only=3)
        self.project.write_view(self.view(3, only=3))
        self.command("rebuild", "--max-changes", "5.9%", code=1)
        self.command("rebuild", "--max-changes", "6%", code=0)
        self.assert_live(3, factor=3, only=3)
        for wrong in ("", "x", "-1", "3 ", "6%%", "%", "1.5", "inf", "0x10", " 3"):
            self.assertIn("--max-changes takes", self.command("rebuild", "--max-changes", wrong, code=2))
        self.command("rebuild", "--max-changes", "0", code=0)
        self.assert_live(4, factor=3, only=3)

        # Rows that are there on one side only are changes as well.
        self.redis.delete(self.prefix + "stock:s0")
        self.redis.hset(self.prefix + "stock:none", "n", "1")
        self.command("rebuild", "--max-changes", "1", code=1)
        self.command("rebuild", "--max-changes", "2", code=0)
        self.assert_live(5, factor=3, only=3)
        self.assert_nothing_left()

    # --- files, room -------------------------------------------------------------------------------------

    def test_a_file_with_a_fault(self):
        self.worker()
        file = self.project.views / (self.name + ".json")
        for text, fault in ((json.dumps({**self.view(), "onn": {}}), "/onn: unknown member"),
                            (json.dumps(self.view()).replace('"add"', '"ad"'), "/on/sold/0/ad: unknown verb"),
                            ("{", "line 1, column 2")):
            file.write_text(text)
            for verb in ("rebuild", "verify"):
                self.assertIn(f"{file}:{fault}", self.command(verb, code=78))
        self.project.write_view(self.view())
        other = self.project.folder / "other.json"
        other.write_text("{")
        self.assertIn("line 1, column 2", self.command("rebuild", "--definition", other, code=78))
        other.write_text(json.dumps({**self.view(2), "view": self.prefix + "else"}))
        self.assertIn(f"is view \"{self.prefix}else\"", self.command("rebuild", "--definition", other, code=78))
        near = self.project.cli("rebuild", self.prefix + "w")
        self.assertEqual(near.code, 1)
        self.assertIn(f"did you mean {self.name}?", near.err)
        self.assert_live(1)
        self.assert_nothing_left()

    def test_no_room_for_a_second_copy(self):
        """Room for what goes on, but not for all rows once more."""
        large = self.view()
        large["on"]["large"] = [{"json": self.prefix + "large:{subject}", "put": "/data/text"}]
        self.project.write_view(large)
        self.worker()
        self.project.publish([{"specversion": "1.0", "id": f"l{i}", "source": "/refusals", "type": "large",
                               "subject": f"s{i}", "data": {"text": "x" * 50000}} for i in range(100)])
        self.project.wait_for([self.name], len(self.log) + 100)
        self.addCleanup(self.redis.config_set, "maxmemory", self.redis.config_get("maxmemory")["maxmemory"])
        for verb in ("rebuild", "verify"):
            self.redis.config_set("maxmemory", self.redis.info("memory")["used_memory"] + 2_000_000)
            done = self.project.cli(verb, self.name)
            self.assertEqual(done.code, 1 if verb == "rebuild" else 69, done.err)
            self.assertRegex(done.err, "Redis has not the room: the live rows take about [4-7] MiB")
            self.assertEqual(self.build(), {})
        self.publish(20)
        self.project.wait_for([self.name], len(self.log) + 100)
        self.assertEqual(self.project.rows(self.prefix + "stock:"), self.naive())
        self.redis.config_set("maxmemory", 0)
        self.command("rebuild", "--yes", code=0)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
