"""Workers as people write them by hand, to compare with. FOLDER/manifest.json lists them:

    [ { "name": "python", "what": "Python: pika and redis-py", "prepare": ["python/prepare"],
        "command": ["python/run"] } ]

Programs are named from the manifest's folder. `prepare`, which may be left out, runs once before anything is
measured. `command` gets `--amqp URL --queue NAME --redis URL --events N --key-prefix P`, reads the stream from its
first event on, adds /data/n to the field n and 1 to the field events of the hash P + stock:{subject}, and ends
when N events are in. One that cannot run here says why on standard error and exits 77.
"""
import collections
import json
import pathlib
import subprocess

from process import Program

FOLDER = pathlib.Path(__file__).parent / "peers"
CANNOT_RUN = 77
Peer = collections.namedtuple("Peer", "name what prepare command")


class Skipped(Exception):
    """The peer cannot run on this machine, and this is why."""


def within(folder, command):
    return [str(folder / command[0]), *command[1:]] if command else []


def find(folder=FOLDER):
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return []
    return [Peer(given["name"], given["what"], within(folder, given.get("prepare")),
                 within(folder, given["command"]))
            for given in json.loads(manifest.read_text())]


def judge(peer, code, said):
    if code == CANNOT_RUN:
        raise Skipped((said.strip() or "it does not say why").splitlines()[-1])
    if code != 0:
        raise AssertionError(f"peer {peer.name}: exit {code}: {said[-500:]}")


def prepare(peer):
    if peer.prepare:
        done = subprocess.run(peer.prepare, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        judge(peer, done.returncode, done.stderr)


def run(peer, amqp, queue, redis, events, prefix):
    """The program, when it has ended well."""
    arguments = ["--amqp", amqp, "--queue", queue, "--redis", redis, "--events", events, "--key-prefix", prefix]
    with Program([*peer.command, *arguments]) as program:
        judge(peer, program.wait(), program.err)
        return program
