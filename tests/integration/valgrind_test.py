"""A worker's life under valgrind's memcheck: it starts, folds 10,000 events into six views, is told to end,
and ends; without one wrong access, and without a block of memory that nobody gives back. Nothing is
suppressed, neither in the libraries."""
import os
import shlex
import unittest
import unittest.mock
import uuid

import fanfold
import flow

FAULT = 97  # exit code when memcheck found something
COMMAND = ["valgrind", "--tool=memcheck", f"--error-exitcode={FAULT}", "--leak-check=full",
           "--show-leak-kinds=all", "--errors-for-leak-kinds=all", "--num-callers=30"]


def start_under_valgrind(project, name):
    """The worker says the same as always in its log; so does valgrind."""
    command = shlex.join([*COMMAND, fanfold.binary()])
    program = project.folder / "fanfold-under-valgrind"
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)
    with unittest.mock.patch.dict(os.environ, FANFOLD_TEST_BIN=str(program)):
        return project.worker(name)


class Valgrind(unittest.TestCase):
    def test_a_workers_life_is_clean(self):
        prefix = "valgrind-" + uuid.uuid4().hex[:8] + "-"
        exchange = prefix + "events"
        names = [prefix + name for name in flow.NAMES]
        events = flow.events(10_000, seed=13)
        project = fanfold.Project(fanfold.suite(), exchange, flow.views(exchange, prefix))
        with project.declared(prefix):
            worker = start_under_valgrind(project, prefix + "worker")
            worker.wait_for_log("Memcheck", 30)
            project.publish(events[:5_000])
            project.wait_for(names, 5_000, deadline=240)
            project.publish(events[5_000:])
            project.wait_for(names, 10_000, deadline=240)
            self.assertEqual(project.rows(prefix), flow.fold(events, prefix).rows)
            code = worker.sigterm(timeout=60)
            self.assertEqual(code, 0, worker.log()[-6000:])
            self.assertIn("ERROR SUMMARY: 0 errors", worker.log())
            self.assertEqual(project.owners(), {})


if __name__ == "__main__":
    unittest.main()
