"""A worker runs a recorder for each recorded log of its configuration, and lets none outlive it."""
import json
import pathlib
import signal
import unittest
import uuid

import fanfold
import partitions


def children(pid):
    """The ids of the recorders that this process has."""
    try:
        ids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in ids if b"\0recorder\0" in command(child)]


def command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def runs(pid):
    return b"\0recorder\0" in command(pid)


class Children(unittest.TestCase):
    def setUp(self):
        self.servers = fanfold.suite()
        self.prefix = "children-" + uuid.uuid4().hex[:8] + "-"
        self.exchange = self.prefix + "events"
        self.queues, self.exchanges = [], []
        self.addCleanup(self.delete)

    def delete(self):
        with self.servers.amqp() as connection:
            channel = connection.channel()
            for queue in self.queues:
                channel.queue_delete(queue)
            for exchange in self.exchanges:
                channel.exchange_delete(exchange)

    def log(self, exchange, count):
        if exchange not in self.exchanges:
            self.exchanges += [exchange, exchange + ".part"]
            self.queues.append(exchange + ".log.0")
        if count > 1:
            self.queues += [f"{exchange}.part.{count}.{i}" for i in range(count)] + [f"{exchange}.recorder.{count}"]
        return {"exchange": exchange, "partitions": count}

    def project(self, *logs):
        project = fanfold.Project(self.servers, logs=list(logs))
        self.addCleanup(project.__exit__, False)
        project.setup()
        return project

    def child(self, worker, other_than=None):
        """Its only recorder, once it has one."""
        return fanfold.poll(lambda: [pid for pid in children(worker.pid) if pid != other_than], 10,
                            "a recorder of the worker")[0]

    def gone(self, pid):
        fanfold.poll(lambda: not runs(pid), 10, f"the recorder {pid} to end")

    def recorded(self, project, count):
        reader = partitions.Reader(self.servers, self.exchange, [f"{self.exchange}.part.2.{i}" for i in range(2)])
        with reader:
            reader.until_recorded(count)
            reader.check(lambda event: event.headers["cloudEvents:subject"])

    def publish(self, project, count):
        project.publish([{"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/c", "type": "t",
                          "subject": f"s{i}", "data": {}} for i in range(count)])

    def test_a_recorder_that_dies_is_started_again_and_ends_with_its_worker(self):
        project = self.project(self.log(self.exchange, 2))
        worker = project.worker(self.prefix + "a")
        first = self.child(worker)
        self.publish(project, 100)
        self.recorded(project, 100)
        fanfold.os.kill(first, signal.SIGKILL)
        second = self.child(worker, other_than=first)
        self.assertIn("ended by signal 9; starting another one", worker.log())
        self.publish(project, 100)
        self.recorded(project, 200)
        self.assertTrue(runs(second))
        self.assertEqual(worker.sigterm(), 0)
        self.assertFalse(runs(second))
        self.assertIn(f"(process {second}) ended", worker.log())
        self.assertEqual(worker.log().count("starting another one"), 1)

    def test_a_recorder_dies_with_its_worker_and_another_workers_takes_over(self):
        project = self.project(self.log(self.exchange, 2))
        worker = project.worker(self.prefix + "a")
        child = self.child(worker)
        worker.wait_for_log("recording into")
        heir = project.worker(self.prefix + "b")
        heir.wait_for_log("standing by")
        worker.sigkill()
        self.gone(child)
        self.publish(project, 100)
        self.recorded(project, 100)
        self.assertIn("recording into", heir.log())

    def test_logs_come_and_go_and_direct_ones_have_none(self):
        project = self.project(self.log(self.exchange, 1), self.log(self.prefix + "other", 1))
        worker = project.worker(self.prefix + "a")
        worker.wait_for_log("connected to")
        fanfold.poll(lambda: any(each["name"] == worker.name for each in project.status()["workers"]), 10, "a report")
        self.assertEqual(children(worker.pid), [])

        self.configure(project, self.log(self.exchange, 2), self.log(self.prefix + "other", 3))
        project.setup()
        worker.signal(signal.SIGHUP)
        fanfold.poll(lambda: len(children(worker.pid)) == 2, 10, "two recorders")
        told = fanfold.poll(lambda: self.told(project, worker), 10, "them in the report")
        self.assertEqual({each["queue"] for each in told},
                         {self.exchange + ".recorder.2", self.prefix + "other.recorder.3"})
        self.assertEqual(sorted(each["pid"] for each in told), sorted(children(worker.pid)))

        kept = next(each["pid"] for each in told if each["exchange"] == self.exchange)
        gone = next(each["pid"] for each in told if each["exchange"] != self.exchange)
        self.configure(project, self.log(self.exchange, 2), self.log(self.prefix + "other", 1))
        worker.signal(signal.SIGHUP)
        self.gone(gone)
        self.assertEqual(children(worker.pid), [kept])

    def configure(self, project, *logs):
        config = json.loads(project.config.read_text())
        project.config.write_text(json.dumps({**config, "logs": logs}))

    @staticmethod
    def told(project, worker):
        """What the worker reports, once both run."""
        found = [each for each in project.status()["workers"] if each["name"] == worker.name]
        recorders = found[0]["recorders"] if found else []
        return [each["state"] for each in recorders] == ["running"] * 2 and recorders

    def test_a_recorder_has_none_of_its_workers_files_and_signals(self):
        project = self.project(self.log(self.exchange, 2))
        worker = project.worker(self.prefix + "a")
        child = self.child(worker)
        worker.wait_for_log("recording into")
        theirs = {fanfold.os.readlink(path) for path in pathlib.Path(f"/proc/{child}/fd").iterdir()
                  if int(path.name) > 2}
        ours = {fanfold.os.readlink(path) for path in pathlib.Path(f"/proc/{worker.pid}/fd").iterdir()
                if int(path.name) > 2}
        self.assertTrue(any("socket:" in name for name in theirs))
        self.assertEqual({name for name in theirs & ours if name.startswith(("socket:", "pipe:"))}, set())
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{child}/status").read_text().splitlines() if ":\t" in line)
        self.assertEqual(int(status["SigBlk"], 16), 0)
        self.assertEqual(int(status["SigIgn"], 16), 1 << (signal.SIGPIPE - 1))


if __name__ == "__main__":
    unittest.main()
