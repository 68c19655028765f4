"""`fanfold test`: cases that fail are seen to fail, with what is wrong and where.

    test_command_test.py PLUGINS      PLUGINS: the folder of the plugins of this build
"""
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

import fanfold

PLUGINS = pathlib.Path(sys.argv.pop(1))
EXAMPLES = fanfold.SOURCE / "workers/examples"
COUNT = {"t": [{"hash": "n:{subject}", "add": {"n": "/data/n"}}]}


def event(n=1, subject="a", **members):
    return {"type": "t", "subject": subject, "data": {"n": n}, **members}


class Folder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fanfold-cases-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def view(self, name="v", on=None, **members):
        return self.write(f"{name}.json", {"view": name, "exchange": "x", "on": on or COUNT, **members})

    def cases(self, *cases, name="v"):
        """Each case is (name, given, expect); an expect without "rows" is the rows."""
        return self.write(f"{name}.cases.json", {"cases": [
            {"name": title, "given": given, "expect": expect if "rows" in expect else {"rows": expect}}
            for title, given, expect in cases]})

    def run_test(self, *args, **options):
        return fanfold.run_cli(["test", *args], cwd=self.folder, **options)


class Examples(unittest.TestCase):
    def test_every_view_has_cases_that_hold(self):
        for name in ("shop", "crm", "sensors"):
            with self.subTest(name):
                result = fanfold.run_cli(["test", EXAMPLES / name])
                self.assertEqual(result.code, 0, result.out + result.err)
                self.assertNotIn("has no cases", result.err)

    def test_the_plugin_has_cases_that_hold(self):
        result = fanfold.run_cli(["test", "example", "--json"], cwd=PLUGINS)
        self.assertEqual(result.code, 0, result.out + result.err)
        runs = {run["kind"]: run for run in json.loads(result.out)["files"][0]["cases"][0]["runs"]}
        self.assertGreater(runs["interleaved"]["runs"], 0, "its verbs commute")

    def test_every_case_of_the_examples_can_fail(self):
        """Each case with rows, one of which is taken out of what it expects."""
        with tempfile.TemporaryDirectory(prefix="fanfold-examples-") as name:
            folder = pathlib.Path(name)
            changed = 0
            for path in EXAMPLES.glob("*/views/*.cases.json"):
                shutil.copy(path.parent / path.name.replace(".cases", ""), folder)
                text = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M)
                cases = json.loads(text)["cases"]
                cases = [case for case in cases if case["expect"]["rows"]]
                for case in cases:
                    key = sorted(case["expect"]["rows"])[0]
                    del case["expect"]["rows"][key]
                    changed += 1
                (folder / path.name).write_text(json.dumps({"cases": cases}))
            result = fanfold.run_cli(["test", folder, "--json"])
            answer = json.loads(result.out)
            self.assertEqual((result.code, answer["failed"]), (1, changed), result.err)
            self.assertGreater(changed, 12)


class Command(Folder):
    def test_good(self):
        self.view()
        self.cases(("counts", [event(1), event(2)], {"n:a": {"n": "3"}}))
        result = self.run_test()
        self.assertEqual((result.code, result.out, result.err),
                         (0, "./v.cases.json\n  good   counts\n", "fanfold: 1 case, 0 failed\n"))

    def test_a_case_that_fails_says_what_and_the_others_go_on(self):
        self.view()
        self.cases(("wrong", [event(1), event(2, "b"), event("x", "c", id="e-3")],
                    {"n:a": {"n": "2", "m": "1"}, "n:z": {"n": "1"}}),
                   ("right", [event(1)], {"n:a": {"n": "1"}}))
        result = self.run_test("v.cases.json")
        self.assertEqual(result.code, 1)
        self.assertEqual(result.out, """\
v.cases.json
  FAILED wrong
    as given (expected → found):
    wrong n:a
      m: "1" → nothing
      n: "2" → "1"
    not expected n:b  {"n":"2"}
    missing n:z  {"n":"1"}
    wrong parked events
      e-3: nothing → "/on/t/0: hash n:{subject}, add n: /data/n is \\"x\\", not a number"
  good   right
""")
        self.assertEqual(result.err, "fanfold: 2 cases, 1 failed\n")

    def test_which_files(self):
        self.view()
        self.view("w")
        self.cases(("one", [], {}))
        for args in ((), (".",), (self.folder,), ("v.cases.json",)):
            result = self.run_test(*args)
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual("w.json has no cases" in result.err, args != ("v.cases.json",))
        self.write("other/fanfold.json", {"logs": [{"exchange": "x"}], "views": ".."})
        self.assertEqual(self.run_test("other").code, 0)
        self.assertEqual(fanfold.run_cli(["test"], cwd=self.folder / "other").code, 0)
        self.assertEqual(fanfold.run_cli(["test", "--config", self.folder / "other/fanfold.json"], cwd="/").code, 0)

    def test_the_upcast_of_the_log(self):
        """Events of former forms, by the configuration in force, or that of the folder."""
        old = {"type": "old", "subject": "a", "data": {"m": 2}}
        rules = [{"type": "old", "rename": {"/data/m": "/data/n"}, "to": {"type": "t"}}]
        self.write("fanfold.json", {"logs": [{"exchange": "x", "upcast": rules}], "views": "."})
        self.view()
        self.cases(("both forms", [event(), old], {"n:a": {"n": "3"}}))
        self.assertEqual(self.run_test().code, 0)
        self.assertEqual(self.run_test("v.cases.json").code, 0)
        self.assertEqual(fanfold.run_cli(["test", self.folder], cwd="/").code, 0)
        self.write("fanfold.json", {"logs": [{"exchange": "x"}], "views": "."})
        self.assertEqual(self.run_test().code, 1)
        self.write("fanfold.json", {"logs": [{"exchange": "x", "upcast": [{}]}], "views": "."})
        self.assertEqual(self.run_test().code, 78)

    def test_files_with_faults(self):
        self.view()
        self.write("empty/keep", "")
        self.write("broken/fanfold.json", {"views": 7})
        for args, said in ((["."], "no cases here: those of stock.json stand in stock.cases.json"),
                           (["empty"], "no cases here"), (["none"], "none: cannot read this folder"),
                           (["v.json"], "the cases of stock.json stand in stock.cases.json"),
                           (["broken"], "broken/fanfold.json:")):
            result = self.run_test(*args)
            self.assertEqual((result.code, result.out), (78, ""), args)
            self.assertIn(said, result.err)
        self.write("v.cases.json", '{"cases": [{"nam": "x"}]}')
        self.view("w", {"t": [{"hash": "w:{subject}", "ad": {"n": 1}}]})
        self.write("w.cases.json", '{"cases": 1}')
        result = self.run_test("--junit", "report.xml")
        self.assertEqual((result.code, result.out), (78, ""))
        for place in ("./v.cases.json:/cases/0/nam: ", "./v.cases.json:/cases/0/given: ", "./w.json:/on/t/0/ad: "):
            self.assertIn(place, result.err)
        self.assertFalse((self.folder / "report.xml").exists())
        self.assertEqual(self.run_test("--junt", "x").code, 2)

    def test_a_file_that_is_too_large_is_not_read(self):
        self.view()
        with open(self.folder / "v.cases.json", "wb") as file:
            file.truncate(1 << 40)
        result = self.run_test()
        self.assertEqual(result.code, 78)
        self.assertIn("v.cases.json: has 1099511627776 bytes; at most 4194304 are read", result.err)

    def test_json(self):
        self.view()
        self.cases(("wrong", [event(1)], {}), ("right", [], {}))
        result = self.run_test("--json")
        self.assertEqual((result.code, result.err), (1, "fanfold: 2 cases, 1 failed\n"))
        answer = json.loads(result.out)
        self.assertEqual((answer["cases"], answer["failed"]), (2, 1))
        wrong, right = answer["files"][0]["cases"]
        self.assertEqual((wrong["name"], wrong["good"], right["good"]), ("wrong", False, True))
        self.assertEqual(wrong["runs"][0],
                         {"kind": "as given", "runs": 1, "failed": 1, "how": "as given", "differences": [
                             {"what": "row", "key": "n:a", "expected": None, "found": {"n": "1"}}]})
        self.assertEqual([run["kind"] for run in right["runs"]],
                         ["as given", "duplicated", "split", "interleaved"])

    def test_junit(self):
        self.view()
        self.view("w", {"t": [{"hash": "w:{subject}", "set": {"n": "/data/n"}}]})
        name = 'tags <&> "quotes" \x01 \uffff ü'
        self.cases((name, [event("<&>\x02")], {}), ("right", [], {}))
        self.cases(("set", [event(1), event(2)], {"w:a": {"n": "2"}}), name="w")
        result = self.run_test("--junit", "report.xml")
        self.assertEqual(result.code, 1, result.err)
        root = xml.parse(self.folder / "report.xml").getroot()
        self.assertEqual((root.tag, root.get("tests"), root.get("failures")), ("testsuites", "3", "1"))
        v, w = root
        self.assertEqual((v.get("name"), v.get("tests"), v.get("failures")), ("./v.cases.json", "2", "1"))
        self.assertEqual((v[0].get("classname"), v[0].get("name")), ("v", 'tags <&> "quotes" \ufffd \ufffd ü'))
        self.assertEqual(v[0].find("failure").get("message"), "as given")
        self.assertIn('\\"<&>', v[0].find("failure").text)
        self.assertIsNone(v[1].find("failure"))
        self.assertEqual(w[0].find("system-out").text,
                         'not interleaved: /on/t/0/set: "set" depends on the order of events\n')
        result = self.run_test("--junit", "none/report.xml")
        self.assertEqual(result.code, 78)
        self.assertIn("cannot write none/report.xml: No such file or directory", result.err)

    def test_a_view_whose_order_matters_is_not_interleaved(self):
        self.view(on={"t": [{"hash": "n:{subject}", "set": {"n": "/data/n"}}]})
        self.cases(("last", [event(1), event(2)], {"n:a": {"n": "2"}}))
        result = self.run_test()
        self.assertEqual(result.code, 0, result.out)
        self.assertIn('  not interleaved: /on/t/0/set: "set" depends on the order of events\n', result.out)

    def test_what_is_not_varied_says_why(self):
        self.view(on_error="stop")
        self.cases(("stops", [event(1), event("x"), event(1)], {"rows": {"n:a": {"n": "1"}}, "stops": "not a number"}),
                   ("full", [event(2 ** 53), event(1, id="e-2")],
                    {"rows": {"n:a": {"n": str(2 ** 53)}}, "stops": "2^53"}))
        result = self.run_test()
        self.assertEqual(result.code, 0, result.out)
        self.assertEqual(result.out.count("    not varied: the view stops\n"), 2)
        self.view()
        self.cases(("full", [event(2 ** 53), event(1, id="e-2")],
                    {"rows": {"n:a": {"n": str(2 ** 53)}}, "parked": {"e-2": "2^53"}}))
        result = self.run_test()
        self.assertEqual(result.code, 0, result.out)
        self.assertIn("    not interleaved: which event a total has no room for depends on the order", result.out)

    def test_a_bug_in_a_view_is_found(self):
        """A constant where the quantity was meant, `newest` forgotten, a row read under a wrong key."""
        for good, bad, given, rows in (
                ({"t": [{"counter": "c", "add": "/data/n"}]}, {"t": [{"counter": "c", "add": 1}]},
                 [event(2), event(3)], {"c": 5}),
                ({"t": [{"hash": "h", "newest": True, "set": {"n": "/data/n"}}]},
                 {"t": [{"hash": "h", "set": {"n": "/data/n"}}]},
                 [event(1, time="2026-01-02T00:00:00Z"), event(2, time="2026-01-01T00:00:00Z")], {"h": {"n": "1"}}),
                ({"t": [{"with": {"r": {"set": "s:{subject}"}}, "each": "@r?", "do": [{"counter": "c", "add": 1}]},
                        {"set": "s:{subject}", "include": ["/data/n"]}]},
                 {"t": [{"with": {"r": {"set": "s:{/data/n}"}}, "each": "@r?", "do": [{"counter": "c", "add": 1}]},
                        {"set": "s:{subject}", "include": ["/data/n"]}]},
                 [event("x"), event("y"), event("z")], {"c": 3, "s:a": ["x", "y", "z"]})):
            with self.subTest(json.dumps(bad)):
                self.cases(("case", given, rows))
                self.view(on=good)
                self.assertEqual(self.run_test().code, 0, self.run_test().out)
                self.view(on=bad)
                result = self.run_test()
                self.assertEqual(result.code, 1)
                self.assertRegex(result.out, r"as given \(expected → found\):\n    (wrong|missing) ")

    def test_a_plugin_that_remembers_is_found_by_the_order(self):
        shutil.copy(PLUGINS / "libremembering.so", self.folder)
        self.view(plugin="libremembering.so", on=["t"], rows=[{"counter": "visits", "add": True}])
        self.cases(("visits", [event(subject="a"), event(subject="a"), event(subject="b"), event(subject="b")],
                    {"visits": 2}))
        result = self.run_test("--json")
        self.assertEqual(result.code, 1, result.out + result.err)
        runs = {run["kind"]: run for run in json.loads(result.out)["files"][0]["cases"][0]["runs"]}
        self.assertEqual({kind for kind, run in runs.items() if run["failed"]}, {"interleaved"})

    def test_a_thousand_events(self):
        self.view()
        self.cases(("many", [event(1, f"s{n % 7}") for n in range(1000)],
                    {f"n:s{n}": {"n": str(143 if n < 6 else 142)} for n in range(7)}))
        result = self.run_test()
        self.assertEqual(result.code, 0, result.out[:2000])


if __name__ == "__main__":
    unittest.main()
