"""No password is ever shown: not on the command line of a process, in what it says or logs, in what it
keeps in Redis, in `status`, nor in a core file. Every command, when all is well and when it is not.

The passwords of the test share a word that stands nowhere else, and have characters around it that are
written with a % in a URL: the word is looked for in all that Fanfold leaves behind.
"""
import glob
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse

import fanfold

WORD = "Xyzzy7431"
SECRET = f"@/{WORD}:?#%+ü"
ENCODED = urllib.parse.quote(SECRET, safe="")
SHOP = fanfold.SOURCE / "workers/examples/shop"


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = fanfold.Servers()
        cls.addClassCleanup(cls.servers.remove)
        cls.admin = cls.servers.redis()
        for user in ("operator", "publisher", "worker"):
            cls.servers.rabbitmqctl("change_password", user, SECRET)
        cls.servers.rabbitmqctl("set_permissions", "-p", "fanfold", "operator", ".*", ".*", ".*")
        for user in ("dashboard", "worker"):
            cls.admin.execute_command("ACL", "SETUSER", user, "resetpass", ">" + SECRET)
        settings = cls.servers.settings()
        cls.amqp = f"amqp://operator:{ENCODED}@127.0.0.1:{settings['AMQP_PORT']}/fanfold"
        cls.redis = f"redis://worker:{ENCODED}@127.0.0.1:{settings['REDIS_PORT']}/0"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-secrets-"))
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(SHOP / "views", self.folder / "views")
        self.config = self.folder / "fanfold.json"
        self.write_config()
        self.workers = []
        self.addCleanup(lambda: [worker.__exit__() for worker in self.workers])

    def write_config(self, **members):
        self.config.write_text(json.dumps({"logs": [{"exchange": "shop.events"}], "views": "views", **members}))

    def env(self, amqp=None, redis=None, folder=None):
        return {"FANFOLD_AMQP_URL": self.amqp if amqp is None else amqp,
                "FANFOLD_REDIS_URL": self.redis if redis is None else redis,
                "CREDENTIALS_DIRECTORY": str(folder or "")}

    def assert_clean(self, text, where):
        at = text.find(WORD)
        if at >= 0:
            raise AssertionError(f"{where} shows the password: …{text[max(0, at - 300):at + 40]}…")

    def run_clean(self, *args, stdin=None, **env):
        result = fanfold.run_cli([args[0], "--config", self.config, *args[1:]], stdin=stdin, env=self.env(**env))
        self.assert_clean(result.out + result.err, f"fanfold {' '.join(args)}")
        return result

    def worker(self, *args, **env):
        worker = fanfold.Worker(self.config, f"w{len(self.workers)}", self.env(**env), args)
        self.workers.append(worker)
        return worker

    def assert_worker_clean(self, worker):
        proc = pathlib.Path(f"/proc/{worker.pid}")
        self.assertIn("worker", (proc / "cmdline").read_text())
        self.assert_clean((proc / "cmdline").read_text(), "the command line")
        self.assert_clean((proc / "comm").read_text(), "the name of the process")
        self.assert_clean(worker.log(), "the log of the worker")

    def all_commands(self, codes, **env):
        """Every command that knows a server; codes: the exit codes that are expected, by command."""
        events = (SHOP / "events.ndjson").read_text()
        commands = {
            "setup": ["setup"],
            "publish": ["publish"],
            "tail": ["tail", "--from", "first", "--until-end", "--json"],
            "status": ["status"],
            "json": ["status", "--json"],
            "get": ["get", "stock"],
            "parked": ["parked", "list", "stock"],
            "retry": ["parked", "retry", "stock"],
            "check": ["check"],
        }
        for name, command in commands.items():
            result = self.run_clean(*command, stdin=events if name == "publish" else None, **env)
            self.assertIn(result.code, codes.get(name, codes["any"]), f"{name}: {result.err}")
            if result.code:
                self.assertTrue(result.err)

    # --- servers that work, and that do not -----------------------------------------------------------

    def test_when_all_is_well(self):
        worker = self.worker("--log-level", "debug")
        self.all_commands({"any": [0]})
        fanfold.poll(lambda: '"streaming"' in self.run_clean("status", "--json").out and
                     self.admin.exists("fanfold:cursor:stock"), what="the worker to fold")
        self.assert_worker_clean(worker)
        kept = json.dumps(fanfold.rows(self.admin, "fanfold:"), default=str)
        self.assertIn("fanfold:workers", kept)
        self.assert_clean(kept, "Redis")
        self.assertEqual(worker.sigterm(), 0)
        self.assert_clean(worker.log(), "the log of the worker")

    def test_addresses_in_the_file(self):
        """As well as in the environment."""
        self.write_config(amqp=self.amqp, redis=self.redis)
        self.all_commands({"any": [0]}, amqp="", redis="")

    def test_passwords_in_files_of_the_service_manager(self):
        credentials = self.folder / "credentials"
        credentials.mkdir()
        for name in ("amqp-password", "redis-password"):
            (credentials / name).write_text(SECRET + "\n")
        without = {"amqp": self.amqp.replace(":" + ENCODED, ""), "redis": self.redis.replace(":" + ENCODED, ""),
                   "folder": credentials}
        self.all_commands({"any": [0]}, **without)
        (credentials / "amqp-password").write_text(f"first\n{SECRET}\n")
        result = self.run_clean("setup", **without)
        self.assertEqual(result.code, 78)
        self.assertIn("must hold one line", result.err)

    def test_a_wrong_password(self):
        wrong = {"amqp": self.amqp.replace(WORD, WORD + "x"), "redis": self.redis.replace(WORD, WORD + "x")}
        self.all_commands({"any": [77], "check": [0], "json": [77], "status": [77]}, **wrong)
        worker = self.worker(**wrong)
        worker.wait_for_log("WRONGPASS")
        self.assert_worker_clean(worker)
        worker = self.worker(amqp=wrong["amqp"])
        worker.wait_for_log("ACCESS_REFUSED")
        status = self.run_clean("status", "--json")
        self.assertIn("ACCESS_REFUSED", fanfold.poll(
            lambda: re.findall("ACCESS_REFUSED", self.run_clean("status", "--json").out),
            what="status to say that the login is refused"))
        self.assertEqual(status.code, 0)
        self.assert_worker_clean(worker)

    def test_servers_that_are_not_there(self):
        for host in ("127.0.0.1:1", "no-such-host.invalid"):
            gone = {"amqp": f"amqp://operator:{ENCODED}@{host}/fanfold",
                    "redis": f"redis://worker:{ENCODED}@{host}/0"}
            self.all_commands({"any": [69], "check": [0]}, **gone)
            worker = self.worker(**gone)
            worker.wait_for_log("trying again")
            self.assert_worker_clean(worker)
            worker.sigkill()

    # --- addresses that are wrong -----------------------------------------------------------------------

    def test_malformed_addresses(self):
        """A password whose special characters were not written with a % ends up anywhere in the URL."""
        rests = [rest.replace("@h", "@127.0.0.2") for rest in (
            f"u:{WORD}", f"u:{WORD}@", f"u:{WORD}@h:port", f"u:{WORD}@h:99999", f"u:{WORD}/x@h", f"u:1/{WORD}@h",
            f"u:1/{WORD}@h:2", f"u:%{WORD}@h", f"u:{WORD}%@h", f"u:x {WORD}@h", f"u:#{WORD}@h", f"u:?{WORD}@h",
            f"u:[{WORD}@h", f"u:{WORD}@[::1", f"u:{WORD}@h/a/b", f"u:{WORD}@h/?{WORD}", f"u:{WORD}\x01@h")]
        for rest in rests:
            for scheme in ("amqp", "amqps", "redis", "rediss", "redis+unix", "http", "", "://"):
                url = f"{scheme}://{rest}" if scheme else rest
                for name in ("amqp", "redis"):
                    with self.subTest(url=url, name=name):
                        self.write_config(**{name: url})
                        result = self.run_clean("check", amqp="", redis="")
                        if result.code == 0:  # it can be used, by itself: it is shown when it is
                            result = self.run_clean("setup" if name == "amqp" else "get", *(
                                [] if name == "amqp" else ["stock"]), amqp="", redis="")
                        self.assertIn(result.code, (69, 78))
                        self.write_config()
                        self.run_clean("check", **{name: url})

    def test_files_that_are_no_configuration(self):
        text = json.dumps({"amqp": self.amqp, "logs": [{"exchange": "x"}], "views": "views"})
        for broken in (text[:-1], text.replace(WORD + "%3A", WORD + '"'), text.replace('", "logs', '" "logs'),
                       text.replace('{"amqp": ', '{"amqp": [').replace(', "logs', '], "logs'),
                       text.replace('"amqp"', '"password"'), text.replace('"amqp"', '"amqp": "amqp://h", "amqp"'),
                       text.replace(WORD, WORD + "\\ud800"), text.replace(WORD, WORD + "\n")):
            with self.subTest(broken=broken):
                self.config.write_text(broken)
                for command in (["check"], ["setup"], ["worker"]):
                    self.assertEqual(self.run_clean(*command, amqp="", redis="").code, 78)

    # --- core files -------------------------------------------------------------------------------------

    def core_of(self, command, env, ready, allow=False):
        """Did the process, killed by SIGSEGV with every limit lifted, leave a core?"""
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        with open(self.folder / "log", "wb") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, **env}, stderr=log, stdout=log,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
        fanfold.poll(lambda: ready in (self.folder / "log").read_text(), what=ready)
        if allow:
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (hard, hard))
        process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -os.WTERMSIG(status)
        self.assertEqual(os.WTERMSIG(status), signal.SIGSEGV)
        cores = glob.glob(str(self.folder / "core*"))
        for core in cores:
            os.unlink(core)
        return os.WCOREDUMP(status) or bool(cores)

    def test_a_crash_leaves_no_core(self):
        """Unless somebody raises the limit of the running process; then as any program does here."""
        self.run_clean("setup")
        worker = [fanfold.binary(), "worker", "--config", str(self.config), "--name", "crash"]
        self.assertFalse(self.core_of(worker, self.env(), "connected to redis"))
        any_program = self.core_of(["sh", "-c", "echo here; exec sleep 60"], {}, "here")
        self.assertEqual(self.core_of(worker, self.env(), "connected to redis", allow=True), any_program)


if __name__ == "__main__":
    unittest.main()
