"""Both servers go down in every order while workers run and events flow: the workers stay, catch up, and
the rows are exact."""
import contextlib
import json
import socket
import threading
import unittest

import fanfold
import flow

VIEWS = ("sums", "last", "users")
TRIES = 2  # more take long: each wait is twice the one before


class Doorman:
    """Listens in the place of a server that is down and turns everybody away, so that a test can count
    how often somebody has tried to come in."""

    def __init__(self, port):
        self.tries = 0
        self.socket = fanfold.poll(lambda: self.listen(port), what=f"port {port} to become free")
        self.thread = threading.Thread(target=self.turn_away, daemon=True)
        self.thread.start()

    @staticmethod
    def listen(port):
        """None while the system still closes the connections of the server that was killed."""
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", port))

    def turn_away(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()
                self.tries += 1

    def wait_for_tries(self, more, what):
        wanted = self.tries + more
        fanfold.poll(lambda: self.tries >= wanted, 60, f"{more} more tries to reach {what}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


class Outage(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.servers = fanfold.Servers()
        cls.addClassCleanup(cls.servers.remove)
        cls.ports = {"amqp": int(cls.servers.settings()["AMQP_PORT"]),
                     "redis": int(cls.servers.settings()["REDIS_PORT"])}

    def setUp(self):
        self.servers.do("start")
        self.prefix = self.id().rsplit(".", 1)[1].replace("_", "-")[5:35] + "-"
        self.views = [self.prefix + name for name in VIEWS]
        self.exchange = self.prefix + "events"

    def project(self):
        views = [view for view in flow.views(self.exchange, self.prefix) if view["view"] in self.views]
        return fanfold.Project(self.servers, self.exchange, views)

    def down(self, server, signal="stop"):
        if server == "amqp" and signal == "kill":
            self.servers.kill_broker()
        else:
            self.servers.do(f"{signal}-{server}")

    def up(self, server):
        self.servers.do("start-" + server)

    def work(self, project):
        """Until some of what the log holds is in every view, but not all of it is."""
        started = [project.cursor(view) for view in self.views]
        fanfold.poll(lambda: all(project.cursor(view) > old for view, old in zip(self.views, started)),
                     60, "some work in every view")

    def check(self, project, worker, log):
        """The worker has caught up, is the process that it was, and the rows are exact."""
        project.wait_for(self.views, len(log), deadline=120)
        expected = flow.fold(log, self.prefix, VIEWS)
        self.assertEqual(flow.wrong(project.rows(self.prefix), expected.rows), {})
        for view in self.views:
            self.assertEqual(project.tally(view)["duplicates"], expected.duplicates, view)
            self.assertEqual(project.tally(view)["parked"], expected.parked[view], view)
        self.assertTrue(worker.is_running())

    def check_says_it_once(self, worker, server, hint):
        """However often it tries while the server is down, no further line is logged."""
        with Doorman(self.ports[server]) as door:
            door.wait_for_tries(TRIES, server)
            said = worker.log()
            door.wait_for_tries(TRIES, server)
            self.assertEqual(worker.log(), said)
        self.assertIn(hint, said)

    # --- down at the start -----------------------------------------------------------------------

    def start_without_servers(self, first, second):
        events = flow.events(3000, seed=1)
        with self.project() as project:
            project.setup()
            project.publish(events)
            self.down("amqp")
            self.down("redis")
            worker = project.worker("early")
            self.check_says_it_once(worker, "redis", "Redis")
            self.up(first)
            self.assertTrue(worker.is_running())
            if first == "redis":
                self.check_says_it_once(worker, "amqp", "backoff")
            self.up(second)
            self.check(project, worker, events)

    def test_started_before_both_and_rabbitmq_comes_first(self):
        self.start_without_servers("amqp", "redis")

    def test_started_before_both_and_redis_comes_first(self):
        self.start_without_servers("redis", "amqp")

    # --- killed while events flow ----------------------------------------------------------------

    def kill_while_events_flow(self, server):
        """Kills it in the middle of the work, and starts it again while more is published."""
        sizes = (20_000, 60_000, 20_000)  # the second: more than goes out while the server is being killed
        parts = [flow.events(size, seed=part, start=sum(sizes[:part])) for part, size in enumerate(sizes)]
        with self.project() as project:
            project.setup()
            self.servers.keep_declarations()
            worker = project.worker("steady")
            with project.publishing(parts[0], "--patience", "90s") as publishing:
                self.work(project)
                writing = threading.Thread(target=publishing.write, args=(parts[1],))
                writing.start()
                fanfold.poll(lambda: project.cursor(self.views[0]) > sizes[0], 60, "the second part to begin", 0.005)
                self.down(server, "kill")
                self.check_says_it_once(worker, server, "Redis" if server == "redis" else "backoff")
                self.up(server)
                writing.join()
                behind = [project.cursor(view) for view in self.views]
                publishing.write(parts[2])
                result = publishing.finish()
            self.assertEqual(result.code, 0, result.err)
            if server == "amqp":
                self.assertGreater(json.loads(result.out)["resent"], 0)
            log = project.tail()
            self.assertTrue(all(cursor < log[-1]["fanfoldoffset"] for cursor in behind), behind)
            self.assertLessEqual({event["id"] for part in parts for event in part},
                                 {event["id"] for event in log})
            self.check(project, worker, log)
            return log, result

    def test_redis_is_killed_while_events_flow(self):
        self.kill_while_events_flow("redis")

    def test_rabbitmq_is_killed_while_events_flow(self):
        self.kill_while_events_flow("amqp")

    # --- the publisher ---------------------------------------------------------------------------

    def test_the_broker_restarts_while_100000_events_are_published(self):
        events = flow.events(100_000, seed=1)
        chunks = [events[at:at + 200] for at in range(0, len(events), 200)]
        with self.project() as project:
            project.setup()
            worker = project.worker("steady")
            with project.publishing(chunks.pop(0), "--patience", "90s") as publishing:
                self.work(project)
                restart = threading.Thread(target=self.servers.do, args=("restart-amqp",))
                restart.start()
                while chunks and "trying again" not in publishing.err.read_text():
                    publishing.write(chunks.pop(0))
                    fanfold.poll(publishing.has_read_all, what="the publisher to read what there is")
                self.assertTrue(chunks, "the broker was to go in the middle of the events")
                publishing.write(sum(chunks, []))
                restart.join()
                result = publishing.finish()
            self.assertEqual(result.code, 0, result.err)
            summary = json.loads(result.out)
            self.assertEqual((summary["confirmed"], summary["unknown"]), (100_000, 0))
            log = project.tail()
            self.assertGreaterEqual(len(log), 100_000)
            self.assertEqual({event["id"] for event in log}, {event["id"] for event in events})
            self.check(project, worker, log)

    # --- commands --------------------------------------------------------------------------------

    def test_rows_are_served_while_the_broker_is_down_and_69_says_that_redis_is(self):
        events = flow.events(500, seed=3)
        key, row = next((key, row) for key, row in flow.fold(events, self.prefix, VIEWS).rows.items()
                        if key.startswith(self.prefix + "sum:"))
        with self.project() as project:
            project.setup()
            worker = project.worker("steady")
            project.publish(events)
            self.check(project, worker, events)

            self.down("amqp")
            get = project.cli("get", self.prefix + "sums", key)
            self.assertEqual((get.code, json.loads(get.out)), (0, row), get.err)
            self.assertIn("end of the log is not known", get.err)
            status = project.status()
            self.assertIsNotNone(status["broker_fault"])
            cursors = {task["view"]: (task["cursor"], task["end"]) for task in status["tasks"]}
            self.assertEqual(cursors, {view: (499, None) for view in self.views})
            self.assertEqual(project.cli("tail", "--until-end").code, 69)
            self.assertEqual(project.cli("publish", "-t", "x", "-d", "{}", "--patience", "0",
                                         user="publisher").code, 69)

            self.down("redis")
            for command in (("get", self.prefix + "sums", key), ("get", self.prefix + "sums")):
                result = project.cli(*command)
                self.assertEqual((result.code, result.out), (69, ""), command)
                self.assertIn("Redis", result.err)
            for command in (("status",), ("status", "--json")):  # what it knows without
                result = project.cli(*command)
                self.assertEqual((result.code, result.out.count("unreachable")), (69, len(self.views)), command)
                self.assertIn("Redis", result.err)
            self.assertTrue(worker.is_running())


if __name__ == "__main__":
    unittest.main()
