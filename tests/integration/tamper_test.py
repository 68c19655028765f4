"""What somebody changes in the rows of a view by hand, in each structure and in each way: `fanfold verify` finds
exactly these rows, and so does a comparison with the same view in another database; a rebuild mends them."""
import json
import unittest
import urllib.parse
import uuid

import fanfold
import verbs

EVENTS, OTHER_DATABASE = 2000, 9
KINDS = ("changed", "only_live", "only_new")
WAYS = ("hashes", "lists", "texts", "zsets", "sets", "expiries")
VIEWS = ("fields", "recent", "ranks", "tags", "totals", "newest")


class Elsewhere(fanfold.Addresses):
    """The same servers, another database of Redis."""

    def __init__(self, one):
        super().__init__(**{name: url if "amqp" in name else
                            urllib.parse.urlsplit(url)._replace(path=f"/{OTHER_DATABASE}").geturl()
                            for name, url in vars(one).items()})


class Tamper(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.prefix = "tamper-" + uuid.uuid4().hex[:8] + "-"
        self.world = verbs.World(self.prefix, seed=5)
        self.name, self.exchange = self.prefix + "all", self.world.exchanges[0]
        self.project = self.enterContext(fanfold.Project(
            fanfold.suite(), self.exchange, [self.view()]).declared(self.prefix))
        self.redis = self.enterContext(fanfold.suite().redis())
        self.twin = self.enterContext(fanfold.Project(Elsewhere(fanfold.suite()), self.exchange, [self.view()]))
        self.other = self.enterContext(self.twin.addresses.redis())
        self.addCleanup(self.remove_twin)

    def remove_twin(self):
        """The database is this test's alone."""
        self.twin.kill_workers()
        self.other.flushdb()

    def view(self):
        """The actions of all views in one."""
        on = {}
        for name in VIEWS:
            for pattern, actions in self.world.view(name)["on"].items():
                on.setdefault(pattern, []).extend(actions)
        return {"view": self.name, "exchange": self.exchange, "on": on}

    def rows(self, redis=None):
        redis = redis or self.redis
        return verbs.snapshot(redis, sorted(redis.scan_iter(self.prefix + "*", count=1000)))

    # --- what somebody does -----------------------------------------------------------------------------

    def some(self, kind, key="", least=1):
        """A row of its own each time: of this type, whose key begins so and that has so many entries."""
        for name, row in self.before.items():
            if row.type == kind and name.startswith(self.prefix + key) and name not in self.taken and \
                    (isinstance(row.value, (str, int)) or len(row.value) >= least):
                self.taken.add(name)
                return name, row
        raise AssertionError(f"no row {key} of type {kind}")

    def hashes(self):
        for change in (lambda key, row: self.redis.hset(key, "n", "0"),
                       lambda key, row: self.redis.hset(key, "extra", ""),
                       lambda key, row: self.redis.hdel(key, sorted(row.value)[0]),
                       lambda key, row: self.redis.hset(key, "cents", row.value["cents"] + " "),
                       lambda key, row: self.redis.hset(key, "flag", "True")):
            key, row = self.some("hash", "fields:")
            change(key, row)
            yield key, "changed"
        key, row = self.some("hash", "fields:")
        name, other = sorted(row.value)[:2]  # two values exchanged
        self.redis.hset(key, mapping={name: row.value[other], other: row.value[name]})
        yield key, "changed"
        key, _ = self.some("hash", "reading:")
        self.redis.hset(key, "half", "other")
        yield key, "changed"
        key, row = self.some("hash", "options:")
        self.redis.delete(key)
        self.redis.set(key, json.dumps(row.value))
        yield key, "changed"
        key, _ = self.some("hash", "total:")
        self.redis.delete(key)
        yield key, "only_new"
        self.redis.hset(self.prefix + "stock:none", "units", "1")
        yield self.prefix + "stock:none", "only_live"

    def lists(self):
        for change in (lambda key: self.redis.lpush(key, "9"), lambda key: self.redis.rpop(key),
                       lambda key: self.redis.lmove(key, key, "LEFT", "RIGHT"),
                       lambda key: self.redis.lset(key, -1, "9")):
            key, _ = self.some("list", "recent:", 3)
            change(key)
            yield key, "changed"

    def texts(self):
        key, row = self.some("string", "state:")
        self.redis.set(key, row.value.replace('"n":', '"n": '))
        yield key, "changed"
        key, _ = self.some("string", "status:")
        self.redis.set(key, "null")
        yield key, "changed"
        key, _ = self.some("string", "state:")
        self.redis.append(key, " ")
        yield key, "changed"
        key, _ = self.some("string", "units")
        self.redis.decr(key)
        yield key, "changed"
        key, _ = self.some("string", "notes:")
        self.redis.set(key, "7.0", keepttl=True)
        yield key, "changed"

    def zsets(self):
        key, row = self.some("zset", "scores:", 2)
        (one, first), (two, second) = sorted(row.value.items(), key=lambda entry: entry[1])[::len(row.value) - 1]
        self.redis.zadd(key, {one: second, two: first})
        yield key, "changed"
        for change in (lambda key, row: self.redis.zadd(key, {"extra": 1}),
                       lambda key, row: self.redis.zincrby(key, 1e-9, "a" if "a" in row.value else "n"),
                       lambda key, row: self.redis.zrem(key, "n")):
            key, row = self.some("zset", "scores:", 2)
            change(key, row)
            yield key, "changed"
        key, row = self.some("zset", "lately")
        self.redis.zincrby(key, -1, min(row.value))
        yield key, "changed"
        key, row = self.some("zset", "standing")
        self.redis.zrem(key, min(row.value))
        yield key, "changed"
        self.redis.zadd(self.prefix + "best:none", {"": 0})
        yield self.prefix + "best:none", "only_live"

    def sets(self):
        for change in (lambda key, row: self.redis.sadd(key, ""), lambda key, row: self.redis.srem(key, min(row.value)),
                       lambda key, row: (self.redis.srem(key, min(row.value)), self.redis.sadd(key, "x"))):
            key, row = self.some("set", "codes:", 2)
            change(key, row)
            yield key, "changed"
        key, _ = self.some("set", "active")
        self.redis.delete(key)
        yield key, "only_new"
        key, _ = self.some("hll", "distinct:")
        self.redis.pfadd(key, *range(100))
        yield key, "changed"
        key, _ = self.some("hll", "distinct:")
        self.redis.delete(key)
        self.redis.pfadd(key, "one")
        yield key, "changed"

    def expiries(self):
        for change in (lambda key, row: self.redis.pexpireat(key, row.expires + 1),
                       lambda key, row: self.redis.pexpireat(key, row.expires - 1000),
                       lambda key, row: self.redis.persist(key)):
            for kind, of in (("list", "daily:2098"), ("hash", "seen:"), ("string", "session:")):
                key, row = self.some(kind, of)
                change(key, row)
                yield key, "changed"
        key, _ = self.some("hash", "fields:")
        self.redis.pexpireat(key, verbs.START)
        yield key, "changed"

    # --- what Fanfold finds -----------------------------------------------------------------------------

    def verify(self, project, *args):
        done = project.cli("verify", self.name, "--json", *args, timeout=120)
        self.assertIn(done.code, (0, 1), done.err + project.worker_logs())
        return done.code, json.loads(done.out)

    def counts(self, what):
        return {kind: list(what.values()).count(kind) for kind in KINDS}

    def assert_verified(self, what):
        """By a fold of the log."""
        code, answer = self.verify(self.project)
        self.assertEqual((code, {row["key"] for row in answer["differences"]}), (1 if what else 0, set(what)))
        self.assertEqual({kind: answer[kind] for kind in KINDS}, self.counts(what))
        self.assertEqual(answer["same"], len(self.before) - sum(kind != "only_live" for kind in what.values()))

    def assert_as_the_twin(self, what):
        """Row by row with the other database."""
        code, answer = self.verify(self.project, *self.against(self.twin.addresses))
        found = {key: kind for kind, member in zip(KINDS, ("changed", "only_here", "only_there"))
                 for key in answer[member]}
        self.assertEqual((code, found, answer["different"]), (1 if what else 0, what, len(what)))

    def against(self, addresses):
        """Without a login: that of the first is taken."""
        url = urllib.parse.urlsplit(addresses.operator_redis)
        return "--against", f"redis://{url.hostname}:{url.port}{url.path}"

    def undo(self, keys, dumps):
        for key in keys:
            self.redis.delete(key)
            if dumps.get(key):
                bytes_, expires = dumps[key]
                self.raw.restore(key, max(expires, 0), bytes_, absttl=expires > 0)

    def test_what_is_changed_by_hand(self):
        self.raw = self.enterContext(fanfold.redis_py.Redis.from_url(fanfold.suite().operator_redis))
        self.project.publish(self.world.more(EVENTS, 0)[self.exchange])
        for project, name in ((self.project, "a"), (self.twin, "b")):
            project.worker(self.prefix + name)
            project.wait_for([self.name], len(self.world.published[self.exchange]))
        self.before = self.rows()
        self.assertEqual(self.rows(self.other), self.before)
        dumps = {key: (self.raw.dump(key), row.expires) for key, row in self.before.items()}
        self.assert_verified({})
        self.assert_as_the_twin({})

        for way in WAYS:
            with self.subTest(way):
                self.taken = set()
                what = dict(getattr(self, way)())
                self.assert_verified(what)
                self.assert_as_the_twin(what)
                self.undo(what, dumps)
                self.assertEqual(self.rows(), self.before)

        self.taken = set()
        what = {key: kind for way in WAYS for key, kind in getattr(self, way)()}
        rebuilt = self.project.cli("rebuild", self.name, "--yes", "--json", timeout=120)
        self.assertEqual(rebuilt.code, 0, rebuilt.err)
        answer = json.loads(rebuilt.out)
        self.assertEqual({kind: answer[kind] for kind in KINDS}, self.counts(what))
        self.assertEqual(self.rows(), self.before)
        self.assert_as_the_twin({})


if __name__ == "__main__":
    unittest.main()
