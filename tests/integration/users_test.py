"""What the users of broker-config/ may do is enough for their commands, and no more (what each server
itself refuses them stands in broker_config_test.py)."""
import unittest
import uuid

import pika
import redis as redis_py

import fanfold

PERMISSION = 77


class Users(unittest.TestCase):
    def setUp(self):
        self.servers = fanfold.suite()
        self.prefix = "users-" + uuid.uuid4().hex[:8] + "-"
        self.row = self.prefix + "n"
        self.exchange = self.prefix + "events"
        view = {"view": self.row, "exchange": self.exchange, "on": {"*": [{"counter": self.row, "add": 1}]}}
        self.project = fanfold.Project(self.servers, self.exchange, [view])

    def env(self, amqp, redis):
        """With the rights of the one on RabbitMQ and the other on Redis."""
        return {"FANFOLD_AMQP_URL": getattr(self.servers, amqp + "_amqp"),
                "FANFOLD_REDIS_URL": getattr(self.servers, redis + "_redis")}

    def refused(self, result):
        self.assertEqual((result.code, result.out), (PERMISSION, ""), result.err)

    def log_exists(self):
        with self.servers.amqp() as connection:
            try:
                connection.channel().queue_declare(self.project.partition, passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                return False
        return True

    def test_a_publisher_cannot_declare(self):
        with self.project as project:
            for user in ("publisher", "worker"):
                self.refused(project.cli("setup", user=user))
            self.assertFalse(self.log_exists())

    def test_a_worker_cannot_publish_and_a_publisher_cannot_read(self):
        with self.project.declared(self.prefix) as project:
            for user in ("worker", "operator"):
                result = project.cli("publish", "-t", "t", "-d", "{}", user=user)
                self.assertEqual(result.code, PERMISSION, result.err)
            self.refused(project.cli("tail", "--from", "first", "--until-end", user="publisher"))
            self.assertEqual(project.tail(), [])

    def test_a_dashboard_reads_and_writes_nothing(self):
        with self.project.declared(self.prefix) as project:
            project.worker("w")
            project.publish([{"specversion": "1.0", "id": "1", "source": "/u", "type": "t", "data": {}}])
            project.wait_for([self.row], 1)
            with self.servers.redis("dashboard") as redis:
                self.assertEqual(redis.get(self.row), "1")
                for write in (("INCR", self.row), ("DEL", self.row), ("EXPIRE", self.row, "1"),
                              ("HSET", "fanfold:cursor:" + self.row, project.partition, ""),
                              ("EVAL", "return redis.call('DEL', KEYS[1])", "1", self.row)):
                    with self.assertRaises(redis_py.exceptions.NoPermissionError):
                        redis.execute_command(*write)
            self.assertEqual(project.rows(self.prefix), {self.row: "1"})
            get = fanfold.run_cli(["get", "--config", project.config, self.row, self.row],
                                  env=self.env("worker", "dashboard"))
            self.assertEqual((get.code, get.out), (0, "1\n"), get.err)

    def test_a_worker_without_the_right_to_write_says_so_and_takes_nothing(self):
        with self.project.declared(self.prefix) as project:
            project.publish([{"specversion": "1.0", "id": "1", "source": "/u", "type": "t", "data": {}}])
            worker = fanfold.Worker(project.config, "reader", self.env("worker", "dashboard"))
            project.workers.append(worker)
            worker.wait_for_log("permission")
            self.assertEqual(project.owners(), {})
            self.assertEqual(project.rows(self.prefix), {})
            project.worker("writer")
            project.wait_for([self.row], 1)
            self.assertTrue(worker.is_running())


if __name__ == "__main__":
    unittest.main()
