"""The loud stops (DESIGN section 4), each provoked for real; and the states of Redis that a worker waits
out. Each time: `fanfold status` says the state and the reason, with the offsets, since when, and the way
out; no row has changed; the other view goes on."""
import contextlib
import datetime
import json
import re
import signal
import time
import unittest
import uuid

import fanfold

SERVERS = None


def setUpModule():
    global SERVERS
    SERVERS = fanfold.Servers()
    unittest.addModuleCleanup(SERVERS.remove)


def milliseconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


class Stops(unittest.TestCase):
    maxDiff = 4000
    window = 8  # dedupe_window of both logs

    def setUp(self):
        self.prefix = "stops-" + uuid.uuid4().hex[:8] + "-"
        self.view, self.other = self.prefix + "view", self.prefix + "other"
        self.numbers = {self.view: 0, self.other: 0}
        self.redis = self.enterContext(SERVERS.redis())
        project = fanfold.Project(
            SERVERS, logs=[{"exchange": view + "s", "dedupe_window": self.window} for view in self.numbers],
            views=[self.file(view) for view in self.numbers])
        self.project = self.enterContext(project)
        self.began = time.time() * 1000
        self.addCleanup(self.redis.flushdb)
        self.addCleanup(self.show_logs)

    def show_logs(self):
        result = self._outcome.result
        if any(self is test for test, _ in result.failures + result.errors):
            for worker in self.project.workers:
                print(f"--- worker {worker.name} of {self.id()}\n{worker.log()[-4000:]}")

    def file(self, view):
        """Events of type x add to a total, are pushed to a list, and have a row of their own."""
        return {"view": view, "exchange": view + "s", "on": {"x": [
            {"hash": view + ":total", "add": {"n": "/data/n"}, "set": {"last": "{id}"}},
            {"list": view + "-last", "push": "{id}", "keep": 3},
            {"counter": view + "-of:{subject}", "add": 1}]}}

    @contextlib.contextmanager
    def channel(self):
        with SERVERS.amqp() as connection:
            yield connection.channel()

    def publish(self, view, count, pad=0):
        """count more events, n = 1."""
        first = self.numbers[view]
        self.numbers[view] += count
        events = [{"specversion": "1.0", "id": str(i), "source": "/" + view, "type": "x",
                   "subject": str(i % 3), "data": {"n": 1, "pad": "." * pad}}
                  for i in range(first, first + count)]
        result = self.project.cli("publish", "-e", view + "s", user="publisher", stdin=fanfold.ndjson(events))
        self.assertEqual(result.code, 0, result.err)

    def fold_all(self):
        """5 events in each log, folded by a worker that then ends."""
        self.project.setup()
        self.fold_five()

    def fold_five(self):
        for view in self.numbers:
            self.publish(view, 5)
        with self.project.worker("before") as worker:
            for view in self.numbers:
                self.wait_for(view)
            self.assertEqual(worker.sigterm(), 0)

    def wait_for(self, view):
        """Until the view is the fold of all events that were published for it."""
        row = {"n": str(self.numbers[view]), "last": str(self.numbers[view] - 1)}
        fanfold.poll(lambda: self.redis.hgetall(view + ":total") == row,
                     what=f"{row} in {view}:total")

    def cursor(self):
        position = self.redis.hget("fanfold:cursor:" + self.view, self.view + "s.log.0")
        return int(position.split()[1])

    def rows(self, view):
        """The rows of the view, and all that Fanfold keeps of it, as they stand in Redis."""
        return {**fanfold.rows(self.redis, view), **fanfold.rows(self.redis, "fanfold:cursor:" + view),
                **fanfold.rows(self.redis, "fanfold:parked:" + view)}

    def wait_for_state(self, state, pattern):
        """Until `status` says this of the view; returns the task."""
        def found():
            task = self.project.task(self.view)
            return task if task["state"] == state and re.search(pattern, task["reason"]) else None
        try:
            return fanfold.poll(found, 20, f"the view to be {state}: {pattern}")
        except AssertionError as error:
            task = self.project.task(self.view)
            raise AssertionError(f"{error}\n{task}\n{self.project.workers[-1].log()[-3000:]}")

    def assert_told(self, task, way_out):
        """`status` says since when, a time between the fault (or, before it, the start of the test or the
        last call of fault()) and now; and the way out."""
        self.assertLessEqual(self.began - 1, milliseconds(task["since"]), task)
        self.assertLessEqual(milliseconds(task["since"]), time.time() * 1000, task)
        self.assertRegex(task["way_out"], way_out)
        told = f"; since {task['since']} (" in (text := self.project.cli("status").out)
        self.assertTrue(told and "; way out: " + task["way_out"] in text, text)

    def fault(self):
        """What is done from here on makes the view stand still."""
        self.began = time.time() * 1000

    def assert_stopped(self, pattern, before, way_out):
        """Stopped for this reason; nothing has changed; the other view goes on."""
        task = self.wait_for_state("stopped", pattern)
        self.assert_told(task, way_out)
        text = self.project.cli("status").out
        self.assertRegex(text, f"(?m)^{self.view} +{self.view}s\\.log\\.0 +stopped ")
        self.assertIn("^ " + task["reason"], text)
        self.assertEqual(self.project.cli("status", "--check", self.view).code, 1)
        self.assertIn(task["reason"], self.project.workers[-1].log())
        self.publish(self.other, 3)
        self.wait_for(self.other)
        self.assertEqual(self.project.task(self.view)["state"], "stopped")
        self.assertEqual(self.rows(self.view), before)
        self.assertTrue(self.project.workers[-1].is_running())


class WithLog(Stops):
    REBUILD = "`fanfold rebuild VIEW` folds it from its first event on"
    FROM_RETAINED = "`fanfold rebuild VIEW --from-retained` folds what the log still has"

    def rebuild(self, *args):
        """The way out, as it is printed: the rows are those of the log that is there now."""
        result = self.project.cli("rebuild", self.view, "--yes", *args)
        self.assertEqual(result.code, 0, result.err + self.project.workers[-1].log()[-3000:])
        log = self.project.cli("tail", "-e", self.view + "s", "--from", "first", "--until-end", "--json").out
        ids = [json.loads(line)["id"] for line in log.splitlines()]
        self.assertEqual(self.redis.hgetall(self.view + ":total"), {"n": str(len(ids)), "last": ids[-1]})
        fanfold.poll(lambda: self.project.task(self.view)["state"] == "streaming", what="it to stream again")
        self.publish(self.view, 1)
        fanfold.poll(lambda: self.redis.hget(self.view + ":total", "n") == str(len(ids) + 1), what="one more")
        self.assertEqual(self.redis.keys("fanfold:*@*") + self.redis.keys("fanfold:g:*"), [])

    def delete_log(self):
        self.fault()
        with self.channel() as channel:
            channel.queue_delete(self.view + "s.log.0")
        self.numbers[self.view] = 0

    def declare_short(self, kept=200_000):
        """Both logs; that of the view with small segments of which only the last ones are kept."""
        short = {"x-max-length-bytes": kept, "x-stream-max-segment-size-bytes": kept // 4}
        with self.channel() as channel:
            for view in self.numbers:
                channel.exchange_declare(view + "s", "fanout", durable=True)
                channel.queue_declare(view + "s.log.0", durable=True, arguments={
                    "x-queue-type": "stream", **(short if view == self.view else {})})
                channel.queue_bind(view + "s.log.0", view + "s")

    def first_offset(self):
        """Where the view's log begins."""
        result = self.project.cli("tail", "-e", self.view + "s", "--from", "first", "-n", "1", "--json")
        return json.loads(result.out)["fanfoldoffset"]

    def publish_until_cut(self):
        """Until retention has removed the first segment."""
        def cut():
            self.publish(self.view, 100, pad=1000)
            return self.first_offset()
        return fanfold.poll(cut, what="retention to remove events")


class Log(WithLog):
    def test_made_again_and_shorter(self):
        self.fold_all()
        before = self.rows(self.view)
        self.delete_log()
        self.project.setup()
        self.publish(self.view, 2)
        self.project.worker("a")
        self.assert_stopped("the log ends at offset 1, before offset 4 where this view stands: the log lost "
                            "its end, or was deleted and made again", before, self.REBUILD)
        self.rebuild()

    def test_made_again_and_empty(self):
        self.fold_all()
        before = self.rows(self.view)
        self.delete_log()
        self.project.setup()
        self.project.worker("a")
        self.assert_stopped("the log is empty, before offset 4 where this view stands", before, self.REBUILD)

    def test_made_again_and_longer(self):
        self.fold_all()
        before = self.rows(self.view)
        self.delete_log()
        self.project.setup()
        self.numbers[self.view] = 100  # other events
        self.publish(self.view, 9)
        self.project.worker("a")
        self.assert_stopped(r"the events up to offset 4 are not those that this view was folded from "
                            r"\(fingerprint [0-9a-f]{16}, stored [0-9a-f]{16}\): the log was deleted", before,
                            self.REBUILD)
        self.rebuild()

    def test_made_again_under_a_running_worker(self):
        self.fold_all()
        worker = self.project.worker("a")
        self.publish(self.view, 1)
        self.wait_for(self.view)
        before = self.rows(self.view)
        self.delete_log()
        # Deleted and not there: it waits, and says what for.
        self.assert_told(self.wait_for_state("backoff", re.escape(self.view + "s.log.0")), "`fanfold setup`")
        self.fault()
        self.project.setup()
        self.publish(self.view, 3)
        self.assert_stopped("the log ends at offset 2, before offset 5 where this view stands", before,
                            self.REBUILD)
        self.assertIs(worker, self.project.workers[-1])

    def test_same_log_after_all(self):
        """The one way in which nothing must stop: the worker comes back and all is as it was."""
        self.fold_all()
        self.publish(self.view, 4)
        self.project.worker("a")
        self.wait_for(self.view)

    def test_retention_removed_events_while_no_worker_ran(self):
        self.declare_short()
        self.fold_five()
        before = self.rows(self.view)
        first = self.publish_until_cut()
        self.project.worker("a")
        self.assert_stopped("retention removed events that this view needs: it stands at offset 4 .*, but the "
                            r"log now begins at \d+", before, self.FROM_RETAINED)
        reason = self.project.task(self.view)["reason"]
        self.assertGreaterEqual(int(reason.split()[-1]), first)
        refused = self.project.cli("rebuild", self.view, "--yes")
        self.assertEqual(refused.code, 1)
        self.assertIn("retention removed what was before", refused.err)
        self.assertEqual(self.rows(self.view), before)
        self.rebuild("--from-retained")

    def test_a_view_without_a_position_needs_the_log_from_its_beginning(self):
        """Also when rows are there: its position was lost."""
        self.declare_short()
        self.fold_five()
        self.publish_until_cut()
        self.redis.delete("fanfold:cursor:" + self.view)
        before = self.rows(self.view)
        self.assertIn(self.view + ":total", before)
        self.project.worker("a")
        self.assert_stopped(r"the log begins at offset \d+, not at 0: retention removed events, and this view "
                            "has not folded any yet", before, self.FROM_RETAINED)
        # As printed: the position comes back together with the rows, and is then too old: told as such.
        self.assertIn("restore the position and the rows", self.project.task(self.view)["way_out"])

    def test_retention_overtakes_a_slow_worker(self):
        """The broker says nothing when a reader falls behind what is kept."""
        self.declare_short(3_000_000)
        self.fold_five()
        worker = self.project.worker("a")
        self.publish(self.view, 1)
        self.wait_for(self.view)
        worker.signal(signal.SIGSTOP)
        cursor = self.cursor()
        for _ in range(4):  # more than sockets and credit hold
            self.publish(self.view, 2000, pad=2000)
        fanfold.poll(lambda: self.first_offset() > cursor + 4000, what="retention to remove events")
        self.fault()
        worker.signal(signal.SIGCONT)
        task = self.wait_for_state("stopped", r"retention removed events that were not folded yet: offset "
                                              r"\d+ is gone, the log now begins at \d+")
        gone, begins = map(int, re.search(r"offset (\d+) is gone.* begins at (\d+)", task["reason"]).groups())
        self.assertLess(gone, begins)
        self.assert_told(task, self.FROM_RETAINED)
        # All before the gap, and nothing behind it.
        stands = self.cursor()
        self.assertLess(stands, gone)
        total = self.redis.hgetall(self.view + ":total")
        self.assertEqual(int(total["n"]), int(total["last"]) + 1)
        self.publish(self.other, 1)
        self.wait_for(self.other)

    def test_a_log_that_is_not_there_is_waited_for(self):
        worker = self.project.worker("a")
        worker.wait_for_log(self.view + "s.log.0")
        self.assert_told(self.wait_for_state("backoff", "there is no log"), "`fanfold setup`")
        self.project.setup()
        self.publish(self.view, 3)
        self.wait_for(self.view)


class CutWindow(WithLog):
    """The log still has all that is to be folded, but not all by which duplicates are known."""
    window = 5000

    def test_a_resend_whose_first_copy_retention_removed(self):
        """Counted once only where both are seen: so it must not be folded at all."""
        self.declare_short()
        for view in self.numbers:
            self.publish(view, 120, pad=1000)
        with self.project.worker("before") as worker:
            for view in self.numbers:
                self.wait_for(view)
            self.assertEqual(worker.sigterm(), 0)
        before, cursor = self.rows(self.view), self.cursor()
        self.fault()
        while not (first := self.first_offset()):
            self.publish(self.view, 10, pad=1000)
        self.assertLess(first, cursor - 16, "retention removed more than a part of the window")
        self.numbers[self.view] = 0
        self.publish(self.view, 1, pad=1000)  # a resend of the event that was at offset 0
        self.project.worker("a")
        self.assert_stopped(f"retention removed events that this view needs: it stands at offset {cursor} and "
                            f"reads its duplicate window from 0 on, but the log now begins at {first}",
                            before, self.FROM_RETAINED)


class Foreign(Stops):
    def provoke(self, change, pattern):
        """change(key of the total): what somebody else does to Redis."""
        self.fold_all()
        worker = self.project.worker("a")
        self.publish(self.view, 1)
        self.wait_for(self.view)
        good = self.redis.hgetall(self.view + ":total")
        self.fault()
        change(self.view + ":total")
        before = self.rows(self.view)
        self.publish(self.view, 2)
        self.assert_stopped("foreign data: .*" + pattern.format(key=re.escape(self.view + ":total")), before,
                            "put back what stood there and send the workers SIGHUP")
        since = self.project.task(self.view)["since"]

        # Told so before it is mended: it stops again, and has been standing since the first time.
        stops = worker.log().count("-> stopped")
        worker.signal(signal.SIGHUP)
        fanfold.poll(lambda: worker.log().count("-> stopped") > stops, what="it to stop again")
        self.assertEqual(self.wait_for_state("stopped", "foreign data")["since"], since)

        # Mended, and told so: it goes on where it stood.
        self.redis.delete(self.view + ":total")
        self.redis.hset(self.view + ":total", mapping=good)
        worker.signal(signal.SIGHUP)
        self.wait_for(self.view)

    def test_another_type_under_the_key_of_a_row(self):
        def change(key):
            self.redis.delete(key)
            self.redis.rpush(key, "mine")
        self.provoke(change, "{key} is not a hash but list|{key}.*list")

    def test_a_text_where_the_view_keeps_a_number(self):
        self.provoke(lambda key: self.redis.hset(key, "n", "many"), "n of {key}.*many|{key}.*many")

    def test_a_number_that_no_sum_of_integers_is(self):
        self.provoke(lambda key: self.redis.hset(key, "n", "1.5"), "{key}.*1.5")

    def test_another_type_under_the_key_of_the_position(self):
        self.fold_all()
        self.redis.delete("fanfold:cursor:" + self.view)
        self.redis.set("fanfold:cursor:" + self.view, "mine")
        rows = fanfold.rows(self.redis, self.view)
        self.project.worker("a")
        self.publish(self.view, 1)
        self.publish(self.other, 3)
        self.wait_for(self.other)
        self.assertEqual(fanfold.rows(self.redis, self.view), rows)
        self.assertRegex(self.project.workers[-1].log(), "WRONGTYPE|not a hash")


class Redis(Stops):
    """Redis refuses: the worker waits, says why, and nothing is lost or counted twice."""

    def config(self, name, value, back):
        self.redis.config_set(name, value)
        self.addCleanup(self.redis.config_set, name, back)

    def start(self):
        self.fold_all()
        worker = self.project.worker("a")
        self.publish(self.view, 1)
        self.wait_for(self.view)
        return worker

    def recovers(self):
        for view in self.numbers:
            self.wait_for(view)
            self.assertEqual(self.redis.lrange(view + "-last", 0, -1),
                             [str(self.numbers[view] - i) for i in (1, 2, 3)])
            fanfold.poll(lambda: self.state(view) == "streaming", what=f"{view} to stream again")

    def state(self, view):
        return self.project.task(view)["state"]

    def test_eviction_is_refused(self):
        self.fold_all()
        before = {view: self.rows(view) for view in self.numbers}
        self.config("maxmemory-policy", "allkeys-lru", "noeviction")
        worker = self.project.worker("a")
        for view in self.numbers:
            self.publish(view, 2)
        self.assert_evicting(before)
        worker.signal(signal.SIGHUP)  # whatever wakes a task, it does not run
        worker.wait_for_log("read the configuration again")
        self.assert_evicting(before)
        self.assertNotIn("-> streaming", worker.log())
        self.redis.config_set("maxmemory-policy", "noeviction")
        self.recovers()

    def assert_evicting(self, before):
        """Both views are stopped for it, and nothing was folded."""
        for view in self.numbers:
            fanfold.poll(lambda: self.state(view) == "stopped", what=f"{view} to stop")
        task = self.wait_for_state("stopped", "maxmemory-policy is allkeys-lru: an evicted position would fold "
                                              "old events into rows once more")
        self.assert_told(task, "CONFIG SET maxmemory-policy noeviction")
        self.assertEqual({view: self.rows(view) for view in self.numbers}, before)

    def test_eviction_is_allowed_under_a_running_worker(self):
        """Seen within seconds, without a new connection; and so is its end."""
        worker = self.start()
        self.publish(self.other, 1)
        self.wait_for(self.other)
        before = {view: self.rows(view) for view in self.numbers}
        self.fault()
        self.config("maxmemory-policy", "allkeys-lru", "noeviction")
        fanfold.poll(lambda: worker.log().count("-> stopped: maxmemory-policy is allkeys-lru") == 2, 5,
                     what="the worker to see it")
        for view in self.numbers:
            self.publish(view, 2)
        self.assert_evicting(before)
        since = self.project.task(self.view)["since"]
        self.redis.config_set("maxmemory-policy", "volatile-ttl")
        self.wait_for_state("stopped", "maxmemory-policy is volatile-ttl")
        self.assertEqual(self.project.task(self.view)["since"], since)
        self.redis.config_set("maxmemory-policy", "noeviction")
        self.recovers()
        self.assertEqual(worker.log().count("connected to redis"), 1)

    def refused_for_memory(self):
        """How often Redis has refused something for this reason."""
        return int(self.redis.info("errorstats")["errorstat_OOM"].split("=")[1])

    def test_out_of_memory(self):
        worker = self.start()
        before = self.rows(self.view)
        self.config("maxmemory", "1mb", "0")
        self.publish(self.view, 500)
        task = self.wait_for_state("backoff", "OOM|maxmemory")
        self.assert_told(task, "raise maxmemory")
        refused = self.refused_for_memory()
        fanfold.poll(lambda: self.refused_for_memory() > refused, what="another try")
        self.assertEqual(self.wait_for_state("backoff", "OOM|maxmemory")["since"], task["since"])
        self.assertEqual(self.rows(self.view), before)
        self.publish(self.view, 500)
        self.assertTrue(worker.is_running())
        self.redis.config_set("maxmemory", "0")
        self.recovers()
        self.assertLess(worker.log().count("\n"), 60, "it says so once, not once a try")

    def test_a_primary_that_becomes_a_replica(self):
        worker = self.start()
        before = self.rows(self.view)
        self.redis.replicaof("127.0.0.1", "1")
        self.addCleanup(self.redis.replicaof, "NO", "ONE")
        self.publish(self.view, 300)
        worker.wait_for_log("read only replica")
        self.assertEqual(self.rows(self.view), before)
        self.redis.replicaof("NO", "ONE")
        self.recovers()

    def permission(self, *rules):
        self.redis.execute_command("ACL", "SETUSER", "worker", *rules)

    def take_away(self, command):
        worker = self.start()
        before = self.rows(self.view)
        self.fault()
        self.permission("-" + command)
        self.addCleanup(self.permission, "+" + command)
        self.publish(self.view, 10)
        fanfold.poll(lambda: re.search("can't run this command|may not run", worker.log()),
                     what="the worker to say what it may not do")
        if command != "hset":  # without which the worker cannot report either
            self.assert_told(self.wait_for_state("backoff", "can't run this command|may not run"),
                             r"give the worker's Redis user back what is named \(ACL SETUSER")
        self.assertEqual(self.rows(self.view), before)
        self.permission("+" + command)
        self.recovers()

    def test_the_command_that_writes_the_position_is_taken_away(self):
        self.take_away("hset")

    def test_a_command_that_writes_rows_is_taken_away(self):
        """Nothing may fail behind the write of the position, so this must be known before it."""
        self.take_away("lpush")

    def test_a_command_is_missing_at_the_start(self):
        self.fold_all()
        before = self.rows(self.view)
        self.permission("-pfadd")
        self.addCleanup(self.permission, "+pfadd")
        worker = self.project.worker("a")
        worker.wait_for_log("the user may not run PFADD")
        self.assertIn("ACL SETUSER worker +", worker.log())
        self.publish(self.view, 1)
        self.assertEqual(self.rows(self.view), before)
        self.permission("+pfadd")
        self.recovers()

    def test_the_keys_of_one_view_are_taken_away(self):
        """That view waits, the other goes on."""
        self.start()
        before = self.rows(self.view)
        self.permission("resetkeys", "~fanfold:*", f"~{self.other}*")
        self.addCleanup(self.permission, "~*")
        self.publish(self.view, 10)
        self.assert_told(self.wait_for_state("backoff", "NOPERM|permission|may not"),
                         "give the worker's Redis user back what is named")
        self.publish(self.other, 3)
        self.wait_for(self.other)
        self.assertEqual(self.rows(self.view), before)
        self.permission("~*")
        self.recovers()

    def test_a_password_is_changed(self):
        worker = self.start()
        self.permission("resetpass", ">another")
        self.addCleanup(self.permission, "resetpass", ">worker")
        for client in self.redis.client_list():
            if client["user"] == "worker":
                self.redis.client_kill_filter(_id=client["id"])
        self.publish(self.view, 10)
        worker.wait_for_log("WRONGPASS")
        self.assertTrue(worker.is_running())
        self.permission("resetpass", ">worker")
        self.recovers()


if __name__ == "__main__":
    unittest.main()
