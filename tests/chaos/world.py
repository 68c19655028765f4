"""What a chaos run plays with: servers, workers behind proxies, publishers."""
import contextlib
import json

import fanfold
import flow
import publishers
import recorded
from proxy import Proxy

WORKERS = ("w1", "w2", "w3")
PREFIX = "chaos-"


class World:
    def __init__(self, seed, partitions):
        self.stack = contextlib.ExitStack()
        self.servers = self.stack.enter_context(fanfold.Servers())
        settings = self.servers.settings()
        self.ports = {"amqp": int(settings["AMQP_PORT"]), "redis": int(settings["REDIS_PORT"])}
        self.names = flow.RECORDED if partitions > 1 else flow.NAMES
        exchange = PREFIX + "events"
        self.project = self.stack.enter_context(fanfold.Project(
            self.servers, exchange, flow.views(exchange, PREFIX, self.names),
            [{"exchange": exchange, "partitions": partitions}]))
        self.project.setup()
        self.servers.keep_declarations()
        self.log = recorded.Log(self.servers, exchange, partitions)
        self.numbers = [1, partitions, partitions + 1] if partitions > 1 else [1]
        self.views = [PREFIX + name for name in self.names]
        self.proxies = {(who, server): self.stack.enter_context(Proxy(port))
                        for who in (*WORKERS, "publisher") for server, port in self.ports.items()}
        self.workers = {}
        for name in WORKERS:
            self.start_worker(name)
        bad = partitions == 1  # partitions where events are parked are not left
        self.ours = publishers.Ours(self.project, self.url("publisher", "amqp", "publisher"), seed, bad)
        self.foreign = publishers.Foreign(self.servers, self.project.exchange, seed + 1, bad)
        self.publishers = (self.ours, self.foreign)
        for publisher in self.publishers:
            publisher.start()

    def url(self, who, server, user):
        """The server's address as this user, through the proxy of `who`."""
        direct = getattr(self.servers, f"{user}_{server}")
        return direct.replace(f":{self.ports[server]}/", f":{self.proxies[who, server].port}/")

    def start_worker(self, name):
        self.workers[name] = self.stack.enter_context(fanfold.Worker(
            self.project.config, name, {"FANFOLD_AMQP_URL": self.url(name, "amqp", "worker"),
                                        "FANFOLD_REDIS_URL": self.url(name, "redis", "worker")}))

    def redis(self):
        return self.servers.redis()

    def counts(self):
        """{view: how many events it has dealt with}."""
        return {view: sum(self.project.tally(view).values()) for view in self.views}

    def owned(self, name):
        """The views of which the worker holds tasks."""
        return sorted({view for (view, _), owner in self.project.task_owners().items()
                       if owner.split(" ")[0] == name})

    def in_force(self):
        """The numbers of partitions that views are folded by."""
        with self.redis() as redis:
            found = [redis.hget("fanfold:cursor:" + view, "definition") for view in self.views]
        return {json.loads(text)["logs"][0].get("partitions", 1) for text in found}

    def recorders(self, count):
        """(worker, pid) of each recorder for so many partitions."""
        return [(name, pid) for name, worker in self.workers.items()
                for pid, partitions in recorded.children(worker.pid).items() if partitions == count]

    def recording(self, count):
        """(worker, pid) of the one that records; None: none does now."""
        return next((found for found in self.recorders(count) if recorded.records(found[1], count)), None)

    def go_over(self, count):
        """Another number of partitions, by configuration and setup."""
        config = json.loads(self.project.config.read_text())
        config["logs"][0]["partitions"] = count
        beside = self.project.config.with_suffix(".new")
        beside.write_text(json.dumps(config))
        beside.replace(self.project.config)
        done = self.project.cli("setup")
        self.log.set(count)
        if done.code != 0 or done.err.count("goes over") != len(self.views):
            raise AssertionError(f"setup: exit {done.code}: {done.err}; {self.where()}")

    def await_progress(self, views=None, deadline=120, what="every view"):
        """Until these views are further than now: the fault is over."""
        before = self.counts()
        fanfold.poll(lambda: all(self.counts()[view] > before[view] for view in views or self.views),
                     deadline, f"progress of {what}; {self.where()}", pause=0.1)

    def where(self):
        return f"logs in {self.project.folder}"

    def check_running(self):
        for publisher in self.publishers:
            if publisher.failure:
                raise publisher.failure
        for name, worker in self.workers.items():
            if not worker.is_running():
                raise AssertionError(f"worker {name} ended:\n{worker.log()[-3000:]}")

    def end_publishing(self):
        for publisher in self.publishers:
            publisher.ending.set()
        for publisher in self.publishers:
            publisher.join(180)
            if publisher.is_alive():
                raise AssertionError(f"{type(publisher).__name__} does not get through to the end")
        self.check_running()

    def __enter__(self):
        return self

    def __exit__(self, failed, *rest):
        if failed and hasattr(self, "publishers"):
            for publisher in self.publishers:
                publisher.ending.set()
        self.stack.__exit__(failed, *rest)
