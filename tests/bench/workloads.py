"""The events that are measured, and what the rows must hold in the end. Both are the same at every run.

    sums    one view, a hash of 1,000 rows with two additions an event
    shop    the five views of workers/examples/shop: orders placed, shipped and cancelled; goods received
"""
import collections
import datetime
import json

import fanfold

START = datetime.datetime(2026, 1, 1)
SKUS = [f"article-{number:02}" for number in range(40)]


class Sums:
    name = "sums"
    exchange = "bench.sums"
    view_names = ["bench-sums"]
    prefix = "bench:"

    @staticmethod
    def views(exchange):
        return [{"view": "bench-sums", "exchange": exchange, "on": {"sold": [
            {"hash": "bench:stock:{subject}", "add": {"n": "/data/n", "events": 1}}]}}]

    @staticmethod
    def patterns(prefix):
        """What is added up at the end: its name, and the keys as a Redis pattern."""
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


class Shop:
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


ALL = {workload.name: workload for workload in (Sums, Shop)}


def write(workload, count, path):
    """Writes the events as NDJSON; returns what the rows add up to."""
    totals = collections.Counter()
    with open(path, "w", encoding="utf-8") as out:
        for number, ((kind, subject, data), adds) in enumerate(workload.events(count)):
            time = START + datetime.timedelta(seconds=number // 4)
            out.write(json.dumps({
                "specversion": "1.0", "id": f"{workload.name}-{number:07}", "source": "/bench", "type": kind,
                "subject": subject, "time": time.isoformat() + "Z", "datacontenttype": "application/json",
                "data": data}, separators=(",", ":")) + "\n")
            for name, value in adds.items():
                totals[name] += value
    return {name: value for name, value in totals.items() if value}
