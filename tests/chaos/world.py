"""What a chaos run plays with: servers, workers behind proxies, publishers."""
import contextlib

import fanfold
import flow
import publishers
from proxy import Proxy

WORKERS = ("w1", "w2", "w3")
PREFIX = "chaos-"


class World:
    def __init__(self, seed):
        self.stack = contextlib.ExitStack()
        self.servers = self.stack.enter_context(fanfold.Servers())
        settings = self.servers.settings()
        self.ports = {"amqp": int(settings["AMQP_PORT"]), "redis": int(settings["REDIS_PORT"])}
        self.project = self.stack.enter_context(
            fanfold.Project(self.servers, PREFIX + "events", flow.views(PREFIX + "events", PREFIX)))
        self.project.setup()
        self.views = [PREFIX + name for name in flow.NAMES]
        self.proxies = {(who, server): self.stack.enter_context(Proxy(port))
                        for who in (*WORKERS, "publisher") for server, port in self.ports.items()}
        self.workers = {}
        for name in WORKERS:
            self.start_worker(name)
        self.ours = publishers.Ours(self.project, self.url("publisher", "amqp", "publisher"), seed)
        self.foreign = publishers.Foreign(self.servers, self.project.exchange, seed + 1)
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

    def cursors(self):
        """{view: offset} of the views that have one."""
        with self.redis() as redis:
            found = {view: redis.hget("fanfold:cursor:" + view, self.project.partition)
                     for view in self.views}
        return {view: int(position.split()[1]) for view, position in found.items() if position}

    def owned(self, name):
        return [view for view, owner in self.project.owners().items() if owner.split(" ")[0] == name]

    def await_progress(self, views=None, deadline=120, what="every view"):
        """Until these views are further than now: the fault is over."""
        before = self.cursors()
        fanfold.poll(lambda: all(self.cursors().get(view, -1) > before.get(view, -1)
                                 for view in views or self.views),
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
