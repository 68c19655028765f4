"""What the integration tests share: servers, projects, workers, the command line, rows.

    class TestShop(unittest.TestCase):
        def test_it(self):
            with fanfold.Project(fanfold.suite(), exchange="shop.x1", views=[...]) as project:
                project.setup()
                with project.worker("a"):
                    project.publish(events)
                    project.wait_for(["stock"], len(events))
                self.assertEqual(project.rows("stock:"), expected)

Nothing here sleeps for a fixed time: poll() asks until the answer is yes, and says what it waited for
when it never is. Needs Debian's python3-pika and python3-redis.
"""
import array
import atexit
import collections
import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import termios
import threading
import time

import pika
import redis as redis_py

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SERVERS = SOURCE / "scripts" / "servers"
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def binary():
    return os.environ.get("FANFOLD_TEST_BIN", str(SOURCE / "build/dev/workers/cli/fanfold"))


def processes_with(variable):
    """The ids, as text, of the processes whose environment has NAME=VALUE."""
    found = []
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if variable.encode() in environ.read_bytes().split(b"\0"):
                found.append(environ.parent.name)
        except OSError:
            pass  # it ended meanwhile, or is another user's
    return found


def poll(predicate, deadline=30, what="a condition", pause=0.02):
    """Returns the first true answer of predicate(); fails after `deadline` seconds with its last one."""
    end = time.monotonic() + deadline
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what}; the last answer was {answer!r}")
        time.sleep(pause)


def die_with_parent():
    """For preexec_fn: the child is killed when the test ends in whatever way."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


Result = collections.namedtuple("Result", "code out err")


def run_cli(args, stdin=None, timeout=60, env=None, cwd=None):
    """Runs `fanfold ARGS`; stdin is text or bytes. out and err are texts."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([binary(), *map(str, args)], input=data if data is not None else b"",
                          capture_output=True, timeout=timeout, cwd=cwd,
                          env={**os.environ, **(env or {})}, preexec_fn=die_with_parent)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode("utf-8", "replace"))


# --- servers -------------------------------------------------------------------------------------------

class Addresses:
    """URLs of a RabbitMQ and a Redis, by the user that logs in."""

    def __init__(self, operator_amqp, publisher_amqp, worker_amqp, worker_redis, operator_redis,
                 dashboard_redis):
        self.operator_amqp = operator_amqp
        self.publisher_amqp = publisher_amqp
        self.worker_amqp = worker_amqp
        self.worker_redis = worker_redis
        self.operator_redis = operator_redis
        self.dashboard_redis = dashboard_redis

    def env(self, user="operator"):
        """For a command of fanfold that is run as this user."""
        return {"FANFOLD_AMQP_URL": getattr(self, user + "_amqp"),
                "FANFOLD_REDIS_URL": getattr(self, user + "_redis", self.worker_redis)}

    def redis(self, user="operator"):
        return redis_py.Redis.from_url(getattr(self, user + "_redis"), decode_responses=True)

    def amqp(self, user="operator"):
        return pika.BlockingConnection(pika.URLParameters(getattr(self, user + "_amqp")))


def suite():
    """The servers that the test suite started (tests/integration/run-with-servers)."""
    name = "FANFOLD_TEST_"
    return Addresses(*(os.environ[name + tail] for tail in (
        "AMQP_URL", "AMQP_PUBLISHER_URL", "AMQP_WORKER_URL", "REDIS_URL", "REDIS_OPERATOR_URL",
        "REDIS_DASHBOARD_URL")))


class Servers(Addresses):
    """A private RabbitMQ and Redis of one test, which may stop and kill them:

        with Servers() as servers:
            servers.do("kill-amqp")      any verb of scripts/servers

    settings: what the servers' own configuration shall say besides, by file: text, as in
    {"rabbitmq/conf.d/50-tls.conf": "listeners.ssl.default = …"}; "{folder}" is the servers' folder.
    verb: "start-redis" for a Redis without a RabbitMQ.
    """

    def __init__(self, settings=None, verb="start"):
        self.folder = tempfile.mkdtemp(prefix="fanfold-servers-")
        atexit.register(self.remove)  # also when a test fails between start and remove
        for name, text in (settings or {}).items():
            path = pathlib.Path(self.folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(folder=self.folder))
        self.do(verb)
        names = self.settings()
        super().__init__(*(names[name] for name in (
            "OPERATOR_AMQP_URL", "PUBLISHER_AMQP_URL", "WORKER_AMQP_URL", "WORKER_REDIS_URL",
            "OPERATOR_REDIS_URL", "DASHBOARD_REDIS_URL")))

    def do(self, verb):
        done = subprocess.run([SERVERS, verb, self.folder], capture_output=True, text=True, timeout=200)
        if done.returncode != 0:
            raise AssertionError(f"servers {verb}: {done.stderr}")
        return done.stdout

    def rabbitmqctl(self, *args):
        folder = pathlib.Path(self.folder)
        ports = dict(line.split("=") for line in (folder / "ports").read_text().split())
        done = subprocess.run(
            ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "--node", (folder / "node").read_text().strip(), *args],
            capture_output=True, text=True, timeout=60,
            env={**os.environ, "HOME": str(folder / "home"), "ERL_EPMD_PORT": ports["EPMD_PORT"]})
        if done.returncode != 0:
            raise AssertionError(f"rabbitmqctl {args[0]}: {done.stderr}")
        return done.stdout

    def settings(self):
        return dict(line.split("=", 1) for line in self.do("env").splitlines())

    def kill_broker(self):
        """SIGKILL. RabbitMQ takes up to a second to save that it has streams at all; killed before, it
        never finds them again (3.10). That is a matter of the first stream's declaration, not of the
        crash that a test is about, so the kill waits for it."""
        names = pathlib.Path(self.folder) / "rabbitmq/data/coordination"
        poll(lambda: any(b"rabbit_stream_coordinator" in path.read_bytes()
                         for path in names.glob("*/names.dets")), what="the broker's list of streams")
        os.kill(self.pid("amqp"), signal.SIGKILL)  # at once: the script takes a while to start
        self.do("kill-amqp")

    def keep_declarations(self):
        """What was declared last, such as a binding, stands in a buffer of Mnesia's log for up to two
        seconds: killed before, RabbitMQ has forgotten it. For tests that are not about that."""
        self.rabbitmqctl("eval", "mnesia:sync_log().")

    def pid(self, server):
        """server: "amqp", "redis" or "epmd"."""
        return int((pathlib.Path(self.folder) / (server + ".pid")).read_text().split()[0])

    def remove(self):
        self.do("remove")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


# --- workers -------------------------------------------------------------------------------------------

class Worker:
    """A `fanfold worker` process; what it says goes to the file .log_path."""

    def __init__(self, config, name, env, args=()):
        self.name = name
        self.log_path = pathlib.Path(config).parent / f"worker-{name}.log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), *self.command(config, name), *args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **env}, preexec_fn=die_with_parent)

    @staticmethod
    def command(config, name):
        return ["worker", "--config", str(config), "--name", name]

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def sigkill(self):
        self.process.kill()
        self.process.wait(10)

    def sigterm(self, timeout=20):
        """Asks it to end, and returns its exit code."""
        self.process.terminate()
        return self.wait(timeout)

    def wait(self, timeout=20):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"worker {self.name} does not end; its log:\n{self.log()[-3000:]}")

    def wait_for_log(self, text, deadline=20):
        poll(lambda: text in self.log() or not self.is_running(), deadline,
             f"{text!r} in {self.log_path}")
        if text not in self.log():
            raise AssertionError(f"worker {self.name} ended without {text!r}:\n{self.log()[-3000:]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_running():
            self.sigkill()


class Recorder(Worker):
    """A `fanfold recorder` process, in the same way."""

    @staticmethod
    def command(config, _):
        return ["recorder", "--config", str(config)]


# --- publishing in the background ---------------------------------------------------------------------

class Publishing:
    """A `fanfold publish` that runs while the test does other things, and is fed by a thread:

        with project.publishing() as publishing:
            publishing.write(events)        as often as one likes; it does not block
            result = publishing.finish()    no more will come; its Result
    """

    def __init__(self, folder, args, env):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="publish-", dir=folder))
        self.out, self.err = folder / "out", folder / "err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [binary(), *map(str, args)], stdin=subprocess.PIPE, stdout=out, stderr=err,
                env={**os.environ, **env}, preexec_fn=die_with_parent)
        self.queue = queue.SimpleQueue()
        self.feeder = threading.Thread(target=self.feed)
        self.feeder.start()

    def feed(self):
        with contextlib.suppress(BrokenPipeError), self.process.stdin as stdin:
            while chunk := self.queue.get():
                stdin.write(chunk)
                stdin.flush()

    def write(self, events):
        if events:
            self.queue.put(ndjson(events).encode())

    def has_read_all(self):
        """Has the pipe to it run empty? What it has read it may still have to send."""
        unread = array.array("i", [0])
        fcntl.ioctl(self.process.stdin, termios.FIONREAD, unread)
        return self.queue.empty() and unread[0] == 0

    def finish(self, timeout=120):
        self.queue.put(b"")
        code = self.process.wait(timeout)
        self.feeder.join()
        return Result(code, self.out.read_text(), self.err.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.queue.put(b"")
        self.feeder.join()


# --- projects ------------------------------------------------------------------------------------------

class Project:
    """A folder with fanfold.json and views/, used with the servers at `addresses`.

    views: view files as objects, or paths of files to copy. Tests share servers, so each takes an
    exchange, view names and row keys of its own.
    """

    def __init__(self, addresses, exchange=None, views=(), logs=None):
        self.addresses = addresses
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-project-"))
        self.views = self.folder / "views"
        self.views.mkdir()
        self.exchange = exchange or logs[0]["exchange"]
        self.config = self.folder / "fanfold.json"
        self.config.write_text(json.dumps(
            {"logs": logs or [{"exchange": exchange}], "views": "views"}, indent=2))
        self.workers = []
        for view in views:
            self.write_view(view)

    @property
    def partition(self):
        return self.exchange + ".log.0"

    def write_view(self, view):
        if isinstance(view, dict):
            (self.views / (view["view"] + ".json")).write_text(json.dumps(view, indent=2))
        else:
            shutil.copy(view, self.views)

    def cli(self, *args, user="operator", stdin=None, timeout=60):
        return run_cli([args[0], "--config", self.config, *args[1:]], stdin=stdin, timeout=timeout,
                       env=self.addresses.env(user))

    def setup(self):
        """Declares the logs as the operator."""
        result = self.cli("setup")
        if result.code != 0:
            raise AssertionError(f"setup: exit {result.code}\n{result.err}")

    def publish(self, events, *args, timeout=120):
        """events: CloudEvents as objects, or NDJSON as text or bytes. As the publisher."""
        data = events if isinstance(events, (str, bytes)) else ndjson(events)
        result = self.cli("publish", "-e", self.exchange, *args, user="publisher", stdin=data,
                          timeout=timeout)
        if result.code != 0:
            raise AssertionError(f"publish: exit {result.code}\n{result.err}")
        return result

    def publishing(self, events=(), *args):
        """A Publishing that has been given these events already."""
        publishing = Publishing(
            self.folder, ["publish", "--config", self.config, "-e", self.exchange, "--json", *args],
            self.addresses.env("publisher"))
        publishing.write(events)
        return publishing

    def worker(self, name, *args):
        worker = Worker(self.config, name, self.addresses.env("worker"), args)
        self.workers.append(worker)
        return worker

    def start_workers(self, names):
        return [self.worker(name) for name in names]

    def has(self, partition):
        """Is it one of the log's, in whatever number of partitions?"""
        return partition == self.partition or partition.startswith(self.exchange + ".part.")

    def in_force(self, view):
        """{partition: the fields of the cursor that stand with it, "" being the position} of the partitions
        that the view is folded by."""
        with self.addresses.redis() as redis:
            fields = redis.hgetall("fanfold:cursor:" + view)
        found = collections.defaultdict(dict)
        for name, text in fields.items():
            partition, _, what = name.partition("/")
            if self.has(partition):
                found[partition][what] = text
        return found

    def tally(self, view):
        """What became of the events of the log so far, e.g. {"folded": 12, "parked": 1, …}."""
        total = collections.Counter()
        for fields in self.in_force(view).values():
            for word in fields.get("tally", "").split():
                name, number = word.split("=")
                total[name] += int(number)
        return dict(total)

    def wait_for(self, views, events, deadline=60):
        """Until each view has dealt with so many events of the log: every event is counted once."""
        for view in views:
            poll(lambda: sum(self.tally(view).values()) >= events, deadline,
                 f"{events} events in view {view}; " + self.worker_logs())
            counted = sum(self.tally(view).values())
            if counted != events:
                raise AssertionError(f"view {view}: {counted} events counted, {events} published")

    def status(self):
        result = self.cli("status", "--json")
        if result.code != 0:
            raise AssertionError(f"status: exit {result.code}\n{result.err}")
        return json.loads(result.out)

    def cursor(self, view):
        """The offset up to which the view is folded, on the partition that is furthest; -1 before the first
        event."""
        positions = [fields.get("", "") for fields in self.in_force(view).values()]
        return max((int(position.split()[1]) for position in positions if position), default=-1)

    def task(self, view):
        """What `status` says of the view's only task."""
        return next(task for task in self.status()["tasks"] if task["view"] == view)

    def task_owners(self):
        """The worker that holds the lease, by (view, partition); of the leases on this project's log."""
        with self.addresses.redis() as redis:
            leases = redis.hgetall("fanfold:leases")
        tasks = {tuple(task.split(" ")): lease.split(" ", 1)[1] for task, lease in leases.items()}
        return {task: owner for task, owner in tasks.items() if self.has(task[1])}

    def owners(self):
        """The same by view, of a log with one partition."""
        return {view: owner for (view, partition), owner in self.task_owners().items()
                if partition == self.partition}

    def tail(self):
        """All events that the log holds now, as objects."""
        result = self.cli("tail", "-e", self.exchange, "--from", "first", "--until-end", "--json",
                          timeout=120)
        if result.code != 0:
            raise AssertionError(f"tail: exit {result.code}\n{result.err}")
        return [json.loads(line) for line in result.out.splitlines()]

    def rows(self, prefix):
        """As a dashboard reads them."""
        with self.addresses.redis("dashboard") as redis:
            return rows(redis, prefix)

    def worker_logs(self):
        return "logs of the workers in " + str(self.folder)

    def delete(self, prefix):
        """Removes the log, its exchange, what Fanfold keeps of the views, and the rows under prefix."""
        with self.addresses.amqp() as connection:
            channel = connection.channel()
            channel.queue_delete(self.partition)
            channel.exchange_delete(self.exchange)
        with self.addresses.redis() as redis:
            keys = [key for key in redis.scan_iter("*", count=1000) if key.startswith(prefix)]
            for path in self.views.glob("*.json"):
                view = json.loads(path.read_text())["view"]
                keys += redis.scan_iter(f"fanfold:*:{view}*", count=1000)
            for key in keys:
                redis.delete(key)

    @contextlib.contextmanager
    def declared(self, prefix):
        """The project with its log declared; both go afterwards, and the rows under prefix."""
        with self:
            self.setup()
            try:
                yield self
            finally:
                self.kill_workers()
                self.delete(prefix)

    def kill_workers(self):
        for worker in self.workers:
            worker.__exit__()

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        self.kill_workers()
        if not failed:  # else the folder, with the workers' logs, is left to look at
            shutil.rmtree(self.folder)


# --- events and rows -----------------------------------------------------------------------------------

def ndjson(events):
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


def read_ndjson(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def publish_foreign(addresses, exchange, events):
    """As a publisher that knows nothing of Fanfold does: `data` as a plain JSON body, attributes in the
    AMQP properties, confirmed. events: CloudEvents as objects; source becomes app_id."""
    with addresses.amqp("publisher") as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for event in events:
            body = json.dumps({**event["data"], "time": event["time"]}, ensure_ascii=False)
            channel.basic_publish(
                exchange, event.get("subject", ""), body.encode(), mandatory=True,
                properties=pika.BasicProperties(
                    message_id=event["id"], type=event["type"], app_id=event["source"],
                    content_type="application/json", delivery_mode=2))


def value(redis, key):
    """A row as plain Python: hash → dict of texts, zset → {member: score}, set → set, list → list,
    counter or JSON → text. None when there is none."""
    kind = redis.type(key)
    if kind == "none":
        return None
    return {
        "hash": lambda: redis.hgetall(key),
        "zset": lambda: dict(redis.zrange(key, 0, -1, withscores=True)),
        "set": lambda: redis.smembers(key),
        "list": lambda: redis.lrange(key, 0, -1),
        "string": lambda: redis.get(key),
    }[kind]()


def rows(redis, prefix):
    """All rows whose keys start with prefix."""
    pattern = "".join("\\" + c if c in "*?[]\\^" else c for c in prefix) + "*"
    return {key: value(redis, key) for key in redis.scan_iter(pattern, count=1000)}
