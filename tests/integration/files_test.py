"""What needs no server: `fanfold check`, `fanfold try`, the help, the examples and README.md."""
import json
import pathlib
import re
import tempfile
import unittest

import fanfold

SHOP = fanfold.SOURCE / "workers/examples/shop"
CRM = fanfold.SOURCE / "workers/examples/crm"
SENSORS = fanfold.SOURCE / "workers/examples/sensors"
README = fanfold.SOURCE / "README.md"


class Folder(unittest.TestCase):
    """Each test has a folder of its own: fanfold.json with the logs t.a and t.b, and views/."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fanfold-files-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "views").mkdir()
        self.write("fanfold.json",
                   {"logs": [{"exchange": "t.a"}, {"exchange": "t.b"}], "views": "views"})

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def view(self, name, actions, **members):
        """Writes views/NAME.json, whose type "x" has these actions."""
        return self.write(f"views/{name}.json",
                          {"view": name, "exchange": "t.a", "on": {"x": actions}, **members})

    def run_cli(self, *args, **options):
        return fanfold.run_cli(args, cwd=self.folder, **options)


class Check(Folder):
    def assert_faults(self, result, expected):
        """expected: (file, pointer, texts that the line must contain …); no line may be left over."""
        lines = [line for line in result.err.splitlines() if not line.startswith("fanfold: ")]
        for file, pointer, *texts in expected:
            start = f"{file}:{pointer}: "
            found = [line for line in lines
                     if line.startswith(start) and all(text in line for text in texts)]
            self.assertTrue(found, f"no fault {start} with {texts} in:\n{result.err}")
            lines.remove(found[0])
        self.assertEqual(lines, [])
        self.assertEqual(result.code, 78, result.err)
        self.assertEqual(result.out, "")
        number = len(expected)
        self.assertTrue(result.err.endswith(f"fanfold: {number} fault{'s' * (number > 1)}\n"),
                        result.err)

    def check_view(self, actions, *expected, **members):
        self.view("a", actions, **members)
        self.assert_faults(self.run_cli("check"), [("views/a.json", *fault) for fault in expected])

    def test_good_files(self):
        self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"}}])
        result = self.run_cli("check")
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertEqual(result.err, "fanfold: fanfold.json and 1 view: good\n")

    def test_cases_are_no_views(self):
        self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"}}])
        self.write("views/a.cases.json", "[")
        result = self.run_cli("check")
        self.assertEqual((result.code, result.err), (0, "fanfold: fanfold.json and 1 view: good\n"))

    def test_comments_and_about_are_allowed(self):
        path = self.write("views/a.json", """
            // a view
            { "view": "a", /* between
                              lines */ "exchange": "t.a", "about": "top",
              "on": { "x": [ { "hash": "a:{/data/url}", "about": "an action",
                               "set": { "url": "/data/a", "all": "http://example.com/*" } } ] } }
            // the end""")
        self.assertEqual(self.run_cli("check").code, 0, self.run_cli("check").err)
        event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "x",
                 "data": {"url": "//k/*x*/", "a": "b // c"}}
        result = self.run_cli("try", path, "--json", stdin=json.dumps(event))
        self.assertEqual(json.loads(result.out)["rows"],
                         {"a://k/*x*/": {"all": "http://example.com/*", "url": "b // c"}})

    def test_unknown_verb(self):
        self.check_view([{"hash": "a:{subject}", "ad": {"n": 1}}],
                        ("/on/x/0/ad", 'unknown verb "ad" of a hash', 'did you mean "add"?'))

    def test_verb_of_another_structure(self):
        self.check_view([{"set": "a:{subject}", "push": "/data/n"}],
                        ("/on/x/0/push", "push", "set", "include"))

    def test_wrong_pointer(self):
        self.check_view([{"hash": "a:{subject}", "add": {"n": "/data/n~2"}}],
                        ("/on/x/0/add/n", '"~"', '"~0"', '"~1"'))

    def test_pointer_into_an_element_without_each(self):
        self.check_view([{"hash": "a:{subject}", "add": {"n": "./n"}}],
                        ("/on/x/0/add/n", "./n", '"each"'))

    def test_template_with_an_unknown_name(self):
        self.check_view([{"hash": "a:{sbject}", "add": {"n": 1}}],
                        ("/on/x/0/hash", "unknown name {sbject}", "did you mean {subject}?"))

    def test_template_with_an_unknown_unit(self):
        self.check_view([{"hash": "a:{time:weak}", "add": {"n": 1}}],
                        ("/on/x/0/hash", '"weak"', "year, month, day, hour, minute"))

    def test_brace_that_is_not_closed(self):
        self.check_view([{"hash": "a:{subject", "add": {"n": 1}}],
                        ("/on/x/0/hash", '"{" without "}"', '"{{"'))

    def test_name_that_begins_like_a_pointer(self):
        self.check_view([{"hash": "a:{subject}", "add": {"/data/sku": 1}}],
                        ("/on/x/0/add/~1data~1sku", "/data/sku", 'write "{/data/sku}"'))

    def test_types_in_the_wrong_place(self):
        self.check_view(
            [{"hash": 12, "add": {"n": 1}}, {"hash": "a:{subject}", "add": ["n"]}, 7,
             {"hash": "a:{subject}", "add": {"n": "seven"}},
             {"set": "a-set:{subject}", "include": {"n": 1}}],
            ("/on/x/0/hash", "takes a key, a text", "found the number 12"),
            ("/on/x/1/add", "{name: value, …}", "found a list"),
            ("/on/x/2", "an action is an object", "found the number 7"),
            ("/on/x/3/add/n", '"add" takes an integer', '"seven"'),
            ("/on/x/4/include", "a list of values", "found an object"))

    def test_on_must_be_an_object_of_lists(self):
        self.check_view([], ("/on/y", "a list of actions", "found an object"),
                        on={"y": {"hash": "a:1", "delete": True}})

    def test_unknown_members_name_the_nearest(self):
        self.check_view([{"hash": "a:{subject}", "add": {"n": 1}, "expires": "7d"}],
                        ("/exchang", 'unknown member "exchang"', 'did you mean "exchange"?'),
                        ("/on/x/0/expires", "expires", 'did you mean "expire"?'), exchang="t.a")

    def test_newest_is_for_all_actions_on_a_row_and_for_no_total(self):
        self.check_view(
            [{"hash": "a:{subject}", "newest": True, "set": {"q": "/data/q"}, "add": {"n": 1}}],
            ("/on/x/0/add", '"add" cannot go by "newest"', "without \"newest\""))
        self.check_view(
            [{"hash": "a:{subject}", "newest": True, "set": {"q": "/data/q"}},
             {"hash": "a:{id}", "set": {"r": "/data/r"}}],
            ("/on/x/1/set", 'must have "newest", or none, but /on/x/0 has it'))
        self.check_view(
            [{"hash": "a:{time:day}", "newest": True, "set": {"q": "/data/q"}, "expire": "7d"}],
            ("/on/x/0/expire", "do not go together"))

    def test_rows_that_with_cannot_read(self):
        do = [{"counter": "n:1", "add": "@r/n"}]
        self.check_view(
            [{"with": {"r": {"hash": "b:{subject}"}}, "do": do},
             {"with": {"r": {"zset": "z:{subject}"}}, "do": do},
             {"with": {"q": {"hash": "a:{subject}"}}, "do": do},
             {"hash": "a:{subject}", "set": {"q": "1"}}],
            ("/on/x/1/with/r/zset", "reads a hash, a set, a counter or a json"),
            ("/on/x/2/do/0/add", "points into a row", "there is @q"))
        self.check_view(
            [{"with": {"r": {"hash": "b:{subject}"}}, "do": do},
             {"hash": "a:{subject}", "set": {"q": "1"}}],
            ("/on/x/0/with/r", "no action of this view writes", '"a:{subject}"'))

    def test_order_of_several_exchanges(self):
        """What would need `newest` is refused; what commutes is not."""
        for verb in ("set", "set_once"):
            with self.subTest(verb):
                self.check_view([{"hash": "a:{subject}", verb: {"n": "/data/n"}}],
                                (f"/on/x/0/{verb}", f'"{verb}" depends on the order', "add", "newest"),
                                exchange=["t.a", "t.b"])
        self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"}, "max": {"m": "/data/n"}},
                        {"hash": "a:{subject}", "newest": True, "set": {"last": "/data/n"}}],
                  exchange=["t.a", "t.b"])
        self.assertEqual(self.run_cli("check").code, 0)

    def test_keys_that_may_collide_in_a_view(self):
        self.check_view([{"hash": "a:{subject}", "add": {"n": 1}},
                         {"counter": "a:{subject}:lines", "add": 1}],
                        ("/on/x/1/counter", '"a:{subject}:lines"', '"a:{subject}"', "/on/x/0",
                         "start differently"))

    def test_keys_that_may_collide_between_views(self):
        self.view("one", [{"hash": "stock:{subject}", "add": {"n": 1}}])
        self.view("two", [{"counter": "stock:total", "add": 1}])
        result = self.run_cli("check")
        self.assertEqual(result.code, 78)
        self.assertRegex(result.err, r'^views/two\.json:/on/x/0/counter: .*"stock:total".*"stock:".*'
                                     r'view "one" \(views/one\.json\).*change one of them')

    def test_keys_of_fanfold(self):
        self.check_view([{"hash": "fanfold:{subject}", "add": {"n": 1}}],
                        ("/on/x/0/hash", "Fanfold's own"))

    def test_key_without_a_literal_start(self):
        self.check_view([{"hash": "{subject}", "add": {"n": 1}}],
                        ("/on/x/0/hash", '"{subject}"', 'write such as "a:{subject}"'))

    def test_sliding_expiry(self):
        self.check_view([{"hash": "a:{subject}", "add": {"n": 1}, "expire": "7d"}],
                        ("/on/x/0/expire", "expire"))

    def test_not_json(self):
        self.write("views/a.json", '{ "view": "a",\n  "exchange": "t.a"\n  "on": {} }')
        self.assert_faults(self.run_cli("check"), [("views/a.json", "line 3, column 3", "','")])

    def test_bytes_behind_the_end(self):
        self.write("views/a.json", '{"view":"a","exchange":"t.a","on":{"x":[{"hash":"a:1","delete":true}]}} }')
        result = self.run_cli("check")
        self.assertEqual(result.code, 78)
        self.assertIn("views/a.json:line 1, column ", result.err)

    def test_exchange_without_a_log(self):
        self.check_view([{"hash": "a:{subject}", "add": {"n": 1}}],
                        ("/exchange", '"t.aa"', 'did you mean "t.', '"logs" in fanfold.json'),
                        exchange="t.aa")

    def test_two_views_of_one_name(self):
        self.view("a", [{"hash": "a:{subject}", "add": {"n": 1}}])
        self.view("b", [{"hash": "b:{subject}", "add": {"n": 1}}])
        (self.folder / "views/b.json").write_text(
            (self.folder / "views/b.json").read_text().replace('"view": "b"', '"view": "a"'))
        result = self.run_cli("check")
        self.assertEqual(result.code, 78)
        self.assertIn('views/b.json:/view: views/a.json is named "a" too', result.err)

    def test_all_faults_of_all_files_at_once(self):
        self.write("fanfold.json", {"logs": [{"exchange": "t.a", "partition": 1}], "views": "views",
                                    "redis": "http://127.0.0.1"})
        self.view("a", [{"hash": "a:{subject}", "ad": {"n": 1}},
                        {"hash": "a:{sbject}", "add": {"n": "/data/~x"}}])
        self.view("b", [{"list": "b:{subject}", "push": "/data/n", "keep": "many"}], on_error="explode")
        self.write("views/c.json", "[1, 2]")
        result = self.run_cli("check")
        for place in ("fanfold.json:/logs/0/partition:", "fanfold.json:/redis:",
                      "views/a.json:/on/x/0/ad:", "views/a.json:/on/x/1/hash:",
                      "views/a.json:/on/x/1/add/n:", "views/b.json:/on/x/0/keep:",
                      "views/b.json:/on_error:", "views/c.json:"):
            self.assertEqual(len([line for line in result.err.splitlines()
                                  if line.startswith(place + " ")]), 1, f"{place} in\n{result.err}")
        self.assertEqual(result.code, 78)

    def test_upcast(self):
        self.view("a", [{"hash": "a:{subject}", "add": {"n": 1}}])
        rules = [{"type": "v1", "to": {"type": "v2"}, "rename": {"/custmer": "/data/customer"}},
                 {"type": "v2", "too": {"type": "v3"}}]
        logs = [{"exchange": "t.a", "upcast": "up.json"}, {"exchange": "t.b", "upcast": rules}]
        self.write("fanfold.json", {"logs": logs, "views": "views"})
        self.write("up.json", """[ // from the first form on
            { "type": "v1", "to": { "type": "v2" } },
            { "type": "v2", "to": { "type": "v3" } }, { "type": "v3", "to": { "type": "v2" } } ]""")
        self.assert_faults(self.run_cli("check"), [
            ("up.json", "/1", "this chain does not end: v2 → v3 → v2;", 'leave "to" out'),
            ("fanfold.json", "/logs/1/upcast/0/rename/~1custmer",
             '"/custmer" is not inside "/data"', 'write "/data/custmer"'),
            ("fanfold.json", "/logs/1/upcast/1/too", 'did you mean "to"?'),
            ("fanfold.json", "/logs/1/upcast/1", "does nothing")])

        # What views will never see again is a likely mistake.
        self.write("up.json", [{"type": "x", "to": {"type": "x.v2"}}])
        del logs[1]
        self.write("fanfold.json", {"logs": logs, "views": "views"})
        result = self.run_cli("check")
        self.assertEqual(result.code, 0)
        self.assertIn('views/a.json:/on/x: warning: no event is "x" any more: the "upcast" of its log makes '
                      '"x.v2" of it; write that type\n', result.err)
        self.write("up.json", [{"type": "x", "dataschema": "1", "to": {"type": "x.v2"}}])
        self.assertNotIn("warning", self.run_cli("check").err)

    def test_a_folder_that_is_missing(self):
        self.write("fanfold.json", {"logs": [{"exchange": "t.a"}], "views": "vews"})
        result = self.run_cli("check")
        self.assertEqual(result.code, 78)
        self.assertIn('vews: cannot read the folder of views: No such file or directory; "views" in the '
                      "configuration names it\n", result.err)

    def test_files_by_name(self):
        self.view("a", [{"hash": "a:{subject}", "ad": {"n": 1}}])
        good = self.view("b", [{"hash": "b:{subject}", "add": {"n": 1}}])
        self.assertEqual(self.run_cli("check", good).code, 0)
        self.assertEqual(self.run_cli("check", "views/a.json", good).code, 78)
        self.assertEqual(self.run_cli("check", "views/none.json").code, 78)
        result = fanfold.run_cli(["check", good], cwd="/")
        self.assertEqual(result.code, 0, result.err)

    def test_configuration_before_or_behind_the_command_or_from_the_environment(self):
        config = self.folder / "fanfold.json"
        for args, env in ((["--config", config, "check"], {}), (["check", "--config", config], {}),
                          ([f"--config={config}", "check"], {}),
                          (["check"], {"FANFOLD_CONFIG": str(config)})):
            result = fanfold.run_cli(args, cwd="/", env=env)
            self.assertEqual((result.code, result.err), (0, f"fanfold: {config} and 0 views: good\n"))

    def test_a_password_is_never_printed(self):
        self.write("fanfold.json", {"logs": [{"exchange": "t.a"}], "views": "views",
                                    "amqp": "amqp://me:hunter2@127.0.0.1:99999/x",
                                    "redis": "redis://me:hunter2@[::1/0"})
        result = self.run_cli("check")
        self.assertEqual(result.code, 78)
        self.assertNotIn("hunter2", result.err + result.out)


def event(number, type="x", **members):
    return {"specversion": "1.0", "id": str(number), "source": "/t", "type": type, **members}


class Try(Folder):
    def setUp(self):
        super().setUp()
        self.path = self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"},
                                     "set": {"last": "/data/s?"}}])

    def try_lines(self, *lines, args=()):
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        return self.run_cli("try", self.path, *args, stdin=text)

    def test_rows(self):
        result = self.try_lines(event(1, subject="k", data={"n": 1, "s": "ü"}),
                                event(2, subject="long-key", data={"n": 2}))
        self.assertEqual(result.out, 'a:k         {"last":"ü","n":"1"}\na:long-key  {"n":"2"}\n')
        self.assertEqual(result.code, 0)
        self.assertEqual(result.err, "fanfold: events 2: folded 2, ignored 0, duplicates 0, parked 0; "
                                     "bad lines 0\n")

    def test_bad_lines_are_named_and_the_rest_goes_on(self):
        good = event(1, subject="k", data={"n": 1})
        lines = [good,                                                # 1
                 "not JSON",                                          # 2
                 {**event(2, data={"n": 1}), "type": None},           # 3: lacks a type
                 json.dumps(event(3, data={"n": 1}))[:-1],            # 4: unterminated
                 '{"specversion":"1.0","id":"4","data":',             # 5 and 6: a newline inside
                 '{"n":1}}',
                 "",                                                  # 7: blank lines are none
                 '"half a text',                                      # 8
                 {"n": 1},                                            # 9: data only, and no -t
                 {**event(5, subject="k", data={"n": 1}), "id": 5},   # 10
                 {**event(6, subject="k", data={"n": 1}), "specversion": "0.3"},  # 11
                 event(7, subject="k", data={"n": 4})]                # 12
        result = self.try_lines(*lines)
        self.assertEqual(result.code, 1)
        self.assertEqual(result.out, 'a:k  {"n":"5"}\n')
        said = dict(re.findall(r"^fanfold: line (\d+): (.*)$", result.err, re.M))
        self.assertEqual(sorted(said, key=int), ["2", "3", "4", "5", "6", "8", "9", "10", "11"])
        for number in ("2", "4", "5", "6", "8"):
            self.assertIn("not JSON", said[number])
        self.assertIn('no "type"', said["3"])
        self.assertIn("-t TYPE", said["9"])
        self.assertIn("id", said["10"])
        self.assertIn("specversion", said["11"])
        self.assertIn("bad lines 9", result.err)

    def test_bytes_that_are_not_utf8(self):
        line = json.dumps(event(1, subject="k", data={"n": 1, "s": "@"})).encode()
        result = self.run_cli("try", self.path, stdin=line.replace(b"@", b"\xff\xfe") + b"\n" + line)
        self.assertEqual(result.code, 1)
        self.assertIn("fanfold: line 1:", result.err)
        self.assertIn("UTF-8", result.err)
        self.assertEqual(result.out, 'a:k  {"last":"@","n":"1"}\n')

    def test_windows_line_ends_and_byte_order_mark(self):
        text = "\ufeff" + json.dumps(event(1, subject="k", data={"n": 1})) + "\r\n\r\n" + json.dumps(
            event(2, subject="k", data={"n": 2}))
        result = self.run_cli("try", self.path, stdin=text)
        self.assertEqual((result.code, result.out), (0, 'a:k  {"n":"3"}\n'), result.err)

    def test_a_line_of_17_mib(self):
        long = '{"specversion":"1.0","data":"' + "x" * (17 << 20) + '"}'
        result = self.try_lines(long, event(2, subject="k", data={"n": 2}))
        self.assertEqual((result.code, result.out), (1, 'a:k  {"n":"2"}\n'))
        self.assertIn("fanfold: line 1: longer than 16 MiB", result.err)

    def test_parked_and_waiting(self):
        result = self.try_lines(event(1, subject="k", data={"n": "many"}),
                                event(2, subject="k", data={"n": 1}),
                                event(3, subject="other", data={"n": 1}),
                                event(4, data={"n": 1}))
        self.assertEqual((result.code, result.out), (1, 'a:other  {"n":"1"}\n'))
        self.assertIn("fanfold: line 1 parks (x, id 1): /on/x/0: hash a:{subject}, add n: "
                      '/data/n is "many", not a number\n', result.err)
        self.assertIn("fanfold: line 2 parks (x, id 2): waits behind a parked event of the same key\n",
                      result.err)
        self.assertRegex(result.err, r"line 4 parks \(x, id 4\): /on/x/0: .*/subject is missing")
        self.assertIn("folded 1, ignored 0, duplicates 0, parked 3; bad lines 0", result.err)

    def test_json(self):
        self.path = self.view(
            "a", [{"hash": "a:{subject}", "set": {"n": "/data/n"}}, {"counter": "c-all", "add": "/data/n"},
                  {"zset": "z-all", "add": {"{subject}": "/data/n"}},
                  {"set": "s-all", "include": ["{subject}"]}, {"list": "l-all", "push": "{subject}"},
                  {"hll": "h-all", "count": ["{subject}"]}, {"json": "j-{subject}", "put": "/data"},
                  {"counter": "of-{time:day}", "add": 1, "expire": "2d"}])
        time = "2026-01-31T09:05:07Z"
        result = self.try_lines(event(1, subject="k", time=time, data={"n": 3}), "{",
                                event(2, subject="q", time=time, data={"n": 2}),
                                event(2, subject="q", time=time, data={"n": 2}), event(3, type="y"),
                                event(4, subject="k", time=time, data={"n": "1,5"}), args=["--json"])
        self.assertEqual(result.code, 1)
        self.assertEqual(result.err, "")
        found = json.loads(result.out)
        for entry in found["parked"] + found["bad_lines"]:
            self.assertTrue(entry.pop("reason"))
        self.assertEqual(found, {
            "view": "a",
            "rows": {"a:k": {"n": "3"}, "a:q": {"n": "2"}, "c-all": 5, "z-all": [["k", 3], ["q", 2]],
                     "s-all": ["k", "q"], "l-all": ["q", "k"], "h-all": 2, "j-k": {"n": 3},
                     "j-q": {"n": 2}, "of-2026-01-31": 2},
            "expire": {"of-2026-01-31": "2026-02-03T00:00:00.000Z"},
            "parked": [{"line": 6, "waits": False, "id": "4", "source": "/t", "type": "x"}],
            "bad_lines": [{"line": 2}],
            "tally": {"events": 5, "folded": 2, "ignored": 1, "duplicates": 1, "parked": 1,
                      "skipped": 0}})

    def test_upcast(self):
        """As a worker would fold the events of the view's log."""
        self.write("up.json", [
            {"type": "x.v1", "rename": {"/data/nn": "/data/n"}, "default": {"/data/by": "hand"},
             "to": {"type": "x"}}])
        self.write("fanfold.json", {"logs": [{"exchange": "t.a", "upcast": "up.json"}], "views": "views"})
        view = self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"}, "set": {"by": "/data/by?"}}])
        event = {"specversion": "1.0", "source": "/s"}
        events = [{**event, "id": "1", "type": "x.v1", "subject": "s", "data": {"nn": 2}},
                  {**event, "id": "1", "type": "x.v1", "subject": "s", "data": {"nn": 2}},  # a resend
                  {**event, "id": "2", "type": "x", "subject": "s", "data": {"n": 3}},
                  {**event, "id": "3", "type": "x.v1", "subject": "t", "data": {"nn": 2, "n": 3}},
                  {**event, "id": "4", "type": "x.v0", "subject": "s"}]
        result = self.run_cli("try", view, "--json", stdin=fanfold.ndjson(events))
        self.assertEqual(result.code, 1, result.err)
        answer = json.loads(result.out)
        self.assertEqual(answer["rows"], {"a:s": {"n": "5", "by": "hand"}})
        self.assertEqual([(e["line"], e["type"], e["reason"]) for e in answer["parked"]],
                         [(4, "x.v1", 'upcast of x.v1: rename "/data/n": is there already')])
        self.assertEqual((answer["tally"]["duplicates"], answer["tally"]["ignored"]), (1, 1))
        self.assertIn('events pass the "upcast" of t.a in fanfold.json', result.err)
        self.write("up.json", [{"type": "x.v1", "to": {"type": "x.v1"}}])
        self.assertEqual(self.run_cli("try", view, stdin="").code, 78)

    def test_data_only_with_flags(self):
        self.path = self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"},
                                     "set": {"of": "{source} {time} {/correlationid} {/colour}"}}])
        result = self.try_lines({"n": 2}, {"n": 3},
                                args=["-t", "x", "-s", "k", "--source", "/me", "--time",
                                      "2026-01-31T09:05:07+01:00", "--correlation-id", "c7", "-H",
                                      "colour=red"])
        self.assertEqual(result.out,
                         'a:k  {"n":"5","of":"/me 2026-01-31T08:05:07.000Z c7 red"}\n', result.err)
        self.assertEqual(result.code, 0)

    def test_id_reused(self):
        result = self.try_lines(event(1, subject="k", data={"n": 1}),
                                event(1, subject="k", data={"n": 2}),
                                {**event(1, subject="k", data={"n": 2}), "source": "/other"})
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, r"line 2 parks \(x, id 1\): id reused: .*must be unique")
        self.assertRegex(result.err, r"line 3 parks \(x, id 1\): waits behind")

    def test_total_beyond_2_53(self):
        result = self.try_lines(event(1, subject="k", data={"n": 2 ** 53}),
                                event(2, subject="k", data={"n": 1}),
                                event(3, subject="q", data={"n": -2 ** 53}),
                                event(4, subject="r", data={"n": 2 ** 53 + 1}))
        self.assertEqual(result.out, 'a:k  {"n":"9007199254740992"}\na:q  {"n":"-9007199254740992"}\n')
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, r"line 2 parks \(x, id 2\): .*2\^53")
        self.assertRegex(result.err, r"line 4 parks \(x, id 4\): .*2\^53")

    def test_on_error(self):
        bad = event(1, subject="k", data={})
        self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"}}], on_error="skip")
        result = self.try_lines(bad, event(2, subject="k", data={"n": 1}))
        self.assertEqual(result.out, 'a:k  {"n":"1"}\n')
        self.assertIn("parked 0, skipped 1; bad lines 0", result.err)
        self.assertRegex(result.err, "fanfold: line 1 is skipped: event 1 .*/data/n is missing")
        self.view("a", [{"hash": "a:{subject}", "add": {"n": "/data/n"}}], on_error="stop")
        result = self.try_lines(event(0, subject="k", data={"n": 5}), bad,
                                event(2, subject="k", data={"n": 1}))
        self.assertEqual((result.code, result.out), (1, 'a:k  {"n":"5"}\n'))
        self.assertRegex(result.err, r"line 2 stops the view: event 1 .*/data/n is missing")

    def test_bad_view(self):
        self.view("a", [{"hash": "a:{subject}", "ad": {"n": 1}}])
        result = self.try_lines(event(1))
        self.assertEqual((result.code, result.out), (78, ""))
        self.assertIn("/on/x/0/ad: unknown verb", result.err)
        self.assertEqual(self.run_cli("try", "none.json").code, 78)

    def test_nothing(self):
        result = self.try_lines()
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertEqual(self.try_lines(args=["--json"]).code, 0)


# Which options DESIGN and README promise; every other one is found through --help.
PROMISED = {
    "try": "--json --type --subject --source --time --header",
    "check": "",
    "test": "--junit --json",
    "setup": "",
    "publish": "--exchange --type --subject --data --id --source --key --correlation-id --header "
               "--strict --patience --json",
    "tail": "--exchange --from --count --partition --json",
    "get": "--json --target",
    "status": "--json --target",
    "verify": "--target --against",
    "worker": "--name --view --target",
    "recorder": "--exchange",
}


def commands():
    """{group's title: [command, …]} of `fanfold --help`."""
    groups = {}
    for line in fanfold.run_cli(["--help"]).out.splitlines():
        if re.fullmatch(r"[A-Z].*:", line):
            group = groups.setdefault(line[:-1], [])
        elif re.match(r"  [a-z]+  ", line):
            group.append(line.split()[0])
    return {title: names for title, names in groups.items() if names}


def command_names():
    return [name for names in commands().values() for name in names]


def said_options(name):
    """(letter or "", --option, its value or "") of each option in the command's help."""
    return re.findall(r"^  (?:(-\w), |    )(--[\w-]+)( [A-Z]+)?",
                      fanfold.run_cli([name, "--help"]).out, re.M)


def completed_options():
    """{command: its options}, as the completion script for bash offers them."""
    script = fanfold.run_cli(["completion", "bash"]).out
    return {name: set(re.findall(r"--?[\w-]+", words)) for name, words in
            re.findall(r"^    ([a-z]+)\)\n[^\n]*\n[^\n]*compgen -W '([^']*)'", script, re.M)}


class Help(Folder):
    def test_overview(self):
        result = self.run_cli("--help")
        self.assertEqual((result.code, result.err), (0, ""))
        titles = " ".join(commands())
        for subject in ("Files", "log", "Rows", "Servers"):
            self.assertIn(subject, titles)
        for name in PROMISED:
            self.assertIn(name, command_names())

    def test_every_command_says_its_options(self):
        for name in command_names():
            with self.subTest(name):
                result = self.run_cli(name, "--help")
                self.assertEqual((result.code, result.err), (0, ""))
                self.assertTrue(result.out.startswith(f"Usage: fanfold {name}"))
                self.assertIn("Examples:", result.out)
                said = {option for _, option, _ in said_options(name)}
                self.assertLessEqual(set(PROMISED.get(name, "").split()) | {"--config", "--help"}, said)
                self.assertEqual(self.run_cli("help", name).out, result.out)
                self.assertEqual(self.run_cli(name, "-h").out, result.out)

    def test_options_of_the_help_are_taken_and_no_other(self):
        for name in command_names():
            said = said_options(name)
            for letter, option, value in said:
                for form in filter(None, (letter, option)):
                    result = self.run_cli(name, form, *["x"] * bool(value), "--help")
                    self.assertEqual(result.code, 0, f"{name} {form}: {result.err}")
            for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
                if "-" + letter not in {form for form, _, _ in said}:
                    self.assertEqual(self.run_cli(name, "-" + letter, "x").code, 2, f"{name} -{letter}")

    def test_completion_offers_what_the_help_says(self):
        offered = completed_options()
        for name in PROMISED:
            self.assertEqual(offered[name], {option for _, option, _ in said_options(name)}, name)

    def test_usage_errors(self):
        for args, texts in (
                (["chekc"], ['unknown command "chekc"', 'did you mean "check"?']),
                (["zzzzzzzz"], ['unknown command "zzzzzzzz"', "fanfold --help"]),
                (["try", "a.json", "--jsno"], ["unknown option --jsno", "did you mean --json?"]),
                (["--confg", "x", "check"], ["unknown option --confg", "did you mean --config?"]),
                (["publish", "-Q"], ["unknown option -Q", "fanfold publish --help"]),
                (["publish", "--type"], ["--type needs a value", "--type TYPE"]),
                (["publish", "--json=yes"], ["--json takes no value"]),
                (["publish", "one"], ['"one" is one argument too many']),
                (["try"], ["an argument is missing", "VIEW.json"]),
                (["publish", "-H", "no-sign", "-d", "1"], ["-H no-sign", "NAME=VALUE"]),
                (["publish", "--time", "noon", "-d", "1"], ["--time noon", "2026-01-31T09:05:07Z"]),
                (["publish", "--patience", "soon"], ["--patience soon", "30s"]),
                (["publish", "--id", "7"], ["--id is for one event"]),
                (["publish", "-e", "t.a", "-d", "{"], ["-d", "not JSON"]),
                (["tail", "--from", "yesterday"], ["--from yesterday", "first"]),
                (["tail", "-n", "0"], ["0", "whole number"]),
                (["publish", "-d", "1", "-t", "x"], ["2 logs", "-e", "t.a, t.b"]),
                (["worker", "--budget", "3"], ["--budget 3", "64M"]),
                (["worker", "--name", "a b"], ["--name"]),
                ([], ["Usage:"])):
            with self.subTest(args=args):
                result = self.run_cli(*args, env={"FANFOLD_AMQP_URL": "amqp://127.0.0.1:1"})
                self.assertEqual((result.code, result.out), (2, ""), result.err)
                for text in texts:
                    self.assertIn(text, result.err)

    def test_version(self):
        result = self.run_cli("--version")
        project = re.search(r"VERSION (\d+\.\d+\.\d+)", (fanfold.SOURCE / "CMakeLists.txt").read_text())
        self.assertEqual(result.code, 0)
        self.assertIn(project[1], result.out)
        self.assertEqual(self.run_cli("version").out, result.out)


class Readme(Folder):
    text = README.read_text()

    def blocks(self):
        """The indented blocks of README.md, without their indentation."""
        found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", self.text, re.M)
        return [re.sub("^    ", "", block, flags=re.M).strip("\n") for block in found]

    def block(self, start):
        found = [block for block in self.blocks() if block.startswith(start)]
        self.assertEqual(len(found), 1, f"blocks that start with {start!r}")
        return found[0]

    def test_the_first_view(self):
        self.write("stock.json", self.block('{\n  "view": "stock"'))
        cat, *session = self.block("$ cat events.ndjson").splitlines()
        at = next(i for i, line in enumerate(session) if line.startswith("$ "))
        events, command, expected = session[:at], session[at], session[at + 1:]
        self.assertEqual(command, "$ fanfold try stock.json < events.ndjson")
        result = self.run_cli("try", "stock.json", stdin="\n".join(events))
        self.assertEqual(result.out.splitlines(), expected)
        self.assertEqual(result.code, 0)

    def test_the_first_cases(self):
        self.write("views/stock.json", self.block('{\n  "view": "stock"'))
        self.write("views/stock.cases.json", self.block('{\n  "cases"'))
        result = self.run_cli("test")
        self.assertEqual((result.code, result.err), (0, "fanfold: 1 case, 0 failed\n"), result.out)

    def test_the_configuration(self):
        self.write("fanfold.json", self.block('{\n  "amqp":'))
        self.write("views/stock.json", self.block('{\n  "view": "stock"'))
        result = self.run_cli("check")
        self.assertEqual((result.code, result.err), (0, "fanfold: fanfold.json and 1 view: good\n"))

    def test_the_log_of_an_exchange_one_has(self):
        self.write("fanfold.json", "{" + self.block('"logs": [ { "exchange": "sensors"') + ', "views":"views"}')
        self.assertEqual(self.run_cli("check").code, 0, self.run_cli("check").err)

    def test_the_upcast_of_a_former_form(self):
        self.write("fanfold.json", "{" + self.block('"logs": [ { "exchange": "shop.events", "upcast"') + "}")
        view = self.write("views/v.json", {"view": "v", "exchange": "shop.events", "on": {
            "order.placed.v2": [{"json": "v:{subject}", "put": "/data"}]}})
        self.assertEqual(self.run_cli("check").code, 0)
        event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "order.placed", "subject": "o",
                 "data": {"custmer": "c", "address": "a", "name": "Ada King Lovelace"}}
        result = self.run_cli("try", view, "--json", stdin=json.dumps(event))
        self.assertEqual(json.loads(result.out)["rows"], {"v:o": {
            "customer": "c", "shipping": {"address": "a"}, "first": "Ada", "last": "King Lovelace",
            "currency": "EUR"}}, result.err)

    def test_the_table_of_commands(self):
        listed = re.findall(r"^\| `fanfold ([a-z]+)", self.text, re.M)
        groups = commands()
        own = groups.pop("Fanfold itself")
        known = [name for names in groups.values() for name in names]
        self.assertEqual(sorted(listed), sorted(known))
        self.assertEqual(sorted(own), ["completion", "help", "version"])

    def test_every_command_line_is_one(self):
        """No example of README.md uses a command or an option that does not exist."""
        said = completed_options()
        for line in re.findall(r"(?:^    |`|\$ )fanfold ([a-z]+ ?[^`#|&<\n]*)", self.text, re.M):
            command, *words = line.split()
            self.assertIn(command, command_names(), line)
            for word in words:
                if word.startswith("-"):
                    self.assertIn(word, said[command], line)

    def test_verbs_of_the_tables(self):
        """Each verb that README.md lists is known to the structure in whose row it stands."""
        args = {"remove": ["x"], "include": ["x"], "exclude": ["x"], "count": ["x"], "push": "x", "put": "x"}
        for structure, cell in re.findall(r"^\| `(\w+)` \| (.*) \|$", self.text, re.M):
            if structure not in ("hash", "counter", "zset", "set", "list", "hll", "json"):
                continue
            for verb in re.findall(r"`(\w+)`", cell):
                if verb == "keep":
                    continue
                value = args.get(verb, 1 if structure == "counter" else {"f": 1})
                self.view("a", [{structure: "a:{subject}", verb: value}])
                result = self.run_cli("check")
                self.assertEqual(result.code, 0, f"{structure} {verb}: {result.err}")


# --- the shop, folded once more in plain Python ----------------------------------------------------------

def add(rows, key, field, amount):
    row = rows.setdefault(key, {})
    row[field] = row.get(field, 0) + amount


def stock(rows, e):
    if e["type"] == "stock.received":
        add(rows, "stock:" + e["subject"], "on_hand", e["data"]["quantity"])
    for line in e["data"].get("lines", ()):
        key = "stock:" + line["sku"]
        add(rows, key, "reserved", line["quantity"] * (1 if e["type"] == "order.placed" else -1))
        if e["type"] == "order.shipped":
            add(rows, key, "on_hand", -line["quantity"])


def orders(rows, e):
    if not e["type"].startswith("order."):
        return
    row = rows.setdefault("order:" + e["subject"], {})
    open_orders = 0
    if e["type"] == "order.placed":
        row["status"] = "placed"
        if "customer" in e["data"]:
            row["customer"] = e["data"]["customer"]
        row["placed_at"] = e["time"][:16]
        for line in e["data"]["lines"]:
            row["total_cents"] = row.get("total_cents", 0) + line["quantity"] * line["price_cents"]
        rows["order-lines:" + e["subject"]] = e["data"]["lines"]
        rows["orders-latest"] = [e["subject"], *rows.get("orders-latest", [])][:10]
        open_orders = 1
    elif e["type"] == "order.cancelled":
        row["status"], open_orders = "cancelled", -1
        if "reason" in e["data"]:
            row["reason"] = e["data"]["reason"]
    elif e["type"] == "order.shipped":
        row["status"], row["carrier"], open_orders = "shipped", e["data"]["carrier"], -1
    row["changed_at"] = e["time"].replace("Z", ".000Z")
    if open_orders:
        rows["orders-open"] = rows.get("orders-open", 0) + open_orders


def sales_by_hour(rows, e):
    key = "sales:" + e["time"][:13]
    if e["type"] == "order.placed":
        add(rows, key, "orders", 1)
        time = e["time"].replace("Z", ".000Z")
        rows[key]["last_order_at"] = max(rows[key].get("last_order_at", time), time)
        for line in e["data"]["lines"]:
            add(rows, key, "units", line["quantity"])
            add(rows, key, "revenue_cents", line["quantity"] * line["price_cents"])
    elif e["type"] == "order.cancelled":
        add(rows, key, "cancelled", 1)


def best_sellers(rows, e):
    for line in e["data"].get("lines", ()):
        if e["type"] == "order.placed":
            add(rows, "best-sellers", line["sku"], line["quantity"])
            add(rows, "best-sellers-of:" + e["time"][:10], line["sku"], line["quantity"])
        elif e["type"] == "order.cancelled":
            add(rows, "best-sellers", line["sku"], -line["quantity"])


def distinct_customers(rows, e):
    customer = e["data"].get("customer")
    if e["type"] != "order.placed" or customer is None:
        return
    rows.setdefault("customers:" + e["time"][:10], set()).add(customer)
    if e["data"]["total_cents"] >= 5000:
        rows.setdefault("large-customers:" + e["time"][:7], set()).add(customer)


def as_printed(view, key, row):
    """A row of the naive fold as `try --json` prints it."""
    if view == "best-sellers":
        return [[sku, n] for n, sku in sorted(((n, sku) for sku, n in row.items()), reverse=True)]
    if key.startswith("customers:"):
        return len(row)  # a HyperLogLog is exact for as few as these
    if isinstance(row, set):
        return sorted(row)
    if isinstance(row, dict):
        return {field: str(value) for field, value in row.items()}
    return row


class Shop(unittest.TestCase):
    views = {"stock": stock, "orders": orders, "sales-by-hour": sales_by_hour,
             "best-sellers": best_sellers, "distinct-customers": distinct_customers}

    def test_check(self):
        result = fanfold.run_cli(["check"], cwd=SHOP)
        self.assertEqual((result.code, result.err), (0, "fanfold: fanfold.json and 5 views: good\n"))

    def test_every_view_equals_a_naive_fold(self):
        self.assertEqual({path.name.split(".")[0] for path in (SHOP / "views").glob("*.json")}, set(self.views))
        events = fanfold.read_ndjson(SHOP / "events.ndjson")
        for view, fold in self.views.items():
            with self.subTest(view):
                rows = {}
                for e in events:
                    fold(rows, e)
                expected = {key: as_printed(view, key, row) for key, row in rows.items()}
                result = fanfold.run_cli(["try", SHOP / f"views/{view}.json", "--json"],
                                         stdin=(SHOP / "events.ndjson").read_bytes())
                self.assertEqual(result.code, 0, result.err)
                self.assertEqual(json.loads(result.out)["rows"], expected)


# --- the sensors: the same, but sorted by the time first -------------------------------------------------

class Sensors(unittest.TestCase):
    @staticmethod
    def readings():
        """(time, line, place in the line, event, celsius) of all that was measured; celsius None: retired."""
        for line, e in enumerate(fanfold.read_ndjson(SENSORS / "events.ndjson")):
            time = e["time"].replace("Z", ".000Z")
            if e["type"] == "sensor.backlog":
                for n, entry in enumerate(e["data"]["readings"]):
                    yield entry["at"], line, n, e, entry["celsius"]
            else:
                yield time, line, 0, e, e["data"].get("celsius")

    def naive(self):
        rows, totals, warmth = {}, {}, {}
        for time, _, _, e, celsius in sorted(self.readings(), key=lambda reading: reading[:3]):
            sensor = e["subject"]
            if celsius is None:
                rows.pop("sensor:" + sensor, None)
                warmth.pop(sensor, None)
                continue
            rows.setdefault("sensor:" + sensor, {}).update(
                {"celsius": f"{celsius:g}", "measured_at": time, "gateway": e["source"]})
            if "battery" in e["data"]:
                rows["sensor:" + sensor]["battery"] = str(e["data"]["battery"])
            warmth[sensor] = celsius
            totals.setdefault("sensor-totals:" + sensor, []).append(celsius)
        for key, all_of_it in totals.items():
            rows[key] = {"readings": str(len(all_of_it)), "highest": f"{max(all_of_it):g}"}
        rows["sensors-by-celsius"] = [[s, c] for c, s in sorted(((c, s) for s, c in warmth.items()),
                                                                reverse=True)]
        return rows

    def test_check(self):
        result = fanfold.run_cli(["check"], cwd=SENSORS)
        self.assertEqual((result.code, result.err), (0, "fanfold: fanfold.json and 1 view: good\n"))

    def test_rows_are_the_latest_readings_in_whatever_order_they_come(self):
        lines = (SENSORS / "events.ndjson").read_text().splitlines(keepends=True)
        for turn in range(len(lines)):
            result = fanfold.run_cli(["try", SENSORS / "views/latest-readings.json", "--json"],
                                     stdin="".join(lines[turn:] + lines[:turn]))
            self.assertEqual(result.code, 0, result.err)
            self.assertEqual(json.loads(result.out)["rows"], self.naive())


class Crm(unittest.TestCase):
    FORMER = [("customer.grouped", "ada", {"group": "gold"}, {}),
              ("order.placed", "o-1", {"custmer": "bonn/ada", "amount": {"cents": 1250}},
               {"dataschema": "https://crm.example/order/1"})]
    TODAY = [("customer.segmented", "ada", {"segment": "gold"}, {}),
             ("order.placed", "o-1", {"customer": "ada", "total_cents": 1250, "lines": []}, {})]

    def rows(self, events):
        lines = [{"specversion": "1.0", "id": str(i), "source": "/crm", "type": kind, "subject": subject,
                  "data": data, **more} for i, (kind, subject, data, more) in enumerate(events)]
        result = fanfold.run_cli(["try", "views/customers.json", "--json"], cwd=CRM, stdin=fanfold.ndjson(lines))
        self.assertEqual(result.code, 0, result.err)
        return json.loads(result.out)["rows"]

    def test_check(self):
        result = fanfold.run_cli(["check"], cwd=CRM)
        self.assertEqual((result.code, result.err), (0, "fanfold: fanfold.json and 2 views: good\n"))

    def test_former_events_fold_as_those_of_today(self):
        rows = self.rows(self.TODAY)
        self.assertEqual(rows["order:o-1"], {"customer": "ada", "total_cents": "1250"})
        self.assertEqual(self.rows(self.FORMER), rows)


if __name__ == "__main__":
    unittest.main()
