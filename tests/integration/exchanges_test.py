"""A view over two exchanges: two logs, two tasks, one set of rows."""
import collections
import unittest
import uuid

import fanfold


class TwoExchanges(unittest.TestCase):
    def setUp(self):
        self.prefix = "two-" + uuid.uuid4().hex[:8] + "-"
        self.exchanges = [self.prefix + "web", self.prefix + "tills"]

    def view(self):
        return {"view": self.prefix + "sales", "exchange": self.exchanges,
                "on": {"sold": [{"hash": self.prefix + "sku:{subject}",
                                 "add": {"units": "/data/units"}, "max": {"last": "/time"}}]}}

    def events(self, exchange, count):
        return [{"specversion": "1.0", "id": f"{i}", "source": "/" + exchange, "type": "sold",
                 "subject": f"s{i % 7}", "time": f"2026-01-{1 + i % 28:02}T10:00:00Z",
                 "data": {"units": i % 5}} for i in range(count)]

    def cursors(self, project):
        with project.addresses.redis() as redis:
            return redis.hgetall("fanfold:cursor:" + self.prefix + "sales")

    def counted(self, project, exchange):
        text = self.cursors(project).get(exchange + ".log.0/tally", "")
        return sum(int(word.split("=")[1]) for word in text.split())

    def test_rows_are_the_fold_of_both_logs(self):
        logs = [{"exchange": exchange} for exchange in self.exchanges]
        with fanfold.Project(fanfold.suite(), logs=logs, views=[self.view()]) as project:
            project.setup()
            project.start_workers([self.prefix + "a", self.prefix + "b"])
            published = {exchange: self.events(exchange, 900 + 100 * n)
                         for n, exchange in enumerate(self.exchanges)}
            for exchange, events in published.items():
                done = project.cli("publish", "-e", exchange, user="publisher",
                                   stdin=fanfold.ndjson(events))
                self.assertEqual(done.code, 0, done.err)
            for exchange, events in published.items():
                fanfold.poll(lambda: self.counted(project, exchange) == len(events), 30, exchange)

            expected = collections.defaultdict(lambda: {"units": 0, "last": ""})
            for event in sum(published.values(), []):
                row = expected[self.prefix + "sku:" + event["subject"]]
                row["units"] += event["data"]["units"]
                row["last"] = max(row["last"], event["time"].replace("Z", ".000Z"))
            self.assertEqual(project.rows(self.prefix + "sku:"),
                             {key: {"units": str(row["units"]), "last": row["last"]}
                              for key, row in expected.items()})

            tasks = fanfold.poll(lambda: self.both_owned(project), 20, "each worker to have one task")
            self.assertEqual({task["partition"] for task in tasks},
                             {exchange + ".log.0" for exchange in self.exchanges})
            for exchange in self.exchanges:
                with project.addresses.amqp() as connection:
                    connection.channel().queue_delete(exchange + ".log.0")

    def both_owned(self, project):
        tasks = [task for task in project.status()["tasks"] if task["view"] == self.prefix + "sales"]
        return tasks if len({task["owner"] for task in tasks}) == 2 else None


if __name__ == "__main__":
    unittest.main()
