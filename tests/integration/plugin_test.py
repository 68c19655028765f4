"""A fold in C, from the outside: Fanfold is installed, workers/examples/plugin is built against what was
installed, and its rows are those of a fold in plain Python, in `try` and under workers that are killed.

    plugin_test.py BUILD       BUILD: the folder in which Fanfold was built
"""
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid

import fanfold
import flow

BUILD = sys.argv.pop(1)
EXAMPLE = pathlib.Path("share/fanfold/examples")
EVENTS, EARLIER, KILLS = 60_000, 40_000, 4
BANDS = (("small", 2000), ("middle", 5000), ("large", float("inf")))
KEPT = 100


def band_of(total):
    return next(name for name, below in BANDS if total < below)


def is_credible(line):
    return 0 <= line["price_cents"] <= 10**9 and 1 <= line["quantity"] <= 1000


def fold(events, prefix="price-band"):
    """Rows, and how many events park. All verbs commute, so none waits behind another."""
    rows = collections.defaultdict(collections.Counter)
    largest, parked = {}, 0
    for event in events:
        if event["type"] != "order.placed":
            continue
        data = event["data"]
        if not all(is_credible(line) for line in data["lines"]):
            parked += 1
            continue
        total = sum(line["price_cents"] * line["quantity"] for line in data["lines"])
        rows[f"{prefix}:{event['time'][:10]}:{band_of(total)}"].update(orders=1, cents=total)
        if "customer" in data:
            largest[data["customer"]] = max(total, largest.get(data["customer"], total))
    kept = sorted(largest, key=lambda name: (largest[name], name))[-KEPT:]
    rows = {key: {field: str(n) for field, n in row.items()} for key, row in rows.items()}
    if kept:
        rows[prefix + "-largest"] = {name: largest[name] for name in kept}
    return rows, parked


def orders(count, seed):
    chance = random.Random(seed)
    for n in range(count):
        lines = [{"sku": f"k{chance.randrange(50)}", "quantity": chance.randint(1, 5),
                  "price_cents": chance.randint(1, 2500)} for _ in range(chance.randint(1, 3))]
        data = {"lines": lines}
        if chance.random() < 0.8:
            data["customer"] = f"c{chance.randrange(500)}"
        if n % 7001 == 7000:
            lines[-1]["quantity"] = 0
        yield {"specversion": "1.0", "id": f"o-{n}", "source": "/orders", "subject": f"s{n % 3000}",
               "type": "order.placed" if n % 10 else "order.shipped",
               "time": f"2026-03-{1 + n % 28:02}T{n % 24:02}:00:00Z", "data": data}


def run(*command, cwd=None, **env):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=cwd,
                          timeout=300, env={**os.environ, **env})
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Plugin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="fanfold-plugin-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "installed"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.example = cls.folder / "example"
        shutil.copytree(cls.prefix / EXAMPLE, cls.example)
        cls.build(cls.example / "plugin")
        os.environ["FANFOLD_TEST_BIN"] = str(cls.prefix / "bin/fanfold")

    @classmethod
    def build(cls, source):
        # Flags of the environment would take a sanitizer into a program that has none, or out of one.
        run("cmake", "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
            f"-DCMAKE_INSTALL_PREFIX={cls.prefix}", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS=-Werror")
        run("cmake", "--build", source / "build")

    def view(self, **members):
        text = (self.example / "plugin/price-bands.json").read_text()
        return {**json.loads(text), **members}

    def try_view(self, path, stdin):
        done = fanfold.run_cli(["try", "--json", path], stdin=stdin)
        self.assertIn(done.code, (0, 1), done.err)
        return json.loads(done.out)

    def test_only_the_contract_is_installed(self):
        headers = [path.name for path in (self.prefix / "include").rglob("*.h")]
        self.assertEqual(headers, ["fold.h"])

    def test_it_exports_one_symbol(self):
        library = self.example / "plugin/build/libprice-bands.so"
        names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()]
        self.assertEqual(names, ["fanfold_plugin"])

    def test_the_header_is_strict_c11_and_cpp(self):
        header = self.prefix / "include/fanfold/fold.h"
        run("cc", "-std=c11", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", header)
        source = self.folder / "plugin.cpp"
        source.write_text('#include <fanfold/fold.h>\n'
                          'static int fold(const void *, fanfold_call *call, const fanfold_host *host)\n'
                          '{ host->counter_add(call, "n", 2); return FANFOLD_DONE; }\n'
                          'const struct fanfold_plugin fanfold_plugin = { FANFOLD_PLUGIN_HEAD, .name = "p",\n'
                          '    .version = "1", .init = nullptr, .fold = fold, .release = nullptr };\n')
        run("c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
            "-I", self.prefix / "include", "-o", self.folder / "libcpp.so", source)
        view = self.folder / "cpp.json"
        view.write_text(json.dumps({"view": "p", "exchange": "x", "plugin": "libcpp.so",
                                    "rows": [{"counter": "n", "add": True}]}))
        self.assertEqual(self.try_view(view, fanfold.ndjson(orders(3, 1)))["rows"], {"n": 6})

    def test_try_gives_the_rows_of_a_naive_fold(self):
        events = fanfold.read_ndjson(self.example / "shop/events.ndjson") + list(orders(20_000, 1))
        answer = self.try_view(self.example / "plugin/build/price-bands.json", fanfold.ndjson(events))
        rows, parked = fold(events)
        got = {key: dict(row) if isinstance(row, list) else row for key, row in answer["rows"].items()}
        self.assertEqual(flow.wrong(got, rows), {})
        self.assertEqual(answer["tally"]["parked"], parked)
        self.assertGreater(parked, 0)
        reasons = {event["reason"] for event in answer["parked"]}
        self.assertTrue(all(reason.startswith("price-bands: 0 pieces of k") for reason in reasons), reasons)

    def test_it_is_found_in_the_installation(self):
        view = self.folder / "elsewhere.json"
        view.write_text(json.dumps(self.view()))
        done = fanfold.run_cli(["check", view])
        self.assertEqual(done.code, 78)
        self.assertIn('/plugin: cannot find "libprice-bands.so" beside the view file, nor as', done.err)
        run("cmake", "--install", self.example / "plugin/build")
        self.addCleanup(lambda: next(self.prefix.rglob("fanfold/libprice-bands.so")).unlink())
        self.assertEqual(fanfold.run_cli(["check", view]).code, 0)

    def test_parameters_are_checked(self):
        view = self.example / "plugin/build/other.json"
        view.write_text(json.dumps(self.view(parameters={"bands": [{"name": "b" * 99}]})))
        done = fanfold.run_cli(["check", view])
        self.assertEqual(done.code, 78)
        self.assertIn("/parameters: price-bands refuses: the name of a band has at most 31 bytes", done.err)

    def named(self, prefix):
        """The example under names of its own: the plugin has its keys in its code."""
        source = self.folder / prefix
        shutil.copytree(self.example / "plugin", source, ignore=shutil.ignore_patterns("build"))
        for name in ("price_bands.c", "price-bands.json"):
            text = (source / name).read_text()
            for old, new in (('"price-band:', f'"{prefix}:'), ('"price-band-largest"', f'"{prefix}-largest"'),
                             ('"view": "price-bands"', f'"view": "{prefix}"')):
                text = text.replace(old, new)
            (source / name).write_text(text)
        self.build(source)
        return source / "build"

    def done(self, project, view):
        return sum(project.tally(view).values())

    def test_rows_are_exact_while_workers_are_killed(self):
        seed = int(os.environ.get("FANFOLD_TEST_SEED") or random.randrange(1 << 32))
        print(f"FANFOLD_TEST_SEED={seed}", file=sys.stderr, flush=True)
        prefix = "bands-" + uuid.uuid4().hex[:8]
        built = self.named(prefix)
        exchange = prefix + ".events"
        view = {**json.loads((built / "price-bands.json").read_text()), "exchange": exchange}
        events = list(orders(EVENTS, seed))
        project = fanfold.Project(fanfold.suite(), exchange, [view])
        shutil.copy(built / "libprice-bands.so", pathlib.Path(project.config).parent / "views")
        with project.declared(prefix):
            project.publish(events[:EARLIER])
            worker, left = project.worker("w"), []
            with project.publishing(events[EARLIER:]) as publishing:
                for kill in range(KILLS):
                    mark = (kill + 1) * EARLIER // (KILLS + 2)
                    fanfold.poll(lambda: self.done(project, prefix) >= mark, 60, f"{mark} events", pause=0.002)
                    worker.sigkill()
                    left.append(EVENTS - self.done(project, prefix))
                    worker = project.worker("w")
                self.assertEqual(publishing.finish().code, 0)
            self.assertGreater(min(left), 0, "a worker was killed with nothing left to do")
            project.wait_for([prefix], EVENTS, deadline=90)
            rows, parked = fold(events, prefix)
            self.assertEqual(flow.wrong(project.rows(prefix), rows), {})
            self.assertEqual(project.tally(prefix)["parked"], parked)
            self.assertGreater(parked, 0)
            key = next(key for key in rows if key.endswith(":small"))
            done = project.cli("get", prefix, key)
            self.assertEqual(json.loads(done.out), rows[key], done.err)

    def test_a_new_version_is_not_folded_on_silently(self):
        prefix = "bands-" + uuid.uuid4().hex[:8]
        built = self.named(prefix)
        exchange = prefix + ".events"
        view = {**json.loads((built / "price-bands.json").read_text()), "exchange": exchange}
        events = [event for event in orders(200, 3) if event["type"] == "order.placed"]
        project = fanfold.Project(fanfold.suite(), exchange, [view])
        library = pathlib.Path(project.config).parent / "views/libprice-bands.so"
        shutil.copy(built / library.name, library)
        with project.declared(prefix):
            project.publish(events)
            with project.worker("old"):
                project.wait_for([prefix], len(events))
            source = built.parent / "price_bands.c"
            source.write_text(source.read_text().replace('.version = "1"', '.version = "2"'))
            self.build(built.parent)
            library.unlink()
            shutil.copy(built / library.name, library)
            with project.worker("new"):
                refused = fanfold.poll(lambda: [entry for entry in project.status()["refused"]
                                                if entry["view"] == prefix], what="the new version to be refused")
                self.assertIn("another definition is in force", refused[0]["reason"])


if __name__ == "__main__":
    unittest.main()
