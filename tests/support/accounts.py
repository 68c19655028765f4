"""Transfers between accounts, a view of the balances, its naive fold, and a reader that looks at them all
the while.

    accounts = accounts.Accounts("x1-", count=200)
    project = fanfold.Project(servers, accounts.exchange, [accounts.view(1)])
    project.publish(accounts.more(1000))
    with accounts.reader(project) as reader:
        …                                   rebuild with accounts.view(2)
    reader.verdict()                        fails if any look saw rows that cannot be

What a look of the reader (MULTI … EXEC, so one moment) must see, whatever goes on: all GROUP rows there;
each with the version of the generation that the cursor names; the sum of the balances nothing, as each
event moves n from one account of the group to another; no count of a row, and no offset of the cursor, lower
than at the look before.
"""
import collections
import multiprocessing
import random
import threading
import time

GROUP = 200
TOLD_MOST = 5
PORTION = 200


class Accounts:
    def __init__(self, prefix, count=GROUP, seed=1):
        assert count % GROUP == 0
        self.prefix, self.count = prefix, count
        self.name, self.exchange = prefix + "v", prefix + "events"
        self.partition = self.exchange + ".log.0"
        self.chance = random.Random(seed)
        self.log = []

    def key(self, account):
        return f"{self.prefix}account:{account}"

    def view(self, version):
        """Balances are in units of 1/version, so that rows of two generations do not add up."""
        def change(verb, pointer):
            return {"hash": self.prefix + "account:{%s}" % pointer, "set": {"version": str(version)},
                    "add": {"events": 1, "balance": {"product": ["/data/n", version if verb == "add" else -version]}}}
        return {"view": self.name, "exchange": self.exchange,
                "on": {"moved": [change("subtract", "/data/from"), change("add", "/data/to")]}}

    def more(self, count):
        """The next events of the log. The first `self.count` of them touch every account."""
        begin, made = len(self.log), []
        for n in range(begin, begin + count):
            a = n if n < self.count else self.chance.randrange(self.count)
            b = a // GROUP * GROUP + (a % GROUP + self.chance.randrange(1, GROUP)) % GROUP
            made.append({"specversion": "1.0", "id": f"{n}", "source": "/accounts", "type": "moved",
                         "data": {"from": a, "to": b, "n": self.chance.randrange(1000)}})
        self.log += made
        return made

    def naive(self, version):
        balance, events = collections.Counter(), collections.Counter()
        for event in self.log:
            a, b, n = (event["data"][name] for name in ("from", "to", "n"))
            balance[a] -= n * version
            balance[b] += n * version
            events[a] += 1
            events[b] += 1
        return {self.key(a): {"balance": str(balance[a]), "events": str(events[a]), "version": str(version)}
                for a in events}

    def reader(self, project):
        return Reader(self, project)


class Traffic:
    """Publishes a portion of events every tenth of a second until it is told to end."""

    def __init__(self, project, bank):
        self.project, self.bank, self.over = project, bank, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with self.project.publishing() as publishing:
            while not self.over.wait(0.1):
                publishing.write(self.bank.more(PORTION))
            self.result = publishing.finish()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Reader:
    """A process that reads the first GROUP rows again and again. versions of generations: of generation g it
    is what `generations` says, by default g."""

    def __init__(self, accounts, project, generations=None):
        self.accounts, self.url = accounts, project.addresses
        self.generations = generations or {}
        self.ours, theirs = multiprocessing.get_context("fork").Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=self._read, args=(theirs,), daemon=True)

    def __enter__(self):
        self.process.start()
        assert self.ours.recv() == "reading"
        return self

    def __exit__(self, *_):
        self.ours.send("end")
        self.found = self.ours.recv()
        self.process.join(10)

    def verdict(self):
        """Fails, or returns {"looks", "longest_ms", "switch_ms", "held_ms", "generations"}: how often it looked,
        how long a look took at most and how long the first one that saw the last generation, how long commits
        were held in all, which generations it saw."""
        if self.found["wrong"]:
            raise AssertionError("\n".join(self.found["wrong"]))
        return self.found

    def _look(self, pipeline):
        pipeline.hmget("fanfold:cursor:" + self.accounts.name, "epoch", self.accounts.partition,
                       self.accounts.partition + "/hold")
        for account in range(GROUP):
            pipeline.hgetall(self.accounts.key(account))
        return pipeline.execute()

    def _faults(self, cursor, rows, before):
        generation = int(cursor[0].split(".")[0])
        version = str(self.generations.get(generation, generation))
        if not all(rows):
            yield f"{sum(not row for row in rows)} rows are not there"
            return
        versions = collections.Counter(row["version"] for row in rows)
        if set(versions) != {version}:
            yield f"generation {generation}, versions {dict(versions)}"
        total = sum(int(row["balance"]) for row in rows)
        if total:
            yield f"the balances are {total} in all"
        offset, counts = int(cursor[1].split()[1]), [int(row["events"]) for row in rows]
        if before and (offset < before[0] or any(new < old for new, old in zip(counts, before[1]))):
            yield f"the view stepped back, from offset {before[0]} to {offset}"

    def _read(self, pipe):
        with self.url.redis() as redis:
            found = {"looks": 0, "longest_ms": 0.0, "held_ms": 0.0, "generations": [], "wrong": []}
            before, last = None, time.monotonic()
            while not pipe.poll():
                begin = time.monotonic()
                cursor, *rows = self._look(redis.pipeline(transaction=True))
                end = time.monotonic()
                found["looks"] += 1
                found["longest_ms"] = max(found["longest_ms"], (end - begin) * 1000)
                if cursor[2] and int(cursor[2].split()[0]) > time.time() * 1000:
                    found["held_ms"] += (end - last) * 1000
                last = end
                wrong = list(self._faults(cursor, rows, before))
                if not wrong:
                    before = int(cursor[1].split()[1]), [int(row["events"]) for row in rows]
                if len(found["wrong"]) < TOLD_MOST:
                    found["wrong"] += wrong
                generation = cursor[0].split(".")[0]
                if generation not in found["generations"]:
                    found["generations"].append(generation)
                    found["switch_ms"] = (end - begin) * 1000  # it has waited for the switch
                if found["looks"] == 1:
                    pipe.send("reading")
                time.sleep(0.002)
            pipe.recv()
            pipe.send(found)
