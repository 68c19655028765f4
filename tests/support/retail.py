"""The retail events: views over them, and the same folded in plain Python.

    project = fanfold.Project(servers, exchange="retail.a", views=retail.views("retail.a", "a-"))
    …
    retail.totals(project.rows("a-"), "a-") == retail.fold(events) == retail-expected.json

fold() is written from what the events mean, not from how Fanfold works.
"""
import collections


def views(exchange, prefix):
    """View files as objects. prefix: what the names of the views and the keys of their rows begin with."""
    issued, cancelled = "retail.invoice.issued", "retail.invoice.cancelled"
    amount = {"product": ["./quantity", "./unit_price_pence"]}

    def view(name, on):
        return {"view": prefix + name, "exchange": exchange, "on": on}

    def product(quantity, other, verb):
        verbs = {"add": {quantity: "./quantity", other: 0}, "set": {"description": "./description"}}
        verbs.setdefault(verb, {})["revenue_pence"] = amount
        return [{"each": "/data/lines", "do": [{"hash": prefix + "product:{./sku}", **verbs}]}]

    def day(verb, invoices):
        key = prefix + "day:{time:day}"
        return [{"hash": key, "add": {"invoices": invoices}},
                {"hash": key, verb: {"revenue_pence": "/data/total_pence"}},
                {"each": "/data/lines", "do": [{"hash": key, verb: {"units": "./quantity"}}]}]

    def order(status):
        key = prefix + "order:{subject}"
        return [{"hash": key, "set": {"status": status, "total_pence": "/data/total_pence",
                                      "country": "/data/country"}},
                {"each": "/data/lines", "do": [{"hash": key, "add": {"lines": 1}}]}]

    def country(verb):
        return [{"hash": prefix + "countries", verb: {"{/data/country}": "/data/total_pence"}}]

    return [
        view("products", {issued: product("sold", "returned", "add"),
                          cancelled: product("returned", "sold", "subtract")}),
        view("days", {issued: day("add", 1), cancelled: day("subtract", 0)}),
        view("countries", {issued: country("add"), cancelled: country("subtract")}),
        view("customers", {issued: [{"set": prefix + "customers", "include": ["/data/customer?"]}]}),
        view("orders", {issued: order("issued"), cancelled: order("cancelled")}),
    ]


def fold(events):
    """What retail-expected.json holds, from the events."""
    products, orders, customers = {}, {}, set()
    days, countries = collections.defaultdict(collections.Counter), collections.Counter()
    for event in events:
        data = event["data"]
        issued = event["type"] == "retail.invoice.issued"
        sign = 1 if issued else -1
        total = units = 0
        for line in data["lines"]:
            amount = line["quantity"] * line["unit_price_pence"]
            total += amount
            units += line["quantity"]
            product = products.setdefault(line["sku"], {"sold": 0, "returned": 0, "revenue_pence": 0})
            product["sold" if issued else "returned"] += line["quantity"]
            product["revenue_pence"] += sign * amount
            product["description"] = line["description"]
        days[event["time"][:10]].update(
            {"invoices": int(issued), "units": sign * units, "revenue_pence": sign * total})
        countries[data["country"]] += sign * total
        orders[event["subject"]] = {"status": "issued" if issued else "cancelled",
                                    "lines": len(data["lines"]), "total_pence": total,
                                    "country": data["country"]}
        if issued and "customer" in data:
            customers.add(data["customer"])
    return {"products": products, "days": {day: dict(sums) for day, sums in days.items()},
            "revenue_by_country": dict(countries), "distinct_customers": len(customers),
            "orders": orders, "events": len(events),
            "lines": sum(len(event["data"]["lines"]) for event in events)}


def totals(rows, prefix):
    """The rows of the views in the form of fold(), without what no view counts."""
    def group(name):
        start = prefix + name + ":"
        return {key[len(start):]: _numbers(row) for key, row in rows.items() if key.startswith(start)}

    return {"products": group("product"), "days": group("day"), "orders": group("order"),
            "revenue_by_country": _numbers(rows.get(prefix + "countries", {})),
            "distinct_customers": len(rows.get(prefix + "customers", ()))}


_TEXTS = ("description", "status", "country")


def _numbers(row):
    return {field: text if field in _TEXTS else int(text) for field, text in row.items()}
