"""A program under measurement: how long it ran, the processor time it took, and its largest memory."""
import os
import pathlib
import select
import signal
import subprocess
import time

import fanfold

TICKS = os.sysconf("SC_CLK_TCK")
TIMEOUT = 600
LOOK_MS = 5  # how often the memory is looked at


def cpu_seconds(pid):
    """User and system, of all threads so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_kib(pid):
    """The largest resident memory so far; 0 when the process is over."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


class Program:
    """Started at once; .seconds, .cpu and .peak_kib are known after wait()."""

    def __init__(self, args, stdin=subprocess.DEVNULL, env=None, cwd=None):
        self.name = pathlib.Path(str(args[0])).name
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [str(arg) for arg in args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
            env={**os.environ, **(env or {})}, preexec_fn=fanfold.die_with_parent)
        self.peak_kib = 0

    def await_line(self):
        """What the program says first: that it is ready."""
        line = self.process.stdout.readline().decode().strip()
        if not line:
            raise AssertionError(f"{self.name} ended: {self.process.communicate()[1].decode()[-500:]}")
        return line

    def wait(self):
        """Until it ends. Returns its exit code; .out and .err are what it said."""
        pid = self.process.pid
        ending = select.poll()
        descriptor = os.pidfd_open(pid)
        ending.register(descriptor, select.POLLIN)
        try:
            while not ending.poll(LOOK_MS):
                self.peak_kib = max(self.peak_kib, peak_kib(pid))
                if time.monotonic() - self.began > TIMEOUT:
                    raise AssertionError(f"{self.name} does not end")
            self.seconds = time.monotonic() - self.began
            self.cpu = cpu_seconds(pid)
        finally:
            os.close(descriptor)
        self.out, self.err = (stream.decode(errors="replace") for stream in self.process.communicate())
        return self.process.returncode

    def used(self):
        """Processor time so far, and the largest memory, of a program that runs."""
        return cpu_seconds(self.process.pid), peak_kib(self.process.pid)

    def finish(self):
        """As wait(), and it must have done well."""
        code = self.wait()
        if code != 0:
            raise AssertionError(f"{self.name}: exit {code}: {self.err[-500:]}")
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()
