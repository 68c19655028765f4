"""Generated events, six views over them that use most structures and verbs, and their naive fold.

    events = flow.events(1000, seed=7)
    project = fanfold.Project(servers, exchange="flow.a", views=flow.views("flow.a", "a-"))
    …
    project.rows("a-") == flow.fold(log, "a-").rows

Most views depend on the order of events, so an event that is lost, counted twice or folded out of turn
shows. One event in a hundred is a resend of an earlier one, and one in ten thousand cannot be folded.
fold() is written from what the view files mean, not from how Fanfold works.
"""
import collections
import json
import random

NAMES = ("sums", "last", "ranks", "counts", "users", "state")
RECORDED = ("sums", "last", "counts", "state")  # those that may be folded by several partitions
SUBJECTS, USERS, KEPT_BEST, KEPT_RECENT = 400, 2000, 10, 3
RESEND_EVERY, RESEND_REACH, BAD_EVERY = 100, 5000, 10000


def events(count, seed, start=0, bad=True):
    """`count` events, some of which are others again; their ids begin at `start`. bad: and some cannot be
    folded."""
    chance = random.Random(seed)
    made = []
    for n in range(start, start + count):
        if made and chance.randrange(RESEND_EVERY) == 0:
            made.append(made[-chance.randint(1, min(len(made), RESEND_REACH))])
            continue
        kind = chance.choices(("moved", "named", "closed"), (80, 17, 3))[0]
        data = {"n": n, "amount": chance.randint(-500, 1000), "user": f"u{chance.randrange(USERS)}"}
        if kind == "named":
            data["name"] = chance.choice(("Ørsted", "O'Hara \"Bo\"", "", "李", "a" * 40))
        if chance.randrange(BAD_EVERY) == 0 and bad:
            del data["n"]
        made.append({"specversion": "1.0", "id": f"flow-{n}", "source": "/flow", "type": "flow." + kind,
                     "subject": f"s{chance.randrange(SUBJECTS)}",
                     "time": f"2026-03-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:00Z", "data": data})
    return made


def views(exchange, prefix, names=NAMES):
    """View files as objects. prefix: what the names of the views and the keys of their rows begin with.
    names: which of the views."""
    def view(name, on):
        return {"view": prefix + name, "exchange": exchange, "on": on}

    last, recent = prefix + "last:{subject}", prefix + "recent:{subject}"
    made = [
        view("sums", {"flow.moved": [{"hash": prefix + "sum:{subject}",
                                      "add": {"amount": "/data/amount", "events": 1}}]}),
        view("last", {"flow.closed": [{"list": recent, "delete": True},
                                      {"hash": last, "remove": ["name"]}],
                      "flow.*": [{"hash": last, "set": {"n": "/data/n", "name": "/data/name?"},
                                  "set_once": {"first": "/data/n"}},
                                 {"list": recent, "push": "/data/n", "keep": KEPT_RECENT}]}),
        view("ranks", {"flow.moved": [
            {"zset": prefix + "ranks", "add": {"{subject}": "/data/amount"}},
            {"zset": prefix + "best", "max": {"{/data/user}": "/data/amount"}, "keep": KEPT_BEST},
            {"zset": prefix + "days:{time:day}", "score": {"{subject}": "/data/amount"}}]}),
        view("counts", {"*": [{"counter": prefix + "all", "add": 1},
                              {"counter": prefix + "of:{type}", "add": "/data/amount"}]}),
        view("users", {"flow.moved": [{"set": prefix + "users", "include": ["/data/user"]}],
                       "flow.closed": [{"set": prefix + "users", "exclude": ["/data/user"]}]}),
        view("state", {"flow.named": [{"json": prefix + "state:{subject}",
                                       "put": {"object": {"n": "/data/n", "name": "/data/name"}}}]}),
    ]
    return [view for name, view in zip(NAMES, made) if name in names]


Fold = collections.namedtuple("Fold", "rows parked duplicates")


def fold(log, prefix, names=NAMES):
    """log: the events in the log's order. rows as fanfold.rows() has them; parked by view name. names:
    which of the views."""
    seen, unique = set(), []
    for event in log:
        if event["id"] not in seen:
            seen.add(event["id"])
            unique.append(event)
    rows, parked = {}, collections.Counter()
    for name in names:
        rows_of, parked_of = globals()["_fold_" + name](unique)
        rows.update({prefix + key: row for key, row in rows_of.items() if row not in ({}, [], set())})
        parked[prefix + name] = parked_of
    return Fold(rows, dict(parked), len(log) - len(unique))


def wrong(rows, expected, most=5):
    """{key: (row, expected row)} of those that differ, but no more than a person wants to see (unittest
    would compare thousands of rows for minutes)."""
    keys = sorted(key for key in rows.keys() | expected.keys() if rows.get(key) != expected.get(key))
    return {key: (rows.get(key), expected.get(key)) for key in keys[:most]}


def _fold_sums(events):
    sums = collections.defaultdict(lambda: [0, 0])
    for event in events:
        if event["type"] == "flow.moved":
            row = sums["sum:" + event["subject"]]
            row[0] += event["data"]["amount"]
            row[1] += 1
    return {key: {"amount": str(a), "events": str(n)} for key, (a, n) in sums.items()}, 0


def _fold_last(events):
    """Events of a subject wait behind one of it that could not be folded."""
    rows, waiting, parked = {}, set(), 0
    for event in events:
        subject, data = event["subject"], event["data"]
        if "n" not in data:
            waiting.add(subject)
        if subject in waiting:
            parked += 1
            continue
        last = rows.setdefault("last:" + subject, {})
        recent = rows.setdefault("recent:" + subject, [])
        if event["type"] == "flow.closed":
            recent.clear()
            last.pop("name", None)
        last["n"] = str(data["n"])
        if "name" in data:
            last["name"] = data["name"]
        last.setdefault("first", str(data["n"]))
        recent.insert(0, str(data["n"]))
        del recent[KEPT_RECENT:]
    return rows, parked


def _fold_ranks(events):
    ranks, best, days = collections.Counter(), {}, {}
    for event in events:
        if event["type"] == "flow.moved":
            amount, user = event["data"]["amount"], event["data"]["user"]
            ranks[event["subject"]] += amount
            best[user] = max(best.get(user, amount), amount)
            days.setdefault("days:" + event["time"][:10], {})[event["subject"]] = amount
    kept = sorted(best, key=lambda user: (best[user], user))[-KEPT_BEST:]
    return {"ranks": dict(ranks), "best": {user: best[user] for user in kept}, **days}, 0


def _fold_counts(events):
    sums = collections.Counter()
    for event in events:
        sums["all"] += 1
        sums["of:" + event["type"]] += event["data"]["amount"]
    return {key: str(number) for key, number in sums.items()}, 0


def _fold_users(events):
    users = set()
    for event in events:
        if event["type"] == "flow.moved":
            users.add(event["data"]["user"])
        elif event["type"] == "flow.closed":
            users.discard(event["data"]["user"])
    return {"users": users}, 0


def _fold_state(events):
    """A document whose event lacks a part is not put, and later ones of its subject wait."""
    rows, waiting, parked = {}, set(), 0
    for event in events:
        if event["type"] != "flow.named":
            continue
        if "n" not in event["data"]:
            waiting.add(event["subject"])
        if event["subject"] in waiting:
            parked += 1
            continue
        rows["state:" + event["subject"]] = {"n": event["data"]["n"], "name": event["data"]["name"]}
    return {key: json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            for key, row in rows.items()}, parked
