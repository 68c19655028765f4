#!/usr/bin/env python3
"""What the views of this folder must give for the events on standard input: a naive fold."""
import json
import sys


def fold(events):
    products, days, countries, orders, customers = {}, {}, {}, {}, set()
    lines = 0
    for event in events:
        data = event["data"]
        issued = event["type"] == "retail.invoice.issued"
        sign = 1 if issued else -1
        day = days.setdefault(event["time"][:10], {"invoices": 0, "units": 0, "revenue_pence": 0})
        day["revenue_pence"] += sign * data["total_pence"]
        countries[data["country"]] = countries.get(data["country"], 0) + sign * data["total_pence"]
        orders[event["subject"]] = {
            "status": "issued" if issued else "cancelled",
            "lines": len(data["lines"]),
            "total_pence": data["total_pence"],
            "country": data["country"],
        }
        if issued:
            day["invoices"] += 1
            if data.get("customer") is not None:
                customers.add(data["customer"])
        for line in data["lines"]:
            lines += 1
            product = products.setdefault(line["sku"], {"sold": 0, "returned": 0, "revenue_pence": 0})
            product["sold" if issued else "returned"] += line["quantity"]
            product["revenue_pence"] += sign * line["quantity"] * line["unit_price_pence"]
            product["description"] = line["description"]
            day["units"] += sign * line["quantity"]
    return {
        "events": len(events), "lines": lines, "products": products, "days": days,
        "revenue_by_country": countries, "orders": orders, "distinct_customers": len(customers),
    }


if __name__ == "__main__":
    result = fold([json.loads(line) for line in sys.stdin])
    json.dump(result, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()
