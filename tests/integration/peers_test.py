"""The peers of the benchmark (tests/bench/peers): each comes to the sums of a fold in plain Python, also when
events come twice. Those that were not prepared are named and passed over; Python's has all that it needs
wherever these tests run.
"""
import json
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest
import uuid

import fanfold

PEERS = fanfold.SOURCE / "tests/bench/peers"
CANNOT_RUN = 77
EVENTS = 3000
ALWAYS = {"python"}


def peers():
    return json.loads((PEERS / "manifest.json").read_text())


def run(peer, *args, folder=PEERS, timeout=120):
    command = peer["command"]
    return subprocess.run([folder / command[0], *command[1:], *map(str, args)], capture_output=True,
                          text=True, timeout=timeout, preexec_fn=fanfold.die_with_parent)


def some_events():
    """Of two sources with the same ids; every tenth is of another type, and every fifth is a copy of one
    before it: often the last one, so that both are in one batch, or of long ago."""
    chance = random.Random(5)
    events = []
    while len(events) < EVENTS:
        if len(events) % 5 == 4:
            events.append(events[-1] if chance.random() < 0.5 else chance.choice(events))
            continue
        number = len(events)
        events.append({
            "specversion": "1.0", "id": str(number // 2), "source": f"/shop/{number % 2}",
            "type": "counted" if number % 10 == 3 else "sold", "subject": f"töl-{chance.randrange(200)}",
            "datacontenttype": "application/json", "data": {"n": chance.randrange(-5, 50), "note": "…"}})
    return events


def fold(events):
    seen, rows = set(), {}
    for event in events:
        name = (event["source"], event["id"])
        if event["type"] != "sold" or name in seen:
            continue
        seen.add(name)
        row = rows.setdefault("stock:" + event["subject"], {"n": 0, "events": 0})
        row["n"] += event["data"]["n"]
        row["events"] += 1
    return rows


def sums(redis, prefix):
    return {key[len(prefix):]: {field: int(number) for field, number in row.items()}
            for key, row in fanfold.rows(redis, prefix + "stock:").items()}


class Peers(unittest.TestCase):
    maxDiff = None

    def check(self, peer, project, events, prefix):
        """The peer's rows, or why it cannot run here."""
        addresses = project.addresses
        done = run(peer, "--amqp", addresses.worker_amqp, "--queue", project.partition,
                   "--redis", addresses.operator_redis, "--events", len(events), "--key-prefix", prefix)
        if done.returncode == CANNOT_RUN and peer["name"] not in ALWAYS:
            print(f"passed over: {done.stderr.strip()}", flush=True)
            return
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        said = json.loads(done.stdout)
        self.assertEqual((set(said), said["events"]), ({"events", "seconds"}, len(events)))
        self.assertGreater(said["seconds"], 0)
        with addresses.redis() as redis:
            self.assertEqual(sums(redis, prefix), fold(events))

    def test_each_comes_to_the_sums_of_a_plain_fold(self):
        unique = uuid.uuid4().hex[:8]
        own = f"peers-{unique}:"
        events = some_events()
        self.assertLess(sum(row["events"] for row in fold(events).values()), EVENTS * 0.75)
        project = fanfold.Project(fanfold.suite(), f"peers.{unique}")
        with project.declared(own):
            project.publish(events)
            for peer in peers():
                with self.subTest(peer["name"]):
                    self.check(peer, project, events, f"{own}{peer['name']}:")

    def test_a_batch_that_is_not_full_is_committed_in_time(self):
        """What has come is in Redis although more is waited for."""
        unique = uuid.uuid4().hex[:8]
        own = f"peers-{unique}:"
        events = some_events()[:700]
        project = fanfold.Project(fanfold.suite(), f"peers.{unique}")
        with project.declared(own):
            project.publish(events)
            for peer in peers():
                with self.subTest(peer["name"]):
                    self.wait_for_the_rest(peer, project, events, f"{own}{peer['name']}:")

    def wait_for_the_rest(self, peer, project, events, prefix):
        addresses = project.addresses
        process = subprocess.Popen(
            [PEERS / peer["command"][0], *peer["command"][1:], "--amqp", addresses.worker_amqp,
             "--queue", project.partition, "--redis", addresses.operator_redis,
             "--events", str(len(events) + 1), "--key-prefix", prefix],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=fanfold.die_with_parent)
        try:
            with addresses.redis() as redis:
                fanfold.poll(lambda: process.poll() is not None or sums(redis, prefix) == fold(events),
                             what=f"the rows of {peer['name']}")
            self.assertIn(process.poll(), (None, CANNOT_RUN))
        finally:
            process.kill()
            process.wait()

    def test_one_that_is_not_prepared_says_so(self):
        """A fresh checkout: Python's needs no more than Debian's packages, the others are built."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder) / "peers"
            shutil.copytree(PEERS, folder, ignore=shutil.ignore_patterns("node_modules", "build"))
            for peer in peers():
                if peer["name"] not in ALWAYS:
                    with self.subTest(peer["name"]):
                        done = run(peer, folder=folder)
                        self.assertEqual((done.returncode, done.stdout), (CANNOT_RUN, ""))
                        self.assertRegex(done.stderr, f"^{peer['name']}: .*: run prepare\n$")

    def test_the_lock_file_names_no_registry(self):
        """Anybody's npm may have another one."""
        for path in PEERS.glob("*/package-lock.json"):
            self.assertNotIn("resolved", path.read_text())


if __name__ == "__main__":
    unittest.main()
