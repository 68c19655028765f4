"""broker-config/: each user can do what its part needs, and no more.

The log here is declared as `fanfold setup` does it, with a plain AMQP client, so that this test is about
the permissions alone.
"""
import unittest
import uuid

import pika
import redis as redis_py

import fanfold


def refusal(action):
    """Does it, and returns the broker's reply code when it refuses; None when it did not."""
    try:
        action()
    except (pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as closed:
        return closed.reply_code
    return None


ACCESS_REFUSED = 403
STREAM = {"x-queue-type": "stream"}


class Amqp(unittest.TestCase):
    def setUp(self):
        self.servers = fanfold.suite()
        self.exchange = "permissions." + uuid.uuid4().hex[:8]
        self.log = self.exchange + ".log.0"
        self.operator = self.channel("operator")
        self.operator.exchange_declare(self.exchange, "fanout", durable=True)
        self.operator.queue_declare(self.log, durable=True, arguments=STREAM)
        self.operator.queue_bind(self.log, self.exchange)

    def tearDown(self):
        channel = self.channel("operator")
        channel.queue_delete(self.log)
        channel.exchange_delete(self.exchange)

    def channel(self, user):
        connection = self.servers.amqp(user)
        self.addCleanup(lambda: connection.is_open and connection.close())
        return connection.channel()

    def attempt(self, user, method, *args, **options):
        """What the broker says when this user calls the method on a channel of its own."""
        return refusal(lambda: getattr(self.channel(user), method)(*args, **options))

    def publish(self, user, exchange, key):
        def publish():
            channel = self.channel(user)
            channel.confirm_delivery()
            channel.basic_publish(exchange, key, b"{}", mandatory=True)
        return refusal(publish)

    def consume(self, user, queue):
        def consume():
            channel = self.channel(user)
            channel.basic_qos(prefetch_count=10)
            channel.basic_consume(queue, lambda *_: None, arguments={"x-stream-offset": "first"})
        return refusal(consume)

    def test_the_publisher_publishes_and_asks_whether_the_log_is_there(self):
        self.assertIsNone(self.publish("publisher", self.exchange, "k"))
        self.assertIsNone(self.attempt("publisher", "queue_declare", self.log, passive=True))
        self.assertIsNone(self.attempt("publisher", "exchange_declare", self.exchange, passive=True))

    def test_the_publisher_can_do_nothing_else(self):
        self.assertEqual(self.consume("publisher", self.log), ACCESS_REFUSED)
        self.assertEqual(self.publish("publisher", "", self.log), ACCESS_REFUSED)
        self.assertEqual(self.attempt("publisher", "queue_declare", "mine"), ACCESS_REFUSED)
        self.assertEqual(self.attempt("publisher", "queue_delete", self.log), ACCESS_REFUSED)
        self.assertEqual(self.attempt("publisher", "exchange_declare", "mine", "fanout"), ACCESS_REFUSED)
        self.assertEqual(self.attempt("publisher", "queue_unbind", self.log, self.exchange),
                         ACCESS_REFUSED)

    def test_the_worker_reads_logs(self):
        self.assertIsNone(self.consume("worker", self.log))
        self.assertIsNone(self.attempt("worker", "queue_declare", self.log, passive=True))

    def test_the_worker_can_do_nothing_else(self):
        self.operator.queue_declare(self.exchange + ".other", durable=True)
        self.assertEqual(self.attempt("worker", "basic_get", self.exchange + ".other"), ACCESS_REFUSED)
        self.operator.queue_delete(self.exchange + ".other")
        self.assertEqual(self.publish("worker", self.exchange, "k"), ACCESS_REFUSED)
        self.assertEqual(self.attempt("worker", "queue_declare", "x.log.0", arguments=STREAM),
                         ACCESS_REFUSED)
        self.assertEqual(self.attempt("worker", "queue_delete", self.log), ACCESS_REFUSED)
        self.assertEqual(self.attempt("worker", "queue_bind", self.log, self.exchange), ACCESS_REFUSED)

    def test_the_operator_reads_what_was_published_but_publishes_nothing(self):
        self.assertIsNone(self.consume("operator", self.log))
        self.assertEqual(self.publish("operator", self.exchange, "k"), ACCESS_REFUSED)

    def declare_partition(self, key):
        """A partition of the log, the exchange that leads to it, and the lock of its recorders."""
        part, queue = f"{self.exchange}.part.{key}", f"{self.exchange}.recorder.{key.rsplit('.', 1)[0]}"
        self.operator.exchange_declare(self.exchange + ".part", "direct", durable=True)
        self.operator.queue_declare(part, durable=True, arguments=STREAM)
        self.operator.queue_declare(queue, durable=True)
        self.operator.queue_bind(part, self.exchange + ".part", key)
        for name in (part, queue):
            self.addCleanup(lambda name=name: self.channel("operator").queue_delete(name))
        self.addCleanup(lambda: self.channel("operator").exchange_delete(self.exchange + ".part"))
        return part, queue

    def lock(self, user, queue):
        return self.attempt(user, "basic_consume", queue, lambda *_: None, exclusive=True)

    def test_only_the_worker_writes_to_partitions(self):
        for key in ("4.0", "16-01234567.15"):
            part, queue = self.declare_partition(key)
            for user in ("publisher", "operator"):
                self.assertEqual(self.publish(user, self.exchange + ".part", key), ACCESS_REFUSED)
            for user in ("publisher", "operator", "worker"):
                self.assertEqual(self.publish(user, "", part), ACCESS_REFUSED)
            self.assertIsNone(self.consume("worker", part))
            self.assertIsNone(self.lock("worker", queue))
            self.assertEqual(self.consume("publisher", part), ACCESS_REFUSED)
            self.assertEqual(self.lock("publisher", queue), ACCESS_REFUSED)
            self.assertEqual(self.attempt("worker", "queue_delete", part), ACCESS_REFUSED)
            self.assertEqual(self.attempt("worker", "queue_bind", part, self.exchange + ".part"), ACCESS_REFUSED)
        self.declare_partition("4.1")
        self.assertIsNone(self.publish("worker", self.exchange + ".part", "4.1"))

    def test_nobody_else_comes_in(self):
        url = self.servers.worker_amqp.replace("worker:worker", "guest:guest")
        with self.assertRaises(pika.exceptions.ProbableAuthenticationError):
            pika.BlockingConnection(pika.URLParameters(url))


class Redis(unittest.TestCase):
    def setUp(self):
        servers = fanfold.suite()
        self.operator = servers.redis("operator")
        self.worker = servers.redis("worker")
        self.dashboard = servers.redis("dashboard")
        self.anonymous = redis_py.Redis.from_url(servers.worker_redis.replace("worker:worker@", ""))
        self.key = "permissions-" + uuid.uuid4().hex[:8]

    def tearDown(self):
        self.operator.delete(self.key)
        for client in (self.operator, self.worker, self.dashboard, self.anonymous):
            client.close()

    def refused(self, client, *command):
        with self.assertRaisesRegex(redis_py.exceptions.RedisError, "permissions|No permission"):
            client.execute_command(*command)

    def test_the_server_is_set_up_for_views(self):
        self.assertEqual(self.operator.config_get("maxmemory-policy"), {"maxmemory-policy": "noeviction"})
        self.assertEqual(self.operator.config_get("appendonly"), {"appendonly": "yes"})
        self.assertEqual(self.operator.config_get("appendfsync"), {"appendfsync": "everysec"})

    def test_the_worker_writes_rows_in_scripts(self):
        script = self.worker.register_script("return redis.call('HSET', KEYS[1], 'n', 1)")
        self.assertEqual(script(keys=[self.key]), 1)
        self.assertEqual(self.worker.info("memory")["maxmemory_policy"], "noeviction")

    def test_the_worker_does_not_administer(self):
        for command in (("FLUSHALL",), ("CONFIG", "GET", "dir"), ("SHUTDOWN",), ("KEYS", "*"),
                        ("ACL", "LIST"), ("SCRIPT", "FLUSH"), ("CLIENT", "KILL", "TYPE", "pubsub")):
            self.refused(self.worker, *command)

    def test_the_dashboard_reads(self):
        self.operator.hset(self.key, "n", 1)
        self.assertEqual(self.dashboard.hgetall(self.key), {"n": "1"})
        self.assertIn(self.key, list(self.dashboard.scan_iter(self.key + "*", count=1000)))

    def test_the_dashboard_does_not_write(self):
        for command in (("HSET", self.key, "n", "2"), ("DEL", self.key), ("EVAL", "return 1", "0"),
                        ("KEYS", "*"), ("CONFIG", "GET", "dir"), ("PUBLISH", "c", "m")):
            self.refused(self.dashboard, *command)

    def test_nobody_comes_in_without_a_name(self):
        with self.assertRaises(redis_py.exceptions.AuthenticationError):
            self.anonymous.execute_command("GET", self.key)


if __name__ == "__main__":
    unittest.main()
