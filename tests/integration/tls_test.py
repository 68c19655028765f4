"""TLS to RabbitMQ, with certificates that the test makes: everything works over it, and nothing is sent
to a server that cannot show who it is. Redis, to which this hiredis cannot speak TLS, by a Unix socket.

The passwords of the sample users go over these connections: a broker that is refused must not hear one.
"""
import contextlib
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

import fanfold

VIEW = {"on": {"*": [{"counter": "{prefix}total", "add": "/data/n"},
                     {"list": "{prefix}last", "push": "/data/n", "keep": 3}]}}


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-tls-"))
        self.file = self.folder / "ca.pem"
        self.openssl("req", "-x509", *self.key("ca"), "-out", "ca.pem", "-subj", "/CN=" + name,
                     "-days", "2")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    @staticmethod
    def key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key"]

    def certify(self, name, host="localhost", days=2):
        """Returns the files of a certificate for this host, and of its key."""
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.openssl("req", *self.key(name), "-out", name + ".csr", "-subj", "/CN=" + host)
        (self.folder / (name + ".ext")).write_text(f"subjectAltName=DNS:{host}\n")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", str(days), "-extfile", name + ".ext", "-out", name + ".pem")
        return files


class Listener:
    """Accepts connections on a port of its own, and keeps what becomes of each in .heard: the bytes that
    came, or the reason for which the TLS handshake failed. Without a certificate it never says a word."""

    def __init__(self, certificate=None):
        self.heard, self.open, self.accepted = [], [], 0
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.socket.accept()[0]
                self.accepted += 1
                if self.context:
                    self.answer(connection)
                else:
                    self.open.append(connection)

    def answer(self, connection):
        connection.settimeout(10)
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                self.heard.append(tls.recv(100))
        except OSError as error:
            self.heard.append(str(error))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(20)
        for connection in self.open:
            connection.close()


class Watchdog:
    """The socket of a service manager: when did the process say that it lives?"""

    def __init__(self, folder, limit):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(limit)
        self.env = {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(limit * 1_000_000)}

    def wait(self):
        """For the next sign of life; fails when it does not come within the limit."""
        while self.socket.recv(4096) != b"WATCHDOG=1":
            pass


def settings(certificate, port):
    return {
        "rabbitmq/conf.d/50-tls.conf": f"""listeners.ssl.default = 127.0.0.1:{port}
ssl_options.cacertfile = {certificate[0].parent}/ca.pem
ssl_options.certfile = {certificate[0]}
ssl_options.keyfile = {certificate[1]}
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
""",
        "redis/conf.d/socket.conf": 'unixsocket "{folder}/redis.sock"\nunixsocketperm 700\n',
    }


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority("test authority")
        cls.addClassCleanup(shutil.rmtree, cls.authority.folder)
        cls.port = free_port()
        cls.servers = fanfold.Servers(settings(cls.authority.certify("broker"), cls.port))
        cls.addClassCleanup(cls.servers.remove)
        cls.plain_port = int(cls.servers.settings()["AMQP_PORT"])

    def setUp(self):
        self.prefix = "tls-" + uuid.uuid4().hex[:8] + "-"
        view = json.loads(json.dumps({"view": self.prefix + "v", "exchange": self.prefix + "x", **VIEW})
                          .replace("{prefix}", self.prefix))
        self.project = fanfold.Project(self.servers, self.prefix + "x", [view])
        self.addCleanup(self.project.__exit__, None)

    def env(self, port=None, host="localhost", scheme="amqps", authority=True, redis=None, user="worker"):
        """Of a command that is to reach the broker there."""
        ca = self.authority.file if authority is True else authority
        return {"FANFOLD_AMQP_URL": f"{scheme}://{user}:{user}@{host}:{port or self.port}/fanfold",
                "FANFOLD_REDIS_URL": redis or self.servers.worker_redis,
                "FANFOLD_AMQP_CA": str(ca or "")}

    def cli(self, *args, stdin=None, timeout=30, **where):
        return fanfold.run_cli([args[0], "--config", self.project.config, *args[1:]], stdin=stdin,
                               env=self.env(**where), timeout=timeout)

    def ok(self, *args, **where):
        result = self.cli(*args, **where)
        self.assertEqual(result.code, 0, result.err)
        return result.out

    def worker(self, extra=(), **where):
        worker = fanfold.Worker(self.project.config, self.prefix + "w", {**self.env(**where), **dict(extra)})
        self.project.workers.append(worker)
        return worker

    def publish(self, numbers, **where):
        self.ok("publish", "-e", self.prefix + "x", user="publisher", stdin=fanfold.ndjson(
            [{"specversion": "1.0", "id": str(n), "source": "/tls", "type": "t", "subject": "s",
              "data": {"n": n}} for n in numbers]), **where)

    def wait_for_rows(self, count):
        """The fold of the events 1 to count."""
        with self.servers.redis() as redis:
            fanfold.poll(lambda: redis.get(self.prefix + "total") == str(count * (count + 1) // 2), 60,
                         f"{count} events folded; {self.project.worker_logs()}")
            self.assertEqual(redis.lrange(self.prefix + "last", 0, -1),
                             [str(n) for n in range(count, count - 3, -1)])

    def connections(self):
        """Of Fanfold at the broker, by the broker's own word: (port, TLS version) of each."""
        lines = self.servers.rabbitmqctl("list_connections", "--no-table-headers", "port", "ssl",
                                         "ssl_protocol", "user").splitlines()
        return [line.split("\t") for line in lines]

    # --- what works --------------------------------------------------------------------------------------

    def test_everything_over_tls_and_a_broker_that_comes_back(self):
        self.ok("setup", user="operator")
        worker = self.worker()
        self.publish(range(1, 1001))
        self.wait_for_rows(1000)
        events = self.ok("tail", "-e", self.prefix + "x", "--from", "first", "-n", "1000", "--json",
                         user="operator").splitlines()
        self.assertEqual([json.loads(line)["data"]["n"] for line in events], list(range(1, 1001)))

        connections = self.connections()
        self.assertTrue(connections)
        for port, is_tls, version, user in connections:
            self.assertEqual((int(port), is_tls, user), (self.port, "true", "worker"), connections)
            self.assertIn(version, ("tlsv1.2", "tlsv1.3"))

        self.servers.do("restart-amqp")
        worker.wait_for_log("streaming -> backoff")
        self.publish(range(1001, 1501))
        self.wait_for_rows(1500)
        self.assertTrue(worker.is_running())
        self.assertEqual(worker.sigterm(), 0)

    # --- who is refused ----------------------------------------------------------------------------------

    def assert_refused(self, result, words):
        self.assertEqual(result.code, 78, result.err)
        for word in words:
            self.assertIn(word, result.err)

    def assert_heard_nothing(self, listener):
        """It was called, and not a byte came: the handshake is all that there was."""
        self.assertEqual(len(listener.heard), 1)
        self.assertRegex(str(listener.heard[0]), r"^b''$|reset by peer|SSL|TLS|EOF")

    def test_an_authority_that_is_not_known(self):
        """First the one that the system does not know, then one of the same name with another key."""
        other = Authority("test authority")
        self.addCleanup(shutil.rmtree, other.folder)
        for authority, file in ((None, "ca-certificates.crt"), (other.file, str(other.file))):
            self.assert_refused(self.cli("setup", authority=authority),
                                ["FANFOLD_AMQP_CA", file, "authority", f"localhost:{self.port}"])
        with Listener(self.authority.certify("own")) as listener:
            self.assert_refused(self.cli("setup", port=listener.port, authority=other.file),
                                ["FANFOLD_AMQP_CA"])
        self.assert_heard_nothing(listener)

    def test_a_certificate_for_another_host(self):
        """The broker's own, reached by another name; and one for another name."""
        self.assert_refused(self.cli("setup", host="127.0.0.1"), ["host name"])
        with Listener(self.authority.certify("other", host="broker.example")) as listener:
            self.assert_refused(self.cli("setup", port=listener.port), ["host name"])
        self.assert_heard_nothing(listener)

    def test_a_certificate_that_has_expired(self):
        with Listener(self.authority.certify("old", days=-1)) as listener:
            self.assert_refused(self.cli("setup", port=listener.port), ["expired"])
        self.assert_heard_nothing(listener)

    def test_authorities_that_cannot_be_read(self):
        file = self.authority.folder / "missing.pem"
        self.assert_refused(self.cli("setup", authority=file), [str(file), "FANFOLD_AMQP_CA"])

    # --- the wrong door ----------------------------------------------------------------------------------

    def test_plain_amqp_to_the_port_of_tls(self):
        result = self.cli("setup", scheme="amqp")
        self.assertEqual(result.code, 69, result.err)
        self.assertIn("amqps://", result.err)

    def test_tls_to_the_plain_port(self):
        result = self.cli("setup", port=self.plain_port)
        self.assertEqual(result.code, 69, result.err)
        self.assertIn("speaks no TLS", result.err)

    def test_a_handshake_that_never_ends(self):
        """A command gives up; a worker waits, shows that it lives, and ends when it is told to."""
        self.ok("setup", user="operator")
        with Listener() as listener:
            began = time.monotonic()
            result = self.cli("setup", port=listener.port)
            self.assertEqual(result.code, 69, result.err)
            self.assertIn("in time", result.err)
            self.assertLess(time.monotonic() - began, 15)
            self.assertEqual(listener.accepted, 1)

            watchdog = Watchdog(self.project.folder, 16)
            self.addCleanup(watchdog.socket.close)
            worker = self.worker(watchdog.env, port=listener.port)
            worker.wait_for_log("in time")
            watchdog.wait()
            watchdog.wait()
            self.assertGreater(listener.accepted, 2)
            self.assertEqual(worker.sigterm(), 0)

    # --- Redis -------------------------------------------------------------------------------------------

    def test_redis_by_a_unix_socket(self):
        path = f"{self.servers.folder}/redis.sock"
        where = {"redis": f"redis+unix://worker:worker@{path}?db=0"}
        self.ok("setup", user="operator")
        worker = self.worker(**where)
        self.publish(range(1, 101))
        self.wait_for_rows(100)
        with self.servers.redis() as redis:
            addresses = {client["addr"] for client in redis.client_list() if client["user"] == "worker"}
        self.assertEqual(addresses, {path + ":0"})
        operator = {"redis": where["redis"].replace("worker", "operator"), "user": "operator"}
        fanfold.poll(lambda: json.loads(self.ok("status", "--json", **operator))["tasks"][0]["state"] ==
                     "streaming", what="status to say that it streams")
        self.assertIn("5050", self.ok("get", self.prefix + "v", self.prefix + "total", **operator))
        self.assertEqual(worker.sigterm(), 0)

    def test_redis_by_tls_is_refused_with_the_way_out(self):
        address = "rediss://worker:worker@localhost:6380/0"
        for command in (["status"], ["get", self.prefix + "v", self.prefix + "total"], ["check"], ["worker"]):
            result = self.cli(*command, redis=address, user="operator")
            self.assertEqual(result.code, 78, result.err)
            for word in ("TLS", "redis+unix:///", "stunnel", "rediss://worker@localhost:6380"):
                self.assertIn(word, result.err)


if __name__ == "__main__":
    unittest.main()
