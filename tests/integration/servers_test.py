"""scripts/servers: private servers start, crash, come back with their data, and leave nothing behind."""
import os
import pathlib
import shutil
import subprocess
import unittest

import pika
import redis as redis_py

import fanfold

STREAM = {"x-queue-type": "stream"}


def marked(folder):
    """The processes that were started from this folder, by what scripts/servers gives them."""
    return fanfold.processes_with("FANFOLD_STARTED_FROM=" + folder)


def listening(port):
    with open("/proc/net/tcp") as table:
        return any(f":{port:04X} 00000000:0000 0A" in line for line in table)


class ServersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = fanfold.Servers()

    @classmethod
    def tearDownClass(cls):
        cls.servers.remove()

    def messages(self, queue):
        """None while the stream is not back: a broker that has just started answers 404 for it."""
        with self.servers.amqp() as connection:
            try:
                return connection.channel().queue_declare(queue, passive=True).method.message_count
            except pika.exceptions.ChannelClosedByBroker:
                return None

    def test_starting_what_runs_changes_nothing(self):
        before = [self.servers.pid(name) for name in ("amqp", "redis", "epmd")]
        self.servers.do("start")
        self.assertEqual([self.servers.pid(name) for name in ("amqp", "redis", "epmd")], before)

    def test_a_killed_broker_comes_back_with_its_log_on_the_same_port(self):
        with self.servers.amqp() as connection:
            channel = connection.channel()
            channel.exchange_declare("x", "fanout", durable=True)
            channel.queue_declare("x.log.0", durable=True, arguments=STREAM)
            channel.queue_bind("x.log.0", "x")
        with self.servers.amqp("publisher") as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for number in range(20):
                channel.basic_publish("x", "", b"%d" % number, mandatory=True)
        self.servers.kill_broker()
        with self.assertRaises(pika.exceptions.AMQPConnectionError):
            self.servers.amqp()
        self.servers.do("start-amqp")
        fanfold.poll(lambda: self.messages("x.log.0") == 20, what="the 20 messages of the log")

    def test_a_restarted_redis_keeps_what_scripts_wrote(self):
        # Two writes of a script stand as a transaction in the append-only file, which is loaded with
        # the permissions of the default user.
        script = "redis.call('SET', KEYS[1], '1') redis.call('SET', KEYS[2], '2')"
        with self.servers.redis("worker") as redis:
            redis.register_script(script)(keys=["row", "position"])
        self.servers.do("restart-redis")
        with self.servers.redis("worker") as redis:
            self.assertEqual((redis.get("row"), redis.get("position")), ("1", "2"))
        self.servers.do("stop-redis")
        with self.servers.redis() as redis, self.assertRaises(redis_py.exceptions.ConnectionError):
            redis.ping()
        self.servers.do("start")

    def test_only_the_loopback_is_listened_on(self):
        ports = {int(value) for name, value in self.read_ports().items()}
        with open("/proc/net/tcp") as table:
            sockets = [line.split()[1].split(":") for line in table if " 0A " in line]
        found = {int(port, 16): address for address, port in sockets if int(port, 16) in ports}
        self.assertEqual(found, {port: "0100007F" for port in ports})

    def read_ports(self):
        text = (pathlib.Path(self.servers.folder) / "ports").read_text()
        return dict(line.split("=") for line in text.splitlines())


class LeavesNothing(unittest.TestCase):
    def test_remove_after_a_crash_leaves_no_process_no_port_and_no_file(self):
        servers = fanfold.Servers()
        ports = [int(servers.settings()[name]) for name in ("AMQP_PORT", "REDIS_PORT")]
        self.assertTrue(all(listening(port) for port in ports))
        os.kill(servers.pid("amqp"), 9)  # not through the script: it finds that out itself
        servers.remove()
        self.assertEqual(marked(servers.folder), [])
        self.assertFalse(any(listening(port) for port in ports))
        self.assertFalse(os.path.exists(servers.folder))

    def test_remove_ends_the_servers_of_a_folder_that_is_gone(self):
        servers = fanfold.Servers()
        pids = [servers.pid(name) for name in ("amqp", "redis", "epmd")]
        self.assertTrue({str(pid) for pid in pids} <= set(marked(servers.folder)))
        shutil.rmtree(servers.folder, ignore_errors=True)  # they may be writing to it
        shutil.rmtree(servers.folder, ignore_errors=True)
        servers.remove()
        self.assertEqual(marked(servers.folder), [])
        self.assertFalse(os.path.exists(servers.folder))

    def test_a_verb_for_servers_that_were_never_started_says_so(self):
        done = subprocess.run([fanfold.SERVERS, "kill-amqp", "/tmp/fanfold-none"], capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"nothing was started in /tmp/fanfold-none", done.stderr)

    def test_usage(self):
        done = subprocess.run([fanfold.SERVERS, "dance", "/tmp/fanfold-dance"], capture_output=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"scripts/servers start DIR", done.stderr)


if __name__ == "__main__":
    unittest.main()
