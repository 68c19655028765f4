#!/usr/bin/python3
"""What a change costs inside Redis: the commit script, and beside it the least that could be done.

    script_cost.py [--changes N] [--rounds N] [--batches N]

Additions to one field of a hash, in batches of 400 changes, to 50 rows and to 4,000, on a Redis of its own
without persistence. The same requests go to three scripts:

    delta       HINCRBY for each change, without any check
    absolute    reads each row, computes, writes it once; without any check
    commit      commit.lua: the same with the commit rule, the checks of rows and totals, and the position

Microseconds a change are Redis' own (INFO commandstats): no client is in them. Rounds of all are interleaved;
the median, and the spread. DESIGN section 11 has such figures.
"""
import argparse
import collections
import itertools
import json
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import redis

from wrong import Wrong

CHANGES, BATCHES = 400, 100
Options = collections.namedtuple("Options", "changes batches")  # changes: in a batch; batches: counted in a round
STORE = pathlib.Path(__file__).resolve().parents[2] / "workers/store"
COMMIT = "".join((STORE / f"{name}.lua").read_text()
                 for name in ("commit_rows", "commit_newest", "commit_steps", "commit"))
DELTA = """
local wire, at = cmsgpack.unpack(ARGV[6]), 1
for row = 6, #KEYS do
    local n = wire[at + 1]
    at = at + 2
    for _ = 1, n do
        redis.call('HINCRBY', KEYS[row], wire[at + 1], wire[at + 2])
        at = at + 3
    end
end
return {'ok'}
"""
ABSOLUTE = """
local wire, at, totals = cmsgpack.unpack(ARGV[6]), 1, {}
for row = 6, #KEYS do
    local n, total = wire[at + 1], tonumber(redis.call('HGET', KEYS[row], 'cents') or 0)
    at = at + 2
    for _ = 1, n do
        total = total + wire[at + 2]
        at = at + 3
    end
    totals[row] = total
end
for row = 6, #KEYS do
    redis.call('HSET', KEYS[row], 'cents', string.format('%.0f', totals[row]))
end
return {'ok'}
"""
SCRIPTS = {"delta": DELTA, "absolute": ABSOLUTE, "commit": COMMIT}
HASH, ADD_OWN_INTEGER = 0, 3 * 2 + 1  # change.h: structure; op and flag as they go over the wire
FIXED = ["fanfold:cursor:v", "fanfold:parked:v:p", "fanfold:parked-payload:v:p", "fanfold:waiting:v:p",
         "fanfold:cursor:v"]


def pack(items):
    """An array of small integers and short texts as MessagePack."""
    out = [b"\xdd" + len(items).to_bytes(4, "big")]
    for item in items:
        if isinstance(item, int):
            out.append(b"\xcd" + item.to_bytes(2, "big"))
        else:
            out.append(b"\xd9" + bytes([len(item)]) + item.encode())
    return b"".join(out)


def changes_of(dice, changes, rows):
    """(keys, wire, sum): additions to rows by chance, grouped by row as commit_request.c does it."""
    grouped = {}
    for _ in range(changes):
        grouped.setdefault(f"sums:c-{dice.randrange(rows)}", []).append(str(dice.randrange(1, 10000)))
    wire = []
    for values in grouped.values():
        wire += [HASH, len(values)]
        for value in values:
            wire += [ADD_OWN_INTEGER, "cents", value]
    return list(grouped), pack(wire), sum(int(value) for values in grouped.values() for value in values)


class Server:
    """A Redis of its own, reached by a socket in its folder."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fanfold-script-cost-")
        path = f"{self.folder.name}/redis.sock"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
             "--dir", self.folder.name], stdout=subprocess.DEVNULL)
        self.redis = redis.Redis(unix_socket_path=path)
        for _ in range(200):
            if self.answers(path):
                return self.redis
            time.sleep(0.05)
        raise RuntimeError("redis-server does not answer")

    def answers(self, path):
        try:
            return pathlib.Path(path).exists() and self.redis.ping()
        except redis.ConnectionError:
            return False

    def __exit__(self, *_):
        self.redis.close()
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class Lane:
    """One script with one number of rows."""

    def __init__(self, server, name, script, rows, options):
        self.server, self.name, self.rows, self.options = server, name, rows, options
        self.sha = server.script_load(script)
        dice = random.Random(1)
        self.batches = [changes_of(dice, options.changes, rows) for _ in range(options.batches)]

    def run(self):
        """A round, from an empty Redis: every batch twice, the second time with all rows there, which is
        what is counted. Microseconds a change."""
        self.server.flushdb()
        position = ""
        for offset in itertools.count():
            turn, which = divmod(offset, len(self.batches))
            if turn == 2:
                break
            if offset == len(self.batches):
                self.server.config_resetstat()
            keys, wire, _ = self.batches[which]
            to = f"1.d {offset} 0 0"
            answer = self.server.evalsha(self.sha, 5 + len(keys), *FIXED, *keys, "p", position, to, "", "",
                                         wire, "", "" if position else "{}", "")
            assert answer[0] == b"ok", answer
            position = to
        stats = self.server.info("commandstats")["cmdstat_evalsha"]
        assert stats["calls"] == len(self.batches), stats
        self.check()
        return stats["usec"] / stats["calls"] / self.options.changes


    def check(self):
        """The rows add up to all changes, twice."""
        rows = self.server.pipeline(transaction=False)
        for key in self.server.scan_iter("sums:*", count=1000):
            rows.hget(key, "cents")
        found, right = sum(map(int, rows.execute())), 2 * sum(total for _, _, total in self.batches)
        if found != right:
            raise Wrong(f"the rows add up to {found} instead of {right}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=CHANGES, help="in a batch")
    parser.add_argument("--batches", type=int, default=BATCHES, help="counted in a round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with Server() as server:
        lanes = [Lane(server, name, script, rows, options)
                 for rows in (50, 4000) for name, script in SCRIPTS.items()]
        rounds = [[lane.run() for lane in lanes] for _ in range(options.rounds)]
    for lane, figures in zip(lanes, zip(*rounds)):
        print(json.dumps({"script": lane.name, "rows": lane.rows, "changes": options.changes,
                          "us_per_change": round(statistics.median(figures), 3),
                          "least": round(min(figures), 3), "most": round(max(figures), 3)}))


if __name__ == "__main__":
    main()
