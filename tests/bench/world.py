"""What a benchmark measures on: private servers, the events in files, and logs that hold them."""
import contextlib
import os
import pathlib
import shutil
import tempfile

import fanfold
from process import Program
from wrong import Wrong

# Adds up the fields of hashes, the scores of sorted sets, and counters, for each pattern.
TOTALS = """
local totals = {}
local function add(name, value)
    totals[name] = (totals[name] or 0) + (tonumber(value) or 0)
end
for i = 1, #ARGV, 2 do
    for _, key in ipairs(redis.call('KEYS', ARGV[i + 1])) do
        local kind = redis.call('TYPE', key).ok
        local values = kind == 'hash' and redis.call('HGETALL', key) or
                       kind == 'zset' and redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') or {}
        for at = 1, #values, 2 do
            add(ARGV[i] .. (kind == 'hash' and '/' .. values[at] or ''), values[at + 1])
        end
        if kind == 'string' then
            add(ARGV[i], redis.call('GET', key))
        end
    end
end
local answer = {}
for name, value in pairs(totals) do
    answer[#answer + 1] = name
    answer[#answer + 1] = string.format('%.0f', value)
end
return answer
"""


TIMEOUT = 600


def dealt_with(redis, view):
    """How many events of its log, in all its partitions, the view has dealt with."""
    tallies = [text for name, text in redis.hgetall("fanfold:cursor:" + view).items() if name.endswith("/tally")]
    return sum(int(word.split("=")[1]) for tally in tallies for word in tally.split())


def running(project):
    return all(worker.is_running() for worker in project.workers)


class World:
    def __init__(self, workloads):
        self.expected, self.logs = {}, {}
        self.stack = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-bench-"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        tempfile.tempdir = str(self.folder)  # servers and projects as well: all of it goes, whatever happens
        try:
            self.servers = self.stack.enter_context(fanfold.Servers())
            for workload in workloads:
                self.prepare(workload)
        except BaseException:
            self.stack.close()
            raise

    def prepare(self, workload):
        """A log that holds its events."""
        project = self.stack.enter_context(self.log(workload, workload.exchange))
        self.expected[workload.name] = workload.fill(self, project)
        self.logs[workload.name] = project

    def file(self, workload):
        return self.folder / (workload.name + ".ndjson")

    @contextlib.contextmanager
    def log(self, workload, exchange):
        """A project with the workload's views and an empty log, which goes afterwards."""
        logs = [{"exchange": exchange, "partitions": getattr(workload, "partitions", 1)}]
        with fanfold.Project(self.servers, exchange, workload.views(exchange), logs) as project:
            project.setup()
            yield project
            with self.servers.amqp() as connection:
                channel = connection.channel()
                channel.queue_delete(project.partition)
                channel.exchange_delete(exchange)

    def publish(self, project, workload):
        """A `fanfold publish` that has just started."""
        with open(self.file(workload), "rb") as events:
            return Program([fanfold.binary(), "publish", "--config", project.config, "-e", project.exchange],
                           stdin=events, env=self.servers.env("publisher"))

    @staticmethod
    def program(name):
        """The path of a program of the benchmark."""
        return pathlib.Path(os.environ.get("FANFOLD_BENCH_BIN", fanfold.SOURCE / "build/dev/tests/bench"), name)

    def started(self, name, *arguments):
        """A program of the benchmark, which has just started."""
        return Program([self.program(name), *arguments])

    def null_read(self, project, workload, *file):
        return self.started("null_reader", self.servers.worker_amqp, project.partition, workload.count, *file)

    def null_publish(self, project, workload, *window_and_rows):
        return self.started("null_publisher", self.servers.publisher_amqp, project.exchange, workload.count,
                            *window_and_rows)

    def empty_redis(self):
        with self.servers.redis() as redis:
            redis.flushall()

    def await_streaming(self, worker, views):
        """Until the worker has come to the end of an empty log, for all views."""
        fanfold.poll(lambda: worker.log().count("-> streaming") >= views or not worker.is_running(), TIMEOUT,
                     "the worker to stream")
        if not worker.is_running():
            raise AssertionError("a worker ended: " + worker.log()[-1000:])

    def await_views(self, project, workload):
        """Until each view has dealt with all events."""
        with self.servers.redis() as redis:
            for name in workload.view_names:
                def is_done():
                    return dealt_with(redis, name) >= workload.count or not running(project)
                fanfold.poll(is_done, TIMEOUT, f"view {name}", pause=0.01)
        if not running(project):
            raise AssertionError("a worker ended: " + project.workers[0].log()[-1000:])

    def folded(self, workload):
        """How many events the first of its views has dealt with."""
        with self.servers.redis() as redis:
            return dealt_with(redis, workload.view_names[0])

    def check(self, workload, prefix=None, expected=None):
        """Compares what is in Redis with what was published. prefix: of the rows, if not the workload's own;
        expected: if not what the rows of its own views add up to."""
        prefix = prefix or getattr(workload, "prefix", None)
        arguments = [text for pair in workload.patterns(prefix).items() for text in pair]
        with self.servers.redis() as redis:
            answer = redis.eval(TOTALS, 0, *arguments)
        found = {name: int(value) for name, value in zip(answer[::2], answer[1::2]) if int(value)}
        expected = expected or self.expected[workload.name]
        if wrong := {name: (found.get(name, 0), right) for name, right in expected.items()
                     if found.get(name, 0) != right}:
            raise Wrong("; ".join(f"{name} adds up to {is_} instead of {right}"
                                  for name, (is_, right) in wrong.items()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()
