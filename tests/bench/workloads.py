"""The events that are measured, and what the rows must hold in the end. Both are the same at every run.

    Sums        one view, a hash of 1,000 rows with two additions an event
    Shop        the five views of workers/examples/shop: orders placed, shipped and cancelled; goods received
    Numbered    the events of Sums as the null publisher makes them, for a number of such views and rows

A workload has a name, an exchange, a count of events, the names of its views, and
    views(exchange)         the view files
    patterns(prefix)        what is added up at the end: its name, and the keys as a Redis pattern
    fill(world, project)    writes its log, and returns what the rows add up to
    seconds                 about how long that takes on two cores
"""
import collections
import datetime
import json

import fanfold
from segments import chunks

START = datetime.datetime(2026, 1, 1)
SKUS = [f"article-{number:02}" for number in range(40)]


def sums_view(name, exchange, prefix, field="n"):
    return {"view": name, "exchange": exchange, "on": {"sold": [
        {"hash": prefix + "stock:{subject}", "add": {field: "/data/n", "events": 1}}]}}


class Lines:
    """Its events are in a file, and `fanfold publish` writes its log."""

    def __init__(self, count):
        self.count = count
        self.seconds = count / 20_000

    def fill(self, world, project):
        expected = write(self, world.file(self))
        world.publish(project, self).finish()
        return expected


class Sums(Lines):
    name = "sums"
    exchange = "bench.sums"
    view_names = ["bench-sums"]
    prefix = "bench:"

    @staticmethod
    def views(exchange):
        return [sums_view("bench-sums", exchange, Sums.prefix)]

    @staticmethod
    def rebuilt(exchange):
        """A definition that gives the same sums in other fields, at the same cost."""
        return sums_view("bench-sums", exchange, Sums.prefix, "units")

    @staticmethod
    def patterns(prefix):
        return {"stock": prefix + "stock:*"}

    @staticmethod
    def events(count):
        """Yields ((type, subject, data), {name: what it adds}) of each event."""
        for number in range(count):
            n, price = number % 7 + 1, 100 + number * 37 % 2900
            yield ("sold", f"article-{number * 7919 % 1000:04}", {
                "n": n, "price_cents": price, "amount_cents": n * price, "order": f"o-{number:07}",
                "customer": {"id": f"c-{number % 5000:04}", "country": "PT", "segment": "retail"},
                "channel": "web", "currency": "EUR", "warehouse": "w-03",
            }), {"stock/n": n, "stock/events": 1}


class Shop(Lines):
    name = "shop"
    exchange = "shop.events"
    view_names = ["best-sellers", "distinct-customers", "orders", "sales-by-hour", "stock"]

    @staticmethod
    def views(_):
        folder = fanfold.SOURCE / "workers/examples/shop/views"
        return [folder / (name + ".json") for name in Shop.view_names]

    @staticmethod
    def patterns(_=None):
        return {"stock": "stock:*", "sales": "sales:*", "order": "order:*", "open": "orders-open",
                "best": "best-sellers"}

    @staticmethod
    def lines(order):
        return [{"sku": SKUS[(order * 3 + line * 11) % 40], "quantity": (order + line) % 4 + 1,
                 "price_cents": 300 + (order * 37 + line * 500) % 2500} for line in range(2)]

    @staticmethod
    def placed(order):
        lines = Shop.lines(order)
        units = sum(line["quantity"] for line in lines)
        cents = sum(line["quantity"] * line["price_cents"] for line in lines)
        return ("order.placed", f"o-{order:07}", {
            "customer": f"c-{order * 31 % 2000:04}", "total_cents": cents, "lines": lines,
        }), {"stock/reserved": units, "sales/orders": 1, "sales/units": units,
             "sales/revenue_cents": cents, "order/total_cents": cents, "open": 1, "best": units}

    @staticmethod
    def shipped(order):
        units = sum(line["quantity"] for line in Shop.lines(order))
        return ("order.shipped", f"o-{order:07}", {"carrier": "post", "lines": Shop.lines(order)}), {
            "stock/reserved": -units, "stock/on_hand": -units, "open": -1}

    @staticmethod
    def cancelled(order):
        units = sum(line["quantity"] for line in Shop.lines(order))
        return ("order.cancelled", f"o-{order:07}", {"reason": "changed mind", "lines": Shop.lines(order)}), {
            "stock/reserved": -units, "sales/cancelled": 1, "open": -1, "best": -units}

    @staticmethod
    def received(number):
        return ("stock.received", SKUS[number % 40], {"quantity": 60, "delivery": f"d-{number:07}"}), {
            "stock/on_hand": 60}

    @staticmethod
    def events(count):
        """Of ten: one delivery, five orders, three of them shipped and one cancelled."""
        for number in range(count):
            ten, place = divmod(number, 10)
            if place == 0:
                yield Shop.received(ten)
            elif place <= 5:
                yield Shop.placed(ten * 5 + place)
            elif place <= 8:
                yield Shop.shipped(ten * 5 + place - 5)
            else:
                yield Shop.cancelled(ten * 5 + 4)


class Numbered:
    """Its log is written by the null publisher, without a file: quickly, or with a window of 1 singly, so
    that each event is a chunk alone."""
    prefix = "bench:"

    def __init__(self, name, count, rows=1000, views=1, window=2000):
        self.name, self.count, self.rows, self.window = name, count, rows, window
        self.exchange = "bench." + name
        self.view_names = [f"bench-{number}" for number in range(views)]
        self.seconds = count / (3000 if window == 1 else 50_000)

    def views(self, exchange):
        return [sums_view(name, exchange, f"{self.prefix}{name}:") for name in self.view_names]

    def rebuilt(self, exchange):
        name = self.view_names[0]
        return sums_view(name, exchange, f"{self.prefix}{name}:", "units")

    def patterns(self, prefix):
        return {"stock": prefix + "*"}

    def expected(self):
        turns, rest = divmod(self.count, 7)
        views = len(self.view_names)
        return {"stock/n": views * (turns * 28 + rest * (rest + 1) // 2), "stock/events": views * self.count}

    def fill(self, world, project):
        world.null_publish(project, self, self.window, self.rows).finish()
        if self.window == 1 and (found := len(chunks(world.servers, project.partition))) != self.count:
            raise AssertionError(f"the log of {self.name} holds {self.count} events in {found} chunks, not one in each")
        return self.expected()


def write(workload, path):
    """Writes the events as NDJSON; returns what the rows add up to."""
    totals = collections.Counter()
    with open(path, "w", encoding="utf-8") as out:
        for number, ((kind, subject, data), adds) in enumerate(workload.events(workload.count)):
            time = START + datetime.timedelta(seconds=number // 4)
            out.write(json.dumps({
                "specversion": "1.0", "id": f"{workload.name}-{number:07}", "source": "/bench", "type": kind,
                "subject": subject, "time": time.isoformat() + "Z", "datacontenttype": "application/json",
                "data": data}, separators=(",", ":")) + "\n")
            for name, value in adds.items():
                totals[name] += value
    return {name: value for name, value in totals.items() if value}
