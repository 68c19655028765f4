"""A rebuild under live traffic: a reader that looks at 200 rows in one moment never sees a mixed, an empty
or an older view, and the rows are those of a naive fold.

    FANFOLD_REBUILD_EVENTS=1000000    events of the log before the rebuild (default 60000)
    FANFOLD_REBUILD_ROWS=100000       rows of the view (default 2000); no more, for one switch takes all
"""
import json
import os
import sys
import time
import unittest
import uuid

import accounts
import fanfold
import flow

EVENTS = int(os.environ.get("FANFOLD_REBUILD_EVENTS", "60000"))
ROWS = int(os.environ.get("FANFOLD_REBUILD_ROWS", "2000"))


class Generations(unittest.TestCase):
    def setUp(self):
        self.prefix = "generations-" + uuid.uuid4().hex[:8] + "-"

    def fill(self, project, bank, count):
        for first in range(0, count, 100000):
            project.publish(bank.more(min(100000, count - first)), timeout=300)
        project.wait_for([bank.name], len(bank.log), 600)

    def assert_rows(self, project, bank, version):
        project.wait_for([bank.name], len(bank.log), 120)
        self.assertEqual(flow.wrong(project.rows(self.prefix), bank.naive(version)), {})

    def test_a_reader_during_rebuild_and_switch(self):
        bank = accounts.Accounts(self.prefix, ROWS)
        with fanfold.Project(fanfold.suite(), bank.exchange, [bank.view(1)]).declared(self.prefix) as project:
            project.start_workers([self.prefix + "a", self.prefix + "b"])
            self.fill(project, bank, max(EVENTS, ROWS))
            project.write_view(bank.view(2))
            with bank.reader(project) as reader, accounts.Traffic(project, bank) as traffic:
                begin = time.monotonic()
                result = project.cli("rebuild", bank.name, "--yes", "--json", timeout=900)
                took = time.monotonic() - begin
                self.assertEqual(result.code, 0, result.err + project.worker_logs())
                behind = len(bank.log) + 10 * accounts.PORTION
                fanfold.poll(lambda: len(bank.log) >= behind, 60, "more events after the switch")
            self.assertEqual(traffic.result.code, 0, traffic.result.err)
            found = reader.verdict()
            self.assertEqual(found["generations"], ["1", "2"])
            self.assertGreater(found["looks"], 20)
            answer = json.loads(result.out)
            self.assertEqual((answer["changed"], answer["only_live"], answer["only_new"]), (ROWS, 0, 0))
            self.assert_rows(project, bank, 2)
            print(f"{EVENTS} events, {ROWS} rows: rebuilt in {took:.1f} s ({EVENTS / took:.0f} events/s); commits held "
                  f"{found['held_ms']:.0f} ms; {found['looks']} looks of the reader, the longest {found['longest_ms']:.0f} ms, "
                  f"that of the switch {found['switch_ms']:.0f} ms",
                  file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
