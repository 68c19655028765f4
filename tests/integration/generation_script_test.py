"""generation.lua by itself, at moments that a test of the commands would have to be lucky to meet: rows that
come to their end between the comparison and the switch, a command that slept meanwhile."""
import json
import unittest
import uuid

import fanfold

SCRIPT = fanfold.SOURCE / "workers" / "store" / "generation.lua"


def pack(texts):
    """An array of short texts as MessagePack."""
    return bytes([0x90 + len(texts)]) + b"".join(bytes([0xd9, len(text)]) + text.encode() for text in texts)


class GenerationScript(unittest.TestCase):
    def setUp(self):
        self.prefix = "script-" + uuid.uuid4().hex[:8] + "-"
        self.view = self.prefix + "v"
        self.redis = fanfold.suite().redis()
        self.addCleanup(self.redis.close)
        self.addCleanup(self.remove)
        self.script = self.redis.register_script(SCRIPT.read_text())

    def remove(self):
        for key in self.redis.scan_iter(f"*{self.prefix}*", count=1000):
            self.redis.delete(key)
        for key in ("fanfold:rebuilds", "fanfold:generations", "fanfold:kept"):
            self.redis.hdel(key, self.view)

    def call(self, action, *args):
        return self.script(keys=["fanfold:cursor:" + self.view, "fanfold:rebuilds", "fanfold:generations",
                                 "fanfold:kept"], args=[action, self.view, *args])

    def stand(self, live, build=None):
        self.redis.hset("fanfold:cursor:" + self.view, mapping={"epoch": "1.d", "p": f"1.d {live} 0 0"})
        if build is not None:
            self.redis.hset(f"fanfold:cursor:{self.view}@2", "p", f"2.d {build} 0 0")

    def begin(self, live, build, **more):
        self.stand(live)
        rows = [self.prefix + "row:"]
        self.assertEqual(self.call("begin", "{}", "d", json.dumps(
            {"follows": True, "aside": True, "partitions": ["p"], "old_partitions": ["p"], "rows": rows, "old_rows": rows, **more}), "0")[0], "ok")
        self.stand(live, build)

    def at(self, offset):
        """The positions of both, as compared."""
        return f"1.d {offset} 0 0", f"2.d {offset} 0 0"

    def put(self, *rows, generation=None):
        for row in rows:
            self.redis.hset((f"fanfold:g:{generation}:" if generation else "") + row, "made by", str(generation or 1))

    def rows(self):
        """{key: generation that made it}, of rows live, built and kept."""
        keys = [*self.redis.scan_iter(self.prefix + "row:*"), *self.redis.scan_iter(f"fanfold:g:*:{self.prefix}row:*")]
        return {key: self.redis.hget(key, "made by") for key in keys}

    def row(self, name):
        return self.prefix + "row:" + name

    def switch_after_the_end_of_rows(self, keep):
        """b came to its end in both generations, c in the new one, d, of the old one only, too."""
        a, b, c, d = map(self.row, "abcd")
        self.begin(5, 5)
        self.put(a, c)
        self.put(a, generation=2)
        self.assertEqual(self.call("hold", "2", "30000")[0], "ok")
        self.assertEqual(self.call("switch", "2", keep, pack([a, b, c]), pack([d]), *self.at(5)), ["ok", "done"])
        self.assertEqual(self.redis.hget("fanfold:rebuilds", self.view), None)
        self.assertEqual(self.redis.hget("fanfold:cursor:" + self.view, "p"), "2.d 5 0 0")
        return a, c

    def test_a_switch_to_what_was_compared_at_another_position(self):
        """The command slept after its comparison, its hold ended, and another command holds the view now."""
        a, b = map(self.row, "ab")
        self.begin(5, 5)
        self.put(a)
        self.put(a, generation=2)
        self.stand(6, 6)
        self.put(b)
        self.put(b, generation=2)
        self.assertEqual(self.call("hold", "2", "30000")[0], "ok")
        before = self.rows()
        self.assertEqual(self.call("switch", "2", "0", pack([a]), pack([]), *self.at(5)),
                         ["no", "the view has moved on meanwhile"])
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.call("switch", "2", "0", pack([a, b]), pack([]), *self.at(6)), ["ok", "done"])
        self.assertEqual(self.rows(), {a: "2", b: "2"})

    def test_a_retry_takes_no_hold_from_a_comparison(self):
        self.stand(7)
        hold = lambda: self.redis.hget("fanfold:cursor:" + self.view, "p/hold")
        self.assertEqual(self.call("hold_live", "1000", "p"), ["ok"])
        self.assertRegex(hold(), r"^\d+ 7 retry$")
        self.assertEqual(self.call("hold_live", "0", "p"), ["ok"])
        self.assertIsNone(hold())

        self.call("hold_live", "1000", "p")
        self.assertEqual(self.call("hold_at", "1000", "p", ""), ["ok", "7"])
        for ms in "1000", "0":
            self.assertEqual(self.call("hold_live", ms, "p")[0], "no")
        self.assertRegex(hold(), r"^\d+ 7$")
        self.redis.hset("fanfold:cursor:" + self.view, "p/hold", "1000 7")  # it has run out
        self.assertEqual(self.call("hold_live", "1000", "p"), ["ok"])

    def test_rows_that_came_to_their_end_meanwhile(self):
        a, _ = self.switch_after_the_end_of_rows("0")
        self.assertEqual(self.rows(), {a: "2"})

    def test_such_rows_and_the_former_ones_are_kept(self):
        a, c = self.switch_after_the_end_of_rows("1")
        self.assertEqual(self.rows(), {a: "2", "fanfold:g:1:" + a: "1", "fanfold:g:1:" + c: "1"})

    # --- to other partitions ---

    def adopt(self, old, new, epoch, digest, same_key=True):
        return self.call("adopt", epoch, "{}", digest,
                         json.dumps([{"from": old, "to": new, "same_key": same_key}]))

    def cursor(self):
        return self.redis.hgetall("fanfold:cursor:" + self.view)

    def write(self, **fields):
        self.redis.hset("fanfold:cursor:" + self.view,
                        mapping={name.replace("_", "/"): value for name, value in fields.items()})

    def test_no_epoch_comes_back_by_a_move(self):
        """A worker slept with the first batch of a partition, which the view has left, and come back to."""
        self.stand(7)
        epochs = ["1.d"]
        for old, new in (["p"], ["a", "b"]), (["a", "b"], ["p"]), (["p"], ["a", "b"]):
            self.assertEqual(self.adopt(old, new, epochs[-1], "d" if new == ["p"] else "e"), ["ok"])
            epochs.append(self.cursor()["epoch"])
        self.assertEqual(epochs, ["1.d", "2.e", "3.d", "4.e"])
        self.begin(7, 7)
        self.assertEqual(self.redis.hget("fanfold:generations", self.view), "5")

    def test_what_was_left_out_of_a_cut_log(self):
        """Each partition begins elsewhere; what lies behind that, and was not folded yet, is to be folded."""
        self.write(epoch="1.e", a="1.e 200 0 0", a_begins="100", b_begins="50000")
        self.assertEqual(self.adopt(["a", "b"], ["p"], "1.e", "d"), ["ok"])
        cursor = self.cursor()
        self.assertEqual((cursor["p/moved"], cursor["p/begins"]), ("2 201 50000", "100"))

    def test_as_many_partitions_again_are_one_set(self):
        """A partition without any event has no position, however often the view goes over."""
        self.stand(9)
        epoch, old, new = "1.d", ["p"], ["a", "b"]
        for turn in range(200):
            self.assertEqual(self.adopt(old, new, epoch, "x"), ["ok"])
            epoch, old, new = self.cursor()["epoch"], new, old
            if old == ["a", "b"]:
                self.write(a=f"{epoch} {turn + 20} 0 0")
        self.assertEqual(self.cursor()["p/moved"], "1 10;2 219 0")

    def test_by_another_key(self):
        """What former partitions had folded is known by their key only."""
        self.write(epoch="1.d", p="1.d 20 0 0", p_moved="2 21 30")
        refused = ["no", "not all partitions have come as far as the former ones were folded; try again later"]
        self.assertEqual(self.adopt(["p"], ["p"], "1.d", "e", same_key=False), refused)
        self.assertEqual(self.adopt(["p"], ["a", "b"], "1.d", "e", same_key=False), refused)
        self.write(p="1.d 29 0 0")
        self.assertEqual(self.adopt(["p"], ["p"], "1.d", "e", same_key=False), ["ok"])
        self.assertEqual(self.cursor()["p"], "1.e 29 0 0")


if __name__ == "__main__":
    unittest.main()
