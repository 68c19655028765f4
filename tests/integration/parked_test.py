"""Parked events: kept in order, retried, dropped, while workers run, die, and events keep coming."""
import collections
import json
import os
import signal
import subprocess
import time
import unittest
import uuid

import fanfold

FOLDED_AGAIN = "retried {0}, folded {1}, still parked {2}"


class Parked(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "parked-" + uuid.uuid4().hex[:8] + "-"
        self.view, self.sums = self.prefix + "lists", self.prefix + "sums"
        self.redis = self.enterContext(fanfold.suite().redis())
        self.number = 0

    # --- views and events ------------------------------------------------------------------------

    def lists(self):
        """Pushes n to the list of the subject: the order shows. An event without n fails."""
        return {"view": self.view, "exchange": self.prefix + "events",
                "on": {"t": [{"list": self.view + ":{subject}", "push": "/data/n"}]}}

    def commuting(self):
        return {"view": self.sums, "exchange": self.prefix + "events",
                "on": {"t": [{"hash": self.sums + ":{subject}", "add": {"n": "/data/n"}}]}}

    def project(self, *views):
        self.project_ = fanfold.Project(fanfold.suite(), self.prefix + "events",
                                        views or [self.lists()])
        return self.project_.declared(self.prefix)

    def event(self, subject, n=None, **attributes):
        """The next number is in data.n unless n is given; n=False: an event that fails."""
        self.number += 1
        data = {} if n is False else {"n": self.number if n is None else n}
        return {"specversion": "1.0", "id": f"e{self.number}", "source": "/parked", "type": "t",
                "subject": subject, "data": data, **attributes}

    def bad(self, subject):
        return self.event(subject, n=False)

    # --- commands --------------------------------------------------------------------------------

    def parked(self, verb, *args, view=None, code=0):
        result = self.project_.cli("parked", verb, view or self.view, *args, timeout=120)
        self.assertEqual(result.code, code, result.out + result.err)
        return result

    def listed(self, *args, view=None):
        """(offset, key, waits) of what is parked."""
        return [(event["offset"], event["key"], event["waits"])
                for event in json.loads(self.parked("list", "--json", *args, view=view).out)["parked"]]

    def retry(self, *args, view=None):
        """Exit code, and retried, folded, still_parked."""
        result = self.project_.cli("parked", "retry", view or self.view, "--json", *args, timeout=120)
        self.assertIn(result.code, (0, 1), result.err)
        answer = json.loads(result.out)
        return result.code, answer["retried"], answer["folded"], answer["still_parked"]

    def drop_heads(self, keys):
        for key in keys:
            self.parked("drop", "--key", key, "--reason", "a test")

    def wait(self, project, events, *views):
        project.wait_for(views or [self.view], events)

    def row(self, subject):
        """The numbers of the subject's list, oldest first."""
        return [int(n) for n in reversed(self.redis.lrange(f"{self.view}:{subject}", 0, -1))]

    def rows(self, project):
        return {key.split(":")[1]: list(reversed(row)) for key, row in project.rows(self.view + ":").items()}

    @staticmethod
    def naive(log):
        """The fold of the log without the events that fail (they were dropped)."""
        rows = collections.defaultdict(list)
        for event in log:
            if "n" in event["data"]:
                rows[event["subject"]].append(str(event["data"]["n"]))
        return dict(rows)

    def own_state(self):
        """All that Fanfold keeps of the view."""
        keys = [key for key in self.redis.scan_iter("fanfold:*", count=1000) if self.view in key]
        return {key: self.redis.hgetall(key) for key in keys}

    def is_consistent(self, project):
        """The waiting counts and the tally are those of what is parked."""
        state = self.own_state()
        parked = [json.loads(record) for record in
                  state.get(f"fanfold:parked:{self.view}:{project.partition}", {}).values()]
        counts = collections.Counter(record["key"] for record in parked if "key" in record)
        waiting = state.get(f"fanfold:waiting:{self.view}:{project.partition}", {})
        self.assertEqual({key: int(count) for key, count in waiting.items()}, dict(counts))
        self.assertEqual(project.tally(self.view)["parked"], len(parked))

    def streams(self, project):
        """Not at once: a worker reports from time to time."""
        fanfold.poll(lambda: project.task(self.view)["state"] == "streaming", what="the view to stream")

    # --- one after the other ---------------------------------------------------------------------

    def test_a_dropped_head_lets_the_others_in_in_their_order(self):
        with self.project() as project:
            project.worker(self.prefix + "w")
            began = time.time()
            project.publish([self.bad("a"), self.event("a"), self.event("b"), self.event("a")])
            self.wait(project, 4)
            seen = time.time()
            self.assertEqual(self.listed(), [(0, "a", False), (1, "a", True), (3, "a", True)])
            self.assertEqual(self.listed("--reason", "/data/n"), [(0, "a", False)])
            self.assertEqual(self.listed("--key", "b"), [])
            table = self.parked("list").out.splitlines()
            self.assertRegex(table[0], "OFFSET +KEY +WAITS +TYPE +ID +AGE +REASON")
            self.assertRegex(table[1], r"0 +a +no +t +e1 +\d+s +.*/data/n")
            shown = json.loads(self.parked("show", "--offset", "0", "--json").out)
            self.assertEqual((shown["id"], shown["source"], shown["body"]), ("e1", "/parked", "{}"))
            self.assertIn(f"fanfold tail -e {project.exchange} --from 1 -n 1",
                          self.parked("show", "--offset", "1").err)
            self.parked("show", "--offset", "2", code=1)

            result = self.parked("retry", code=1)
            self.assertIn(FOLDED_AGAIN.format(1, 0, 3), result.err)
            self.assertRegex(result.out, "offset 0 key a still fails: .*/data/n")
            self.assertNotIn("a", self.rows(project))
            asked = time.time()
            task = project.task(self.view)
            self.assertEqual([task[name] for name in ("parked", "parked_failing", "parked_waiting",
                                                      "reordered")], [3, 1, 2, 0])
            self.assertGreaterEqual(task["parked_seconds"], asked - seen - 0.01)
            self.assertLessEqual(task["parked_seconds"], time.time() - began + 0.01)
            self.assertIn("parked: 1 failing, 2 waiting, the oldest for", project.cli("status").out)

            self.parked("drop", "--key", "a", code=2)
            self.parked("drop", "--reason", "why not", code=2)
            dropped = self.parked("drop", "--key", "a", "--reason", "a test order")
            self.assertIn("dropped 1", dropped.err)
            self.assertIn("2 that wait behind stay parked until", dropped.err)
            self.parked("drop", "--key", "a", "--reason", "again", code=1)
            kept = self.redis.hgetall(f"fanfold:dropped:{self.view}:{project.partition}")
            self.assertEqual(list(kept), ["0"])
            record = json.loads(kept["0"])
            self.assertEqual((record["reason"], record["id"], record["key"]), ("a test order", "e1", "a"))

            project.publish([self.event("a")])  # still behind the others
            self.wait(project, 5)
            self.assertEqual(self.row("a"), [])
            self.assertEqual(self.retry(), (0, 3, 3, 0))
            self.assertEqual(self.row("a"), [2, 4, 5])
            project.publish([self.event("a")])
            self.wait(project, 6)
            self.assertEqual(self.row("a"), [2, 4, 5, 6])
            self.assertEqual(project.tally(self.view), {
                "folded": 5, "ignored": 0, "duplicates": 0, "parked": 0, "skipped": 1})
            self.assertEqual(project.task(self.view)["reordered"], 3)
            self.assertIn("reordered: 3 events", project.cli("status").out)
            self.is_consistent(project)
            self.assertEqual(self.retry(), (0, 0, 0, 0))

    def test_a_retry_stops_each_key_at_the_first_event_that_still_fails(self):
        with self.project() as project:
            project.worker(self.prefix + "w")
            project.publish([self.bad("a"), self.event("a"), self.bad("b"), self.bad("a"),
                             self.event("b"), self.event("a")])
            self.wait(project, 6)
            self.drop_heads(["a", "b"])
            self.assertEqual(self.retry(), (1, 3, 2, 2))
            self.assertEqual(self.rows(project), {"a": ["2"], "b": ["5"]})
            self.assertEqual(self.listed(), [(3, "a", False), (5, "a", True)])
            shown = json.loads(self.parked("show", "--offset", "3", "--json").out)
            self.assertIn("/data/n", shown["reason"])
            self.assertEqual(shown["body"], "{}")
            before = self.own_state()
            self.assertEqual(self.retry(), (1, 1, 0, 2))
            self.assertEqual(self.own_state(), before, "a retry that finds nothing new changes nothing")
            self.is_consistent(project)

    def test_only_what_is_asked_for_is_retried(self):
        with self.project() as project:
            project.worker(self.prefix + "w")
            project.publish([self.bad("a"), self.bad("b"), *(self.event(key) for key in "aabb")])
            self.wait(project, 6)
            self.drop_heads("ab")
            self.assertEqual(self.retry("--key", "c"), (0, 0, 0, 0))
            self.assertEqual(self.retry("--reason", "no such reason"), (0, 0, 0, 0))
            self.assertEqual(self.retry("--key", "a", "--limit", "1"), (0, 1, 1, 1))
            self.assertEqual(self.rows(project), {"a": ["3"]})
            self.assertEqual(self.retry("--key", "b"), (0, 2, 2, 0))
            self.assertEqual(self.listed(), [(3, "a", True)])
            self.parked("retry", "--offset", "3", code=2)

    def test_what_the_script_refused_goes_in_when_the_row_allows_it(self):
        """Also in the middle of a step: the others of it are not held up."""
        row = self.view + ":shared"
        view = {"view": self.view, "exchange": self.prefix + "events", "on": {
            "set": [{"hash": row, "set": {"v": "/data/v"}}],
            "add": [{"hash": row, "add": {"v": "/data/n", "{subject}": 1}}]}}
        with self.project(view) as project:
            project.worker(self.prefix + "w")

            def add(subject):
                return self.event(subject, type="add", n=1)
            project.publish([self.event("s", type="set", data={"v": "text"})] +
                            [add(subject) for subject in "abcab"])
            self.wait(project, 6)
            self.assertEqual(self.redis.hgetall(row), {"v": "text"})
            self.assertEqual(self.retry("--dry-run"), (1, 3, 0, 5))
            self.assertEqual(self.retry(), (1, 3, 0, 5))
            project.publish([self.event("s", type="set", data={"v": 10})])
            self.wait(project, 7)
            self.assertEqual(self.retry("--dry-run"), (0, 5, 5, 0))
            self.assertEqual(self.retry(), (0, 5, 5, 0))
            self.assertEqual(self.redis.hgetall(row), {"v": "15", "a": "2", "b": "2", "c": "1"})

    def test_a_dry_run_changes_nothing(self):
        with self.project() as project:
            with project.worker(self.prefix + "w") as worker:
                project.publish([self.bad("a"), self.event("a"), self.bad("b"), self.event("b"),
                                 self.bad("b"), self.event("b")])
                self.wait(project, 6)
                self.parked("drop", "--offset", "0", "--reason", "r")
                self.parked("drop", "--offset", "2", "--reason", "r")
                self.assertEqual(worker.sigterm(), 0)
            before = self.own_state(), project.rows(self.prefix)
            self.assertEqual(self.retry("--dry-run"), (1, 3, 2, 2))
            self.assertIn("would fold 2, and 2 would stay", self.parked("retry", "--dry-run", code=1).err)
            dropped = self.parked("drop", "--key", "b", "--offset", "4", "--reason", "r", "--dry-run")
            self.assertIn("offset 4 would be dropped", dropped.out)
            self.assertEqual((self.own_state(), project.rows(self.prefix)), before)
            self.assertEqual(self.retry(), (1, 3, 2, 2))  # no worker is needed

    def test_where_verbs_commute_every_event_stands_alone(self):
        with self.project(self.commuting()) as project:
            project.worker(self.prefix + "w")
            project.publish([self.bad("a"), self.event("a"), self.bad("a"), self.bad("b")])
            self.wait(project, 4, self.sums)
            self.assertEqual(self.listed(view=self.sums),
                             [(0, None, False), (2, None, False), (3, None, False)])
            self.assertEqual(self.retry(view=self.sums), (1, 3, 0, 3))
            self.parked("drop", "--offset", "2", "--reason", "r", view=self.sums)
            self.assertEqual(self.retry("--limit", "1", view=self.sums), (1, 1, 0, 2))
            self.assertEqual(project.task(self.sums)["reordered"], 0)

    def test_an_id_used_again_can_only_be_dropped(self):
        """Also when it came while its key was waiting: the window is not read again by a retry."""
        with self.project() as project:
            project.worker(self.prefix + "w")
            first = self.event("a")
            project.publish([first, self.bad("a"), {**first, "data": {"n": 99}}, self.event("a")])
            self.wait(project, 4)
            self.assertEqual(self.listed(), [(1, "a", False), (2, "a", False), (3, "a", True)])
            self.parked("drop", "--offset", "1", "--reason", "r")
            self.assertEqual(self.retry(), (1, 1, 0, 2))
            self.assertIn("id reused", self.parked("list").out)
            self.drop_heads("a")
            self.assertEqual(self.retry(), (0, 1, 1, 0))
            self.assertEqual(self.row("a"), [1, 3])

    def test_waiting_events_are_dropped_when_asked_for(self):
        with self.project() as project:
            project.worker(self.prefix + "w")
            project.publish([self.bad("a"), self.event("a"), self.event("a"), self.event("a")])
            self.wait(project, 4)
            answer = json.loads(self.parked("drop", "--offset", "2", "--reason", "r", "--json").out)
            self.assertEqual([event["offset"] for event in answer["dropped"]], [2])
            self.assertEqual(answer["waiting"], 2)
            self.parked("drop", "--key", "a", "--waiting", "--reason", "r")
            self.assertEqual(self.listed(), [])
            self.is_consistent(project)
            project.publish([self.event("a")])
            self.wait(project, 5)
            self.assertEqual(self.row("a"), [5])

    def test_another_file_changes_nothing_and_another_log_is_refused(self):
        with self.project() as project:
            with project.worker(self.prefix + "w") as worker:
                project.publish([self.bad("a"), self.event("a"), self.event("b")])
                self.wait(project, 3)
                self.assertEqual(worker.sigterm(), 0)
            before = self.own_state()
            changed = self.lists()
            changed["on"]["t"][0]["push"] = "/data/m"
            project.write_view(changed)
            still = self.parked("retry", code=1)  # by the definition that the rows were made with
            self.assertIn("/data/n is missing", still.out)
            project.write_view(self.lists())

            with project.addresses.amqp() as connection:
                connection.channel().queue_delete(project.partition)
            project.setup()
            self.assertIn("ends before offset 1", self.parked("retry", code=78).err)
            project.publish([self.event("a"), self.event("a")])
            self.assertRegex(self.parked("retry", code=78).err,
                             "has event e4 of /parked at offset 0, where event e1 of /parked is parked")
            self.assertEqual(self.own_state(), before)

    def short_log(self, project, kept=200_000):
        """The log anew, with small segments, of which only the last ones are kept."""
        with project.addresses.amqp() as connection:
            channel = connection.channel()
            channel.queue_delete(project.partition)
            channel.queue_declare(project.partition, durable=True, arguments={
                "x-queue-type": "stream", "x-max-length-bytes": kept,
                "x-stream-max-segment-size-bytes": kept // 4})
            channel.queue_bind(project.partition, project.exchange)

    def test_what_retention_removed_can_only_be_dropped(self):
        """The others are not held up by it."""
        with self.project() as project:
            self.short_log(project)
            project.worker(self.prefix + "w")
            project.publish([self.bad("a"), self.event("a"), self.bad("b")])
            total = 3
            self.wait(project, total)
            self.drop_heads("ab")

            def first_offset():
                result = project.cli("tail", "-e", project.exchange, "--from", "first", "-n", "1", "--json")
                return json.loads(result.out)["fanfoldoffset"]
            while first_offset() < 3:
                project.publish([self.event("c", data={"n": 1, "pad": "." * 1000}) for _ in range(100)])
                total += 100
                self.wait(project, total)
            project.publish([self.bad("b"), self.event("b")])
            self.wait(project, total + 2)
            self.parked("drop", "--key", "b", "--reason", "r")
            self.assertEqual(self.listed(), [(1, "a", True), (self.listed()[1][0], "b", True)])
            self.assertEqual(self.retry(), (1, 2, 1, 1))
            self.assertIn("retention removed it", self.parked("list").out)
            self.assertEqual(self.retry(), (1, 1, 0, 1))
            self.assertEqual(len(self.row("b")), 1)
            self.drop_heads("a")
            self.is_consistent(project)

    def test_the_command_line(self):
        with self.project() as project:
            self.assertIn("no such event", self.parked("list").err)
            self.assertEqual(self.retry(), (0, 0, 0, 0))
            self.assertIn('did you mean "retry"', self.parked("retyr", code=2).err)
            self.parked("show", code=2)
            self.parked("list", view=self.view + "x", code=1)
            self.parked("list", "--partition", "other.log.0", code=1)
            self.assertEqual(project.cli("parked", "list", self.view, user="worker").code, 0)

    # --- all at once -----------------------------------------------------------------------------

    KEYS = [f"k{i}" for i in range(20)]

    def park_many(self, project, events):
        """So many events wait behind heads that were dropped."""
        heads = [self.bad(key) for key in self.KEYS]
        waiting = [self.event(self.KEYS[i % len(self.KEYS)]) for i in range(events)]
        project.publish(heads + waiting)
        self.wait(project, len(heads) + events)
        for offset in range(len(heads)):
            self.parked("drop", "--offset", offset, "--reason", "a test")
        self.assertEqual(project.tally(self.view)["parked"], events)

    def start_retry(self, project):
        return subprocess.Popen(
            [fanfold.binary(), "parked", "--config", project.config, "retry", self.view, "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **project.addresses.env()}, preexec_fn=fanfold.die_with_parent)

    def check_rows(self, project):
        self.assertEqual(self.rows(project), self.naive(project.tail()))
        self.is_consistent(project)

    def test_retries_at_once_fold_each_event_once(self):
        with self.project() as project:
            project.worker(self.prefix + "w")
            self.park_many(project, 4000)
            retries = [self.start_retry(project) for _ in range(3)]
            answers = []
            for process in retries:
                out, err = process.communicate(timeout=120)
                self.assertEqual(process.returncode, 0, err)
                answers.append(json.loads(out)["folded"])
            self.assertEqual(sum(answers), 4000, answers)
            self.check_rows(project)

    def test_a_retry_while_events_keep_coming(self):
        with self.project() as project:
            worker = project.worker(self.prefix + "w")
            self.park_many(project, 2000)
            total = len(self.KEYS) + 2000
            with project.publishing() as publishing:
                retry = self.start_retry(project)
                for _ in range(30):
                    publishing.write([self.event(self.KEYS[i % len(self.KEYS)]) for i in range(100)])
                    total += 100
                out, err = retry.communicate(timeout=120)
                self.assertEqual(retry.returncode, 0, err)
                self.assertGreaterEqual(json.loads(out)["folded"], 2000)
                self.assertEqual(publishing.finish().code, 0)
            self.wait(project, total)
            self.assertIn("the stored position is another", worker.log(), "no live commit conflicted")
            self.retry()
            self.assertEqual(self.listed(), [])
            self.check_rows(project)

    def test_a_retry_that_loses_its_answers_looks_again(self):
        """Its connection is cut, with a step under way or just before: what went in is counted once."""
        def commits():
            return [client["id"] for client in self.redis.client_list()
                    if client["user"] == "operator" and client["cmd"] == "evalsha"]
        with self.project() as project:
            project.worker(self.prefix + "w")
            self.park_many(project, 8000)
            retry, cut = self.start_retry(project), 0
            while cut < 3 and retry.poll() is None:
                for client in commits()[:1]:
                    cut += self.redis.client_kill_filter(_id=client)
            out, err = retry.communicate(timeout=120)
            self.assertEqual(retry.returncode, 0, err)
            self.assertGreater(cut, 0, "no connection was cut")
            answer = json.loads(out)
            self.assertEqual((answer["retried"], answer["folded"]), (8000, 8000))
            self.check_rows(project)

    def test_workers_and_retries_are_killed_meanwhile(self):
        with self.project() as project:
            worker = project.worker(self.prefix + "w0")
            self.park_many(project, 6000)
            total = len(self.KEYS) + 6000
            with project.publishing() as publishing:
                for i in range(1, 4):
                    folded = project.tally(self.view)["folded"]
                    retry = self.start_retry(project)
                    publishing.write([self.event(key) for key in self.KEYS for _ in range(50)])
                    total += 1000
                    fanfold.poll(lambda: project.tally(self.view)["folded"] > folded or
                                 retry.poll() is not None, 60, "a step of the retry")
                    retry.send_signal(signal.SIGKILL)
                    retry.communicate()
                    worker.sigkill()
                    worker = project.worker(f"{self.prefix}w{i}")
                self.assertEqual(publishing.finish().code, 0)
            self.wait(project, total)
            self.is_consistent(project)
            self.assertEqual(self.retry()[0], 0)
            self.assertEqual(self.listed(), [])
            self.check_rows(project)

    # --- the world -------------------------------------------------------------------------------

    def test_a_view_that_fails_on_half_of_its_events_stops(self):
        with self.project(self.lists(), self.commuting()) as project:
            worker = project.worker(self.prefix + "w")
            good = {"data": {"n": "x"}}  # a list takes any text, a sum does not
            project.publish([self.event(f"s{i}", **(good if i % 3 else {})) for i in range(400)])
            self.wait(project, 400)
            task = fanfold.poll(lambda: (task := project.task(self.sums))["state"] == "stopped" and task,
                                what="the view to stop")
            self.assertRegex(task["reason"], r"\d+ of the last \d+ events could not be folded \(offsets "
                                             r"1 to \d+\), so it stops rather than park them all")
            self.assertIn("mend what sends these events, and send the workers SIGHUP", task["way_out"])
            self.assertIsNotNone(task["since"])
            first = project.tally(self.sums)
            self.assertLess(first["parked"], 100)
            self.assertEqual(first["folded"] + first["parked"], project.cursor(self.sums) + 1)
            self.streams(project)
            # A person has looked: it goes on, and stops again when it is no better.
            worker.signal(signal.SIGHUP)
            fanfold.poll(lambda: project.tally(self.sums)["parked"] > first["parked"] and
                         project.task(self.sums)["state"] == "stopped", what="it to stop again")

    def test_what_merely_waits_stops_nothing(self):
        with self.project() as project:
            project.worker(self.prefix + "w")
            project.publish([self.bad("a"), *(self.event("a") for _ in range(400)), self.event("b")])
            self.wait(project, 402)
            self.streams(project)
            self.assertEqual(self.rows(project), {"b": ["402"]})


if __name__ == "__main__":
    unittest.main()
