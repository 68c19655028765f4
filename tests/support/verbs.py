"""Views that together use every structure and verb of the view language, events for them, and their fold in
plain Python, with parking, retries and drops.

    world = verbs.World("x1-", seed=7)
    project = fanfold.Project(servers, logs=world.logs(), views=world.views())
    world.more(14000, 6000)                {exchange: events to publish}
    model = verbs.Model(world, "fields")   one view
    model.log()                            folds what the logs hold more than before
    model.retry(), model.drop(place)       what `fanfold parked` does; place: (partition, offset)
    model.rows(), snapshot(redis, keys)    {key: Row(type, value, expires)}; Redis calls a counter and a json
                                           "string", and has the count of a hll
    model.again()                          a Model that folds from the beginning, without what was dropped

The fold is written from what README says of the language, not from how Fanfold works: one function a view,
an event after the other, and what an event changed is taken back when it cannot be folded.
"""
import calendar
import collections
import datetime
import decimal
import json
import random
import re

FULL = 2 ** 53
SUBJECTS, USERS, GATES = 150, 300, 10
CLOSED = (8, 9)  # the gates that are closed for a while
POISON_EVERY, RESEND_EVERY, RESEND_REACH = 250, 100, 3000
START = calendar.timegm((2098, 3, 1, 0, 0, 0)) * 1000  # rows that expire must be there to be compared
LONG_AGO = calendar.timegm((2001, 1, 1, 0, 0, 0)) * 1000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SINGLE = ("fields", "recent", "ranks", "tags", "gates", "order")  # over the first exchange
SEVERAL = ("totals", "newest")  # over both
COMMUTING = ("totals", "newest")

Row = collections.namedtuple("Row", "type value expires")  # expires: Unix milliseconds, -1 never


class Parks(Exception):
    """The event at hand cannot be folded."""


# --- values --------------------------------------------------------------------------------------------

def text(value):
    """RFC 8785, a text without its quotes."""
    return value if isinstance(value, str) else canonical(value)


def canonical(value):
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in sorted(value))
    if isinstance(value, list):
        return "[%s]" % ",".join(map(canonical, value))
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else re.sub("e-0", "e-", repr(value))
    return json.dumps(value, ensure_ascii=False)


def there(value):
    if value is None:
        raise Parks
    return value


def number(value):
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", value):
        value = json.loads(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Parks
    return exact(value)


def exact(value):
    """A value of an event whose digits would not all be kept parks it."""
    if isinstance(value, (int, float)) and value == int(value):
        within(value)
    return value


def within(value):
    if abs(value) > FULL:
        raise Parks
    return value


def integer(value):
    value = number(value)
    if value != int(value):
        raise Parks
    return int(value)


def scale(value, digits):
    scaled = decimal.Decimal(str(number(value))) * 10 ** digits
    if scaled != scaled.to_integral_value():
        raise Parks
    return within(int(scaled))


def optional(data, name):
    """What `/data/name?` gives, as a list."""
    return [text(data[name])] if name in data else []


def part_of_key(value):
    if value is None or isinstance(value, (dict, list)) or text(value) == "":
        raise Parks
    return text(value)


def milliseconds(time):
    """RFC 3339 → Unix milliseconds."""
    moment = datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def rfc3339(ms, zone=0, digits=3):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms + zone * HOUR)
    tail = f"{zone:+03}:00" if zone else "Z"
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{ms % 1000:03}" if digits else "") + tail


# --- events --------------------------------------------------------------------------------------------

class World:
    def __init__(self, prefix, seed):
        self.prefix, self.chance = prefix, random.Random(seed)
        self.exchanges = [prefix + "web", prefix + "tills"]
        self.published = {exchange: [] for exchange in self.exchanges}
        self.reused, self.number = set(), 0  # ids that came with other data once

    def logs(self):
        return [{"exchange": exchange} for exchange in self.exchanges]

    def name(self, view):
        return self.prefix + view

    def views(self):
        return [self.view(name) for name in SINGLE + SEVERAL]

    def view(self, name):
        return {"view": self.name(name), **globals()["_view_" + name](self.prefix),
                "exchange": self.exchanges if name in SEVERAL else self.exchanges[0]}

    def event(self, exchange, kind, subject, data, ms=None):
        self.number += 1
        ms = START + self.number * 1500 + self.chance.randrange(-20, 20) * MINUTE if ms is None else ms
        if self.chance.randrange(2):
            ms -= ms % 1000
        return {"specversion": "1.0", "id": f"v{self.number}", "source": "/" + exchange, "type": "verbs." + kind,
                "subject": subject, "data": data,
                "time": rfc3339(ms, self.chance.choice((0, 0, 2, -5)), digits=ms % 1000)}

    def line(self):
        chance = self.chance
        line = {"sku": f"k{chance.randrange(40)}", "quantity": chance.choice((1, 2, 3, 12, "4"))}
        if chance.randrange(3) == 0:
            line["options"] = {name: chance.choice((True, False, 3, 2.5, "ö", {"b": 1, "a": [None]}))
                               for name in chance.sample(("size", "colour", "gift"), chance.randrange(3))}
        line["parts"] = [{"codes": [f"c{chance.randrange(30)}" for _ in range(chance.randrange(3))]}
                         for _ in range(chance.randrange(3))]
        return line

    def data(self, subject):
        chance = self.chance
        data = {"n": self.number, "quantity": chance.choice((0, 1, 5, 7, 8, -3, "6")),
                "price": chance.choice((12.34, -0.5, 7, "19.99", 0.1, 1000000.01)),
                "half": chance.choice((12.5, -3.25, 0.1, 12.0, 7, -0.0, 1.5e-7, -40, 123456.75)),
                "field": chance.choice("abcde"), "user": f"u{chance.randrange(USERS)}",
                "gate": f"g{int(subject[1:]) % GATES}",
                "at": rfc3339(START + chance.randrange(4000)),
                "minute": rfc3339(START + (self.number // 40 - chance.randrange(40)) * MINUTE, digits=0),
                "lines": [self.line() for _ in range(chance.randrange(4))]}
        if chance.randrange(3):
            data["name"] = chance.choice(("Ørsted", "O'Hara \"Bo\"", "", "李", "a" * 40, "/x", "{}"))
        if chance.randrange(30) == 0:
            data["vip"] = chance.choice((1, 2, "three"))
        if chance.randrange(40) == 0:
            data["extra"] = 1
        return data

    def poison(self, data):
        """Some of the views cannot fold it."""
        chance = self.chance
        kind = chance.randrange(8)
        if kind == 0:
            del data["n"]
        elif kind == 1:
            data["price"] = chance.choice((1.005, "1,5", True))
        elif kind == 2:
            data["quantity"] = chance.choice(("1,5", "", 1.5, FULL + 1))
        elif kind == 3:
            data["half"] = chance.choice((FULL + 2, -FULL - 2, 1e21, [], "x"))
        elif kind == 4:
            data["lines"] = [self.line(), {**self.line(), "sku": chance.choice(("", {"a": 1}, None))}]
        elif kind == 5:
            data["lines"] = chance.choice(("none", 3, None))
        elif kind == 6:
            data["gate"] = None
        else:
            del data["at"]

    def some(self, exchange):
        chance, log = self.chance, self.published[exchange]
        if log and chance.randrange(RESEND_EVERY) == 0:
            again = chance.choice(log[-RESEND_REACH:])
            if chance.randrange(12) or again["type"] != "verbs.moved" or again["id"] in self.reused:
                return again if again["id"] not in self.reused else self.some(exchange)
            self.reused.add(again["id"])
            return {**again, "data": {**again["data"], "n": -1}}
        subject = f"s{chance.randrange(SUBJECTS)}"
        kind = chance.choices(("moved", "noted", "cleared", "removed", "other"), (60, 24, 4, 8, 4))[0]
        data = self.data(subject)
        if chance.randrange(POISON_EVERY) == 0:
            self.poison(data)
        return self.event(exchange, kind, subject, data,
                          LONG_AGO + self.number * 1000 if chance.randrange(60) == 0 else None)

    def gate(self, number, kind="opened"):
        return self.event(self.exchanges[0], kind, f"g{number}", {"rate": self.chance.randrange(1, 9)})

    def more(self, first, second):
        """So many events more of the two logs. Of the first ones of a log the gates open (but the last one)
        and its total becomes full; half-way a gate closes."""
        made = {}
        for exchange, count in zip(self.exchanges, (first, second)):
            log = self.published[exchange]
            begin = len(log)
            if not log:
                log.append(self.event(exchange, "full", "total", {"by": FULL}))
                if exchange == self.exchanges[0]:
                    log += [self.gate(n) for n in range(GATES - 1)]
            for i in range(count):
                if begin == 0 and i == count // 2 and exchange == self.exchanges[0]:
                    log.append(self.gate(CLOSED[0], "closed"))
                log.append(self.some(exchange))
            made[exchange] = log[begin:]
        return made

    def relent(self):
        """What parked for what the rows held may be folded now: the gates open, the totals sink."""
        made = {}
        for exchange in self.exchanges:
            events = [self.event(exchange, "drained", "total", {"by": FULL})]
            if exchange == self.exchanges[0]:
                events += [self.gate(n) for n in CLOSED]
            self.published[exchange] += events
            made[exchange] = events
        return made


# --- the views and their folds -------------------------------------------------------------------------

class Rows:
    """Rows that an event changes, and that are as before when it cannot be folded."""
    EMPTY = {"hash": dict, "zset": dict, "set": set, "list": list, "hll": set, "json": str, "counter": str}

    def __init__(self, prefix):
        self.prefix, self.all, self.before = prefix, {}, {}
        self.writes = {}  # of `newest`

    def begin(self):
        self.before = {}

    def roll_back(self):
        for key, row in self.before.items():
            self.all.pop(key, None)
            if row:
                self.all[key] = row

    def keep(self, key):
        if key not in self.before:
            row = self.all.get(key)
            self.before[key] = row and Row(row.type, row.value if isinstance(row.value, str) else row.value.copy(),
                                           row.expires)

    def row(self, type_, key, expires=-1):
        """To be changed in place."""
        key = self.prefix + key
        self.keep(key)
        row = self.all.get(key) or Row(type_, self.EMPTY[type_](), -1)
        assert row.type == type_
        self.all[key] = row._replace(expires=expires)
        return self.all[key].value

    def peek(self, key):
        row = self.all.get(self.prefix + key)
        return dict(row.value) if row and row.value else None

    def put(self, type_, key, value, expires=-1):
        self.keep(self.prefix + key)
        self.all[self.prefix + key] = Row(type_, value, expires)

    def count(self, key, by, expires=-1):
        row = self.all.get(self.prefix + key)
        self.put("counter", key, str(within(int(row.value if row else 0) + integer(by))), expires)

    def delete(self, key):
        self.keep(self.prefix + key)
        self.all.pop(self.prefix + key, None)

    def there(self):
        """Without what is empty, and what has expired long ago."""
        return {key: row for key, row in self.all.items()
                if row.value not in ({}, set(), []) and (row.expires < 0 or row.expires >= START)}


def _add(row, name, by):
    row[name] = str(within(int(row.get(name, 0)) + integer(by)))


def _most(row, name, value, better=max):
    """Values are numbers, or texts of which no number can be made."""
    if isinstance(value, str):
        row[name] = better(row.get(name, value), value)
    else:
        row[name] = text(better(number(json.loads(row[name])), value) if name in row else value)


def _quantity(data):
    return integer(there(data.get("quantity")))


def _view_fields(prefix):
    key = prefix + "fields:{subject}"
    return {"on": {
        "verbs.moved": [
            {"hash": key,
             "set": {"n": "/data/n", "name": "/data/name?", "label": "{{{type}/{/data/field}}}", "flag": True,
                     "literal": {"literal": "/data/n"}, "who": {"at": "/data/name", "default": "nobody"},
                     "half": "/data/half", "ms": {"epoch": "/time"}, "time": "/time", "constant": "twelve",
                     "doc": {"object": {"q": "/data/quantity", "name": "/data/name?", "field": "/data/field"}},
                     "{/data/field}/{/data/vip?}": "/data/n"},
             "set_once": {"first": "/id", "first {/data/field}": "/data/n"},
             "add": {"cents": {"scale": ["/data/price", 2]},
                     "weighed": {"product": ["/data/quantity", {"sum": ["/data/n", 1, {"negate": "/data/quantity"}]}]}},
             "subtract": {"left": "/data/quantity"},
             "max": {"best": "/data/half", "latest": "/time"},
             "min": {"worst": "/data/half", "alpha": "/data/field"}},
            {"if": {"/data/quantity": {"ge": 5, "lt": 8}, "/data/field": {"in": ["a", "b"]},
                    "/data/name": {"exists": True, "ne": ""}},
             "hash": key, "add": {"picked": 1}}],
        "verbs.removed": [{"hash": key, "remove": ["name", "first {/data/field}", "/data/field"]}],
        "verbs.cleared": [{"hash": key, "delete": True}]}}


def _fold_fields(rows, event):
    kind, data, key = event["type"], event["data"], "fields:" + event["subject"]
    if kind == "verbs.cleared":
        rows.delete(key)
        return
    row = rows.row("hash", key)
    if kind == "verbs.removed":
        for name in ("name", "first " + data["field"], data["field"]):
            row.pop(name, None)
        return
    ms, n, half, quantity = milliseconds(event["time"]), there(data.get("n")), there(data.get("half")), \
        there(data.get("quantity"))
    exact(half), exact(quantity)
    row.update(n=text(n), label="{verbs.moved/%s}" % data["field"], flag="true", literal="/data/n",
               who=data.get("name", "nobody"), half=text(half), ms=str(ms), time=rfc3339(ms), constant="twelve")
    doc = {"q": quantity, "field": data["field"]}
    if "name" in data:
        row["name"] = doc["name"] = data["name"]
    row["doc"] = text(doc)
    if "vip" in data:
        row["%s/%s" % (data["field"], text(data["vip"]))] = text(n)
    row.setdefault("first", event["id"])
    row.setdefault("first " + data["field"], text(n))
    _add(row, "cents", scale(there(data.get("price")), 2))
    _add(row, "weighed", within(integer(quantity) * within(integer(n) + 1 - integer(quantity))))
    _add(row, "left", -integer(quantity))
    if not isinstance(half, (int, float)):  # a text, an array
        raise Parks
    _most(row, "best", half)
    _most(row, "latest", rfc3339(ms))
    _most(row, "worst", half, min)
    _most(row, "alpha", data["field"], min)
    if 5 <= integer(quantity) < 8 and data["field"] in "ab" and data.get("name"):
        _add(row, "picked", 1)


def _view_recent(prefix):
    return {"on": {
        "verbs.moved": [
            {"list": prefix + "recent:{subject}", "push": "{/data/n} {/data/field}", "keep": 5},
            {"list": prefix + "daily:{time:day}:{subject}", "push": "/data/n", "expire": "24h"},
            {"json": prefix + "state:{subject}", "put": {"object": {
                "n": "/data/n", "name": {"at": "/data/name", "default": ["nameless"]}, "lines": "/data/lines",
                "always": {"literal": [1, "/x"]}, "inner": {"object": {"half": "/data/half"}}}}},
            {"hash": prefix + "seen:{subject}", "set": {"n": "/data/n", "half": "/data/half"}, "expire": "90m"}],
        "verbs.noted": [
            {"json": prefix + "session:{subject}", "put": {"object": {"n": "/data/n"}}, "expire": "7d"},
            {"counter": prefix + "notes:{time:month}", "add": 1, "expire": "2w"}],
        "verbs.cleared": [{"list": prefix + "recent:{subject}", "delete": True},
                          {"json": prefix + "state:{subject}", "delete": True}]}}


def _fold_recent(rows, event):
    kind, data, subject, ms = event["type"], event["data"], event["subject"], milliseconds(event["time"])
    time = rfc3339(ms)
    if kind == "verbs.cleared":
        rows.delete("recent:" + subject)
        rows.delete("state:" + subject)
    elif kind == "verbs.noted":
        rows.put("json", "session:" + subject, text({"n": there(data.get("n"))}), ms + 7 * DAY)
        year, month = int(time[:4]), int(time[5:7])
        end = calendar.timegm((year + month // 12, month % 12 + 1, 1, 0, 0, 0)) * 1000
        rows.count("notes:" + time[:7], 1, end + 14 * DAY)
    else:
        n, half, lines = (there(data.get(name)) for name in ("n", "half", "lines"))
        exact(half)
        recent = rows.row("list", "recent:" + subject)
        recent.insert(0, f"{n} {data['field']}")
        del recent[5:]
        rows.row("list", f"daily:{time[:10]}:{subject}", ms - ms % DAY + 2 * DAY).insert(0, text(n))
        rows.put("json", "state:" + subject, text({
            "n": n, "name": data.get("name", ["nameless"]), "lines": lines, "always": [1, "/x"],
            "inner": {"half": half}}))
        rows.row("hash", "seen:" + subject, ms + 90 * MINUTE).update(n=text(n), half=text(half))


def _view_ranks(prefix):
    return {"on": {
        "verbs.moved": [
            {"zset": prefix + "scores:{subject}", "score": {"{/data/field}": "/data/half", "n": "/data/n"}},
            {"zset": prefix + "sums:{subject}", "add": {"{/data/field}": "/data/quantity", "all": 1},
             "subtract": {"left": "/data/quantity"}},
            {"zset": prefix + "best:{subject}", "max": {"{/data/user}": "/data/half"}, "keep": 3},
            {"zset": prefix + "worst", "min": {"{/data/user}": "/data/half"}},
            {"zset": prefix + "lately", "max": {"{/data/user}": {"epoch": "/data/minute"}}, "keep": "30m"}],
        "verbs.removed": [{"zset": prefix + "scores:{subject}", "remove": ["/data/field", "/data/name?"]}],
        "verbs.cleared": [{"zset": prefix + "sums:{subject}", "delete": True}]}}


def _fold_ranks(rows, event):
    kind, data, subject = event["type"], event["data"], event["subject"]
    if kind == "verbs.cleared":
        rows.delete("sums:" + subject)
    elif kind == "verbs.removed":
        row = rows.row("zset", "scores:" + subject)
        for member in (data["field"], data.get("name")):
            row.pop(member, None)
    else:
        half, quantity = number(there(data.get("half"))), _quantity(data)
        rows.row("zset", "scores:" + subject).update({data["field"]: half, "n": there(data.get("n"))})
        sums = rows.row("zset", "sums:" + subject)
        for member, by in ((data["field"], quantity), ("all", 1), ("left", -quantity)):
            sums[member] = within(sums.get(member, 0) + by)
        best, worst, lately = (rows.row("zset", key) for key in ("best:" + subject, "worst", "lately"))
        user, minute = data["user"], milliseconds(data["minute"])
        best[user] = max(best.get(user, half), half)
        for member in sorted(best, key=lambda member: (best[member], member))[:-3]:
            del best[member]
        worst[user] = min(worst.get(user, half), half)
        lately[user] = max(lately.get(user, 0), minute)
        oldest = max(lately.values()) - 30 * MINUTE
        for member in [member for member, at in lately.items() if at < oldest]:
            del lately[member]


def _view_tags(prefix):
    return {"on": {
        "verbs.moved": [{"each": "/data/lines", "do": [
            {"set": prefix + "skus:{subject}", "include": ["./sku", "{subject}/{key}"]},
            {"hash": prefix + "stock:{./sku}", "add": {"units": "./quantity"}},
            {"each": "./options?", "do": [
                {"if": {".": {"ne": False}}, "hash": prefix + "options:{subject}", "set": {"{../sku}/{key}": "."}}]},
            {"each": "./parts", "do": [{"each": "./codes", "do": [
                {"set": prefix + "codes:{.}", "include": ["{../../sku}", "/data/vip?"]}]}]}]},
            {"set": prefix + "vips:{/data/vip?}", "include": ["/data/user"]},
            {"set": prefix + "named", "include": ["/data/name?"]}],
        "verbs.removed": [{"each": "/data/lines", "do": [{"set": prefix + "skus:{subject}", "exclude": ["./sku"]}]}],
        "verbs.cleared": [{"set": prefix + "skus:{subject}", "delete": True},
                          {"hash": prefix + "options:{subject}", "delete": True}]}}


def _lines(data):
    lines = data.get("lines")
    if not isinstance(lines, list):
        raise Parks
    return lines


def _fold_tags(rows, event):
    kind, data, subject = event["type"], event["data"], event["subject"]
    if kind == "verbs.cleared":
        rows.delete("skus:" + subject)
        rows.delete("options:" + subject)
        return
    for index, line in enumerate(_lines(data)):
        sku = line.get("sku")
        if kind == "verbs.removed":
            rows.row("set", "skus:" + subject).discard(text(there(sku)))
            continue
        rows.row("set", "skus:" + subject).update((text(there(sku)), f"{subject}/{index}"))
        _add(rows.row("hash", "stock:" + part_of_key(sku)), "units", line["quantity"])
        for name, value in line.get("options", {}).items():
            if value is not False:
                rows.row("hash", "options:" + subject)[f"{sku}/{name}"] = text(value)
        for code in (code for part in line["parts"] for code in part["codes"]):
            rows.row("set", "codes:" + code).update([sku] + optional(data, "vip"))
    if kind == "verbs.moved":
        if "vip" in data:
            rows.row("set", "vips:" + text(data["vip"])).add(data["user"])
        if "name" in data:
            rows.row("set", "named").add(data["name"])


def _view_gates(prefix):
    """What a gate's row says is needed; a cart that is cleared is kept in an archive."""
    gate, cart = prefix + "gate:{subject}", prefix + "cart:{subject}"
    return {"on": {
        "verbs.opened": [{"hash": gate, "set": {"rate": "/data/rate"}}],
        "verbs.closed": [{"hash": gate, "delete": True}],
        "verbs.moved": [{"with": {"g": {"hash": prefix + "gate:{/data/gate}"}},
                         "hash": cart, "set": {"rate": "@g/rate", "{/data/field}": "/data/n?"},
                         "add": {"sum": {"product": ["@g/rate", 3]}}}],
        "verbs.cleared": [{"with": {"c": {"hash": cart}}, "if": {"@c/sum": {"ge": 20}}, "each": "@c", "do": [
                              {"hash": prefix + "archive:{subject}", "set": {"{key}": "."}}]},
                          {"hash": cart, "delete": True}]}}


def _fold_gates(rows, event):
    kind, data, subject = event["type"], event["data"], event["subject"]
    if kind == "verbs.opened":
        rows.row("hash", "gate:" + subject)["rate"] = text(data["rate"])
    elif kind == "verbs.closed":
        rows.delete("gate:" + subject)
    elif kind == "verbs.moved":
        rate = there(rows.peek("gate:" + part_of_key(data.get("gate"))))["rate"]
        cart = rows.row("hash", "cart:" + subject)
        cart["rate"] = rate
        if "n" in data:
            cart[data["field"]] = text(data["n"])
        _add(cart, "sum", int(rate) * 3)
    else:
        cart = rows.peek("cart:" + subject)
        if cart and int(cart["sum"]) >= 20:
            rows.row("hash", "archive:" + subject).update(cart)
        rows.delete("cart:" + subject)


def _view_order(prefix):
    """One list for all subjects: the order of all events shows."""
    return {"on": {"verbs.moved": [{"list": prefix + "order", "push": "/data/n"}],
                   "verbs.noted": [{"hash": prefix + "last", "set": {"n": "/data/n"}}]}}


def _fold_order(rows, event):
    n = text(there(event["data"].get("n")))
    if event["type"] == "verbs.moved":
        rows.row("list", "order").insert(0, n)
    else:
        rows.row("hash", "last")["n"] = n


def _view_totals(prefix):
    return {"on": {
        "verbs.full": [{"counter": prefix + "cap:{source}", "add": "/data/by"}],
        "verbs.drained": [{"counter": prefix + "cap:{source}", "subtract": "/data/by"}],
        "verbs.moved": [
            {"counter": prefix + "cap:{source}", "add": "/data/extra?"},
            {"counter": prefix + "units", "add": "/data/quantity", "subtract": 1},
            {"counter": prefix + "hours:{time:hour}", "add": 1, "expire": "24h"},
            {"hash": prefix + "total:{subject}", "add": {"cents": {"scale": ["/data/price", 2]}},
             "subtract": {"left": "/data/quantity"}, "max": {"latest": "/time", "best": "/data/half"},
             "min": {"earliest": "/time"}},
            {"zset": prefix + "sellers", "add": {"{subject}": "/data/quantity"}},
            {"zset": prefix + "top", "max": {"{/data/user}": "/data/half"}, "keep": 20},
            {"zset": prefix + "bottom", "min": {"{/data/user}": "/data/half"}},
            {"set": prefix + "users", "include": ["/data/user", "{subject}/{/data/vip?}"]},
            {"hll": prefix + "distinct", "count": ["/data/user"]},
            {"hll": prefix + "distinct:{/data/field}", "count": ["/data/user", "/data/name?", "{subject}"]}]}}


def _fold_totals(rows, event):
    kind, data, subject, cap = event["type"], event["data"], event["subject"], "cap:" + event["source"]
    if kind != "verbs.moved":
        rows.count(cap, data["by"] * (-1 if kind == "verbs.drained" else 1))
        return
    if "extra" in data:
        rows.count(cap, data["extra"])
    ms, quantity, half = milliseconds(event["time"]), _quantity(data), number(there(data.get("half")))
    if isinstance(data["half"], str):
        raise Parks
    time, user = rfc3339(ms), data["user"]
    rows.count("units", quantity)
    rows.count("units", -1)
    rows.count("hours:" + time[:13], 1, ms - ms % HOUR + HOUR + DAY)
    total = rows.row("hash", "total:" + subject)
    _add(total, "cents", scale(there(data.get("price")), 2))
    _add(total, "left", -quantity)
    _most(total, "latest", time)
    _most(total, "best", half)
    _most(total, "earliest", time, min)
    sellers, top, bottom = (rows.row("zset", key) for key in ("sellers", "top", "bottom"))
    sellers[subject] = within(sellers.get(subject, 0) + quantity)
    top[user] = max(top.get(user, half), half)
    for member in sorted(top, key=lambda member: (top[member], member))[:-20]:
        del top[member]
    bottom[user] = min(bottom.get(user, half), half)
    rows.row("set", "users").update([user] + [f"{subject}/{vip}" for vip in optional(data, "vip")])
    rows.row("hll", "distinct").add(user)
    rows.row("hll", "distinct:" + data["field"]).update([user, subject] + optional(data, "name"))


def _view_newest(prefix):
    def action(structure, key, verb, value, newest=True):
        return {structure: prefix + key, "newest": newest, verb: value}

    reading, status = "reading:{subject}", "status:{subject}"
    return {"on": {
        "verbs.moved": [
            action("hash", reading, "set", {"half": "/data/half", "{/data/field}": "/data/user",
                                            "name": "/data/name?"}),
            action("json", status, "put", {"object": {"user": "/data/user", "half": "/data/half"}}, "/data/at"),
            action("zset", "standing", "score", {"{subject}": "/data/half", "{/data/user}": 1}, "/data/at"),
            action("set", "active", "include", ["/subject", "/data/user"])],
        "verbs.removed": [
            action("hash", reading, "remove", ["/data/field", "name"]),
            action("zset", "standing", "remove", ["/subject"], "/data/at"),
            action("set", "active", "exclude", ["/subject", "/data/user"])],
        "verbs.cleared": [action("hash", reading, "delete", True), action("json", status, "delete", True, "/data/at")]}}


def _fold_newest(rows, event):
    """Collects the writes; settled in rows() by time, partition and offset. The time is that of the event or
    of its data, to the millisecond."""
    kind, data, subject = event["type"], event["data"], event["subject"]
    writes = []
    at = milliseconds(there(data.get("at")))
    time = milliseconds(event["time"])
    place = (event["partition"], event["offset"])
    reading, status = "reading:" + subject, "status:" + subject
    if kind == "verbs.moved":
        half = there(data.get("half"))
        score = number(half)
        parts = {"half": text(half), data["field"]: data["user"]}
        if "name" in data:
            parts["name"] = data["name"]
        writes += [(time, "hash", reading, part, value) for part, value in parts.items()]
        writes.append((at, "json", status, "", text({"user": data["user"], "half": half})))
        writes += [(at, "zset", "standing", subject, score), (at, "zset", "standing", data["user"], 1)]
        writes += [(time, "set", "active", member, True) for member in (subject, data["user"])]
    elif kind == "verbs.removed":
        writes += [(time, "hash", reading, part, None) for part in (data["field"], "name")]
        writes.append((at, "zset", "standing", subject, None))
        writes += [(time, "set", "active", member, None) for member in (subject, data["user"])]
    else:
        writes += [(time, "hash", reading, None, None), (at, "json", status, None, None)]
    for when, type_, key, part, value in writes:
        rows.writes.setdefault((type_, key), []).append(((when, *place), part, value))


def _settle(rows, writes):
    for (type_, key), all_of_key in writes.items():
        parts = {}
        for _, part, value in sorted(all_of_key, key=lambda write: write[0]):
            if part is None:
                parts.clear()
            elif value is None:
                parts.pop(part, None)
            else:
                parts[part] = value
        if parts:
            rows.put(type_, key, parts[""] if type_ == "json" else set(parts) if type_ == "set" else parts)


# --- a view, as it stands ------------------------------------------------------------------------------

class Model:
    """One view: rows, what is parked, what was dropped. Partitions are folded one after the other: over
    several a view holds nothing for which that matters."""

    def __init__(self, world, view, dropped=()):
        self.world, self.view = world, view
        self.fold = globals()["_fold_" + view]
        self.types = set(world.view(view)["on"])
        self.stored = Rows(world.prefix)
        self.exchanges = world.exchanges if view in SEVERAL else world.exchanges[:1]
        self.read = {exchange: 0 for exchange in self.exchanges}
        self.seen = {exchange: {} for exchange in self.exchanges}
        self.parked = {}  # (partition, offset) → (event, waits, final); in the order of the log
        self.held = collections.Counter()  # how many are parked of a subject
        self.dropped = set(dropped)
        self.retried = 0

    def prefixes(self):
        """What the keys of the view's rows begin with."""
        return {re.match("[^:{]*", action[name]).group() for action in _actions(self.world.view(self.view)["on"])
                for name in Rows.EMPTY if isinstance(action.get(name), str)}

    def again(self):
        return Model(self.world, self.view, self.dropped).log()

    def log(self):
        for exchange in self.exchanges:
            log = self.world.published[exchange]
            for offset in range(self.read[exchange], len(log)):
                event = {**log[offset], "partition": exchange + ".log.0", "offset": offset}
                self.deal(event, self.seen[exchange])
            self.read[exchange] = len(log)
        return self

    def deal(self, event, seen):
        what = (event["type"], event["data"])
        reused = seen.setdefault(event["id"], what) != what
        duplicate = not reused and seen[event["id"]] is not what
        place = event["partition"], event["offset"]
        if duplicate or place in self.dropped or event["type"] not in self.types:
            return
        if reused:
            self.park(place, event, waits=False, final=True)
        elif self.view not in COMMUTING and self.held[event["subject"]]:
            self.park(place, event, waits=True)
        elif not self.try_(event):
            self.park(place, event, waits=False)

    def park(self, place, event, waits, final=False):
        self.parked[place] = event, waits, final
        self.held[event["subject"]] += 1

    def unpark(self, place):
        self.held[self.parked.pop(place)[0]["subject"]] -= 1

    def try_(self, event):
        self.stored.begin()
        try:
            self.fold(self.stored, event)
            return True
        except Parks:
            self.stored.roll_back()
            return False

    def retry(self):
        """Returns how many were folded."""
        keys, folded = set(), 0
        for place, (event, waits, final) in list(self.parked.items()):
            if event["subject"] in keys and self.view not in COMMUTING:
                continue
            if final or not self.try_(event):
                self.parked[place] = event, False, final
                keys.add(event["subject"])
            else:
                self.unpark(place)
                folded += 1
        self.retried += folded
        return folded

    def failing(self):
        return [place for place, (_, waits, _) in self.parked.items() if not waits]

    def drop(self, place):
        self.unpark(place)
        self.dropped.add(place)

    def list(self):
        """As `fanfold parked list` has them."""
        return {place: waits for place, (_, waits, _) in self.parked.items()}

    def rows(self):
        if self.view == "newest":
            self.stored.all = {}
            _settle(self.stored, self.stored.writes)
        return self.stored.there()


def _actions(item):
    """All actions of a view, also those of a `do`."""
    if isinstance(item, dict):
        yield item
        item = item.values()
    if not isinstance(item, str):
        for inner in item if hasattr(item, "__iter__") else ():
            yield from _actions(inner)


def snapshot(redis, keys):
    """{key: Row} of these rows as they stand in Redis. What a hll counted cannot be read: its value is its
    count."""
    readers = {"hash": lambda to, key: to.hgetall(key), "set": lambda to, key: to.smembers(key),
               "string": lambda to, key: to.get(key), "list": lambda to, key: to.lrange(key, 0, -1),
               "zset": lambda to, key: to.zrange(key, 0, -1, withscores=True),
               "hll": lambda to, key: to.pfcount(key)}

    def ask(keys, reader):
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            reader(pipeline, key)
        return dict(zip(keys, pipeline.execute()))

    keys = list(keys)
    types, expires = ask(keys, lambda to, key: to.type(key)), ask(keys, lambda to, key: to.pexpiretime(key))
    heads = ask([key for key in keys if types[key] == "string"], lambda to, key: to.getrange(key, 0, 3))
    kinds = {key: "hll" if heads.get(key) == "HYLL" else types[key] for key in keys}
    values = ask(keys, lambda to, key: readers[kinds[key]](to, key))
    return {key: Row(kinds[key], dict(values[key]) if kinds[key] == "zset" else values[key], expires[key])
            for key in keys}
