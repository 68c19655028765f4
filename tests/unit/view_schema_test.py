"""workers/view/view.schema.json says what the view compiler says.

Views of the tree are broken in thousands of ways, one at a time: a member is left out, one is added, a value
becomes one of another type. Whatever the compiler accepts, the schema must accept; what the compiler refuses,
the schema must refuse, unless all that is wrong is of a kind that no schema can tell (BEYOND).

    view_schema_test.py VIEW_FAULTS      VIEW_FAULTS: the compiler as a filter (view_faults.c)
"""
import collections
import copy
import json
import random
import re
import subprocess
import sys
import unittest

import fanfold
import jsonschema

VIEW_FAULTS = sys.argv.pop(1)
SCHEMA = json.loads((fanfold.SOURCE / "workers/view/view.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
MUTANTS = 6000  # tried; of all that there are, the same ones each time

# What a pointer, a template, a literal or the view as a whole may still have wrong.
BEYOND = [re.compile(text) for text in (
    r"points into (an element|a row)", r"leads \d+ \"each\" further out", r"a \"~\" in a pointer",
    r"^unknown (name|time unit)", r"^\"[{}]\" without", r"\{key\} is the index", r"parts in one template", r"^\{\}",
    r"levels of \"(each|do)\"", r"has a control character", r"beyond ±2\^53",
    r"not a time \(", r"not a number", r"not an integer",
    r"could give the same key", r"Fanfold's own", r"must say the same", r"depends? on the order of events",
    r"takes only \"max\"", r"needs times as scores", r"^without a time unit", r"makes a row that could expire",
    r"have a time unit in the key", r"has \d+ time units", r"must have \"newest\", or none",
    r"does not go by the time", r"do not go together", r"\"newest\" takes true.*found an object",
    r"no action of this view writes", r"expires \(", r"several exchanges have no common order",
    r"of that name already", r"has a row \"", r"rows of \"with\" can be seen", r"stands in /rows/\d+ already",
    r"\"expire\" counts from the time in the key", r"no text from elsewhere loads code", r"is listed twice",
    r"a plugin is loaded for a view file", r"the default",
)]

ODD = [None, True, False, 0, -1, 1.5, 3, "", "x", "7d", "/data/x", "./x", "@r", "{subject}", "{time:day}x", "a*", [],
       ["x"], [1, 2], {}, {"x": 1}, {"about": "x"}, {"at": "/data/x"}, {"at": "/data/x", "default": 1},
       {"sum": ["/data/x", 1]}, {"object": {"a": 1}}, {"literal": [1]}, {"gt": 1}, {"hash": "h:{id}"}]
# Members of any place, each with something that it takes somewhere.
MEMBERS = {"about": "text", "view": "v2", "exchange": "y", "park_by": "/id", "on_error": "skip", "plugin": "libx.so",
           "rows": [{"counter": "n", "add": True}], "parameters": {}, "$schema": "x.json", "on": ["t"], "targets": ["paris"],
           "hash": "new:{id}", "counter": "new:{id}", "zset": "new:{id}", "set": "new:{id}", "list": "new:{id}",
           "hll": "new:{id}", "json": "new:{id}", "set_once": {"a": 1}, "add": {"a": 1}, "subtract": 1, "max": {"a": 1},
           "min": {"a": 1}, "remove": ["a"], "score": {"a": 1}, "include": ["a"], "exclude": ["a"], "push": 1,
           "count": ["a"], "put": 1, "keep": 5, "expire": "7d", "delete": True, "newest": True,
           "with": {"r": {"hash": "h:{id}"}}, "if": {"/id": 1}, "each": "/data/x", "do": [{"counter": "new:{id}", "add": 1}],
           "eq": 1, "in": [1], "exists": True, "at": "/id", "default": 1, "sum": [1], "literal": 1, "unknown": 1}


def without_comments(text):
    return re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda m: m.group(1) or "", text, flags=re.S)


def views():
    """Every view of the tree that is an object of JSON: examples, data, what the fuzzer starts from."""
    source = fanfold.SOURCE
    paths = [*source.glob("workers/examples/*/views/*.json"), *source.glob("workers/examples/plugin/*.json"),
             *source.glob("tests/data/*/views/*.json"), *source.glob("tests/fuzz/views/*.json"),
             *source.glob("tests/fuzz/corpus/view/*")]
    for path in sorted(paths):
        if path.name.endswith(".cases.json"):
            continue
        try:
            view = json.loads(without_comments(path.read_text()), parse_float=lambda text: min(float(text), 1e300),
                              parse_constant=lambda text: 1)
        except ValueError:
            continue
        if isinstance(view, dict):
            yield str(path.relative_to(source)), view


def places(node, path=()):
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from places(child, (*path, name))


def at(node, path):
    for name in path:
        node = node[name]
    return node


def changed(view, path, change):
    """A copy of the view after change(parent, name) at the path."""
    view = copy.deepcopy(view)
    change(at(view, path[:-1]), path[-1])
    return view


def put(value):
    def change(parent, name):
        parent[name] = value
    return change


def drop(parent, name):
    del parent[name]


def mutants(view):
    for path in places(view):
        node = at(view, path)
        if path:
            yield changed(view, path, drop)
            for value in ODD:
                yield changed(view, path, put(value))
        if isinstance(node, dict):
            for name, value in MEMBERS.items():
                if name not in node:
                    yield changed(view, (*path, name), put(value))
            for name in node:
                twin = changed(view, (*path, name + "x"), put(node[name]))
                del at(twin, path)[name]
                yield twin


def compile_all(texts):
    done = subprocess.run([VIEW_FAULTS], input="\n".join(texts), capture_output=True, text=True, timeout=250,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_beyond(text):
    return any(pattern.search(text) for pattern in BEYOND)


class Schema(unittest.TestCase):
    def disagreements(self, found):
        """found: [(where from, view)]. Where the two disagree, with what the compiler says."""
        answers = compile_all([json.dumps(view) for _, view in found])
        self.assertEqual(len(answers), len(found))
        tally, wrong = collections.Counter(), []
        for (name, view), faults in zip(found, answers):
            texts = [text for _, text in faults]
            accepts = VALIDATOR.is_valid(view)
            told = [text for text in texts if not is_beyond(text)]
            tally["accepted" if not texts else "refused" if told else "beyond"] += 1
            if accepts and told or not accepts and not texts:
                wrong.append(f"{name}: the schema {'accepts' if accepts else 'refuses'} {json.dumps(view)[:1500]}\n"
                             f"  the compiler: {faults or 'accepts it'}")
        return tally, wrong

    def test_it_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_views_of_the_tree(self):
        tally, wrong = self.disagreements(list(views()))
        self.assertEqual(wrong, [])
        self.assertGreater(tally["accepted"], 15)

    def test_broken_views(self):
        found = [(name, mutant) for name, view in views() for mutant in mutants(view)]
        found = random.Random(1).sample(found, min(MUTANTS, len(found)))
        tally, wrong = self.disagreements(found)
        print(dict(tally), file=sys.stderr)
        self.assertEqual(len(wrong), 0, "\n".join(wrong[:15]))
        for kind in ("accepted", "refused"):
            self.assertGreater(tally[kind], MUTANTS // 20)
        self.assertGreater(tally["refused"], tally["beyond"], "the schema is hardly asked")

    def test_verbs_are_the_compilers(self):
        """None is missing in either, also where no view of the tree uses it."""
        done = subprocess.run([VIEW_FAULTS, "--verbs"], capture_output=True, text=True, timeout=60, check=True)
        common = {"about", "with", "if", "delete", "expire", "keep", "newest"}
        for structure, verbs in json.loads(done.stdout).items():
            for kind in ("_row", "_declared"):
                known = set(SCHEMA["definitions"][structure + kind]["properties"]) - common - {structure}
                self.assertEqual(known, set(verbs) - {structure}, structure)

    def test_the_test_can_fail(self):
        """A schema that has forgotten a verb, and one that takes any, disagree with the compiler."""
        view = next(view for name, view in views() if name.endswith("shop/views/stock.json"))
        unknown = copy.deepcopy(view)
        unknown["on"]["stock.received"][0]["ad"] = {"n": 1}
        global VALIDATOR
        kept = VALIDATOR
        self.addCleanup(globals().__setitem__, "VALIDATOR", kept)
        for row, told in (({"additionalProperties": True}, "accepts"), ({"not": {}}, "refuses")):
            schema = copy.deepcopy(SCHEMA)
            schema["definitions"]["hash_row"].update(row)
            VALIDATOR = jsonschema.Draft7Validator(schema)
            _, wrong = self.disagreements([("good", view), ("unknown", unknown)])
            self.assertEqual(len(wrong), 1)
            self.assertIn(f"the schema {told}", wrong[0])


if __name__ == "__main__":
    unittest.main()
