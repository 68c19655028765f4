"""Real invoices become views: rows equal the totals that were worked out apart from this project, and the
same events folded in plain Python; whoever publishes them, and however often.

    retail_test.py FOLDER      with retail-invoices.ndjson and retail-expected.json
"""
import datetime
import json
import pathlib
import sys
import unittest
import uuid

import pika

import fanfold
import retail

DATA = pathlib.Path(sys.argv.pop())
NAMES = ("products", "days", "countries", "customers", "orders")


def publish_bare(addresses, exchange, events):
    """As a publisher that sets as little as one can: no app_id, the time as the AMQP timestamp."""
    with addresses.amqp("publisher") as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for event in events:
            time = datetime.datetime.fromisoformat(event["time"])
            channel.basic_publish(
                exchange, event["subject"], json.dumps(event["data"]).encode(), mandatory=True,
                properties=pika.BasicProperties(message_id=event["id"], type=event["type"],
                                                timestamp=int(time.timestamp())))


class Retail(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.file = (DATA / "retail-invoices.ndjson").read_bytes()
        cls.events = fanfold.read_ndjson(DATA / "retail-invoices.ndjson")
        cls.expected = json.loads((DATA / "retail-expected.json").read_text(encoding="utf-8"))

    def setUp(self):
        self.prefix = "retail-" + uuid.uuid4().hex[:8] + "-"

    def project(self, **log):
        """A log of its own, declared, with the five views."""
        exchange = self.prefix + "events"
        project = fanfold.Project(fanfold.suite(), logs=[{"exchange": exchange, **log}],
                                  views=retail.views(exchange, self.prefix))
        return project.declared(self.prefix)

    def wait_for(self, project, events):
        project.wait_for([self.prefix + name for name in NAMES], events)

    def check_rows(self, project):
        rows = project.rows(self.prefix)
        for name, found in retail.totals(rows, self.prefix).items():
            self.assertEqual(found, self.expected[name], name)
        customers = {event["data"]["customer"] for event in self.events
                     if event["type"] == "retail.invoice.issued" and "customer" in event["data"]}
        self.assertEqual(rows[self.prefix + "customers"], customers)
        self.assertEqual(
            len(rows), 2 + sum(len(self.expected[name]) for name in ("products", "days", "orders")))

    def check_tallies(self, project, duplicates):
        tasks = project.status()["tasks"]
        self.assertEqual({task["view"] for task in tasks}, {self.prefix + name for name in NAMES})
        for task in tasks:
            counts = {name: task[name] for name in ("duplicates", "parked", "skipped", "lag")}
            self.assertEqual(counts, {"duplicates": duplicates, "parked": 0, "skipped": 0, "lag": 0},
                             task["view"])

    def test_the_plain_fold_agrees_with_what_is_expected(self):
        self.assertEqual(retail.fold(self.events), self.expected)

    def test_published_by_fanfold_three_times_and_across_a_restart_of_all_workers(self):
        with self.project() as project:
            workers = project.start_workers("abc")
            project.publish(self.file)
            self.wait_for(project, 512)
            self.check_rows(project)
            self.check_tallies(project, duplicates=0)

            project.publish(self.file)
            self.wait_for(project, 1024)
            self.check_rows(project)

            self.assertEqual([worker.sigterm() for worker in workers], [0, 0, 0])
            project.start_workers("def")
            project.publish(self.file)
            self.wait_for(project, 1536)
            self.check_rows(project)
            self.check_tallies(project, duplicates=1024)

    def test_published_by_somebody_who_does_not_know_fanfold(self):
        with self.project(read={"time": "/data/time"}) as project:
            project.start_workers("abc")
            fanfold.publish_foreign(project.addresses, project.exchange, self.events)
            self.wait_for(project, 512)
            self.check_rows(project)
            fanfold.publish_foreign(project.addresses, project.exchange, self.events)
            self.wait_for(project, 1024)
            self.check_rows(project)
            self.check_tallies(project, duplicates=512)

    def test_published_with_the_barest_properties(self):
        with self.project() as project:
            project.start_workers("a")
            publish_bare(project.addresses, project.exchange, self.events)
            self.wait_for(project, 512)
            self.check_rows(project)
            self.check_tallies(project, duplicates=0)


if __name__ == "__main__":
    unittest.main()
