"""The publishers of a chaos run: `fanfold publish`, killed now and then, and one that knows nothing of
Fanfold. Each goes on until it is stopped, and knows which of its events the broker has confirmed."""
import contextlib
import datetime
import json
import os
import subprocess
import threading
import time

import fanfold
import flow
import pika

CHUNK = 2000      # events a `fanfold publish` gets
PAUSE = 1.0       # seconds between two chunks: the log must stay small enough for a naive fold
FOREIGN_PAUSE = 0.005
FOREIGN_START = 10_000_000  # its ids begin here


class Ours(threading.Thread):
    """Chunk after chunk through `fanfold publish`; a chunk whose publisher ended badly is published again
    from its start, as a person would."""

    def __init__(self, project, url, seed, bad):
        super().__init__(daemon=True)  # a run that fails does not wait for it
        self.project, self.url, self.seed, self.bad = project, url, seed, bad
        self.confirmed = set()      # (source, id)
        self.killed = self.again = 0
        self.process = None
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            start = 0
            while not self.ending.is_set():
                chunk = flow.events(CHUNK, self.seed + start, start, self.bad)
                self.publish(chunk)
                self.confirmed.update((event["source"], event["id"]) for event in chunk)
                start += CHUNK
                self.ending.wait(PAUSE)
        except Exception as error:  # shown by the run, which is another thread
            self.failure = error

    def publish(self, chunk):
        text = fanfold.ndjson(chunk).encode()
        while True:
            self.process = subprocess.Popen(
                [fanfold.binary(), "publish", "--config", str(self.project.config), "-e",
                 self.project.exchange, "--json", "--patience", "forever"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, "FANFOLD_AMQP_URL": self.url}, preexec_fn=fanfold.die_with_parent)
            out, err = self.feed(text)
            if self.process.returncode == 0:
                return
            if self.process.returncode > 0:
                raise AssertionError(f"publish: exit {self.process.returncode}: {err.decode()} {out.decode()}")
            self.again += 1

    def feed(self, text):
        """In two parts with a moment between, so that a kill finds it at work."""
        half = len(text) // 2
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(text[:half])
            self.process.stdin.flush()
            time.sleep(0.05)
        try:
            return self.process.communicate(text[half:])
        except BrokenPipeError:
            return b"", b""

    def kill(self):
        """SIGKILL while it publishes; True when it was caught."""
        process = self.process
        if process is None or process.poll() is not None:
            return False
        process.kill()
        if process.wait(10) != -9:
            return False
        self.killed += 1
        return True


class Foreign(threading.Thread):
    """Plain JSON bodies, attributes in the AMQP properties, one confirm at a time; sends an event again
    until it is confirmed."""

    def __init__(self, addresses, exchange, seed, bad):
        super().__init__(daemon=True)
        self.addresses, self.exchange, self.seed, self.bad = addresses, exchange, seed, bad
        self.confirmed = set()
        self.reconnects = 0
        self.connection = None
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            start = FOREIGN_START
            while not self.ending.is_set():
                for event in flow.events(CHUNK, self.seed + start, start, self.bad):
                    self.publish({**event, "source": "/foreign"})
                    if self.ending.wait(FOREIGN_PAUSE):
                        break
                start += CHUNK
        except Exception as error:
            self.failure = error
        finally:
            self.disconnect()

    def publish(self, event):
        time_of = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
        properties = pika.BasicProperties(
            message_id=event["id"], type=event["type"], app_id=event["source"], delivery_mode=2,
            content_type="application/json", timestamp=int(time_of.timestamp()))
        body = json.dumps(event["data"], ensure_ascii=False).encode()
        while True:
            try:
                self.connect()
                self.channel.basic_publish(self.exchange, event["subject"], body, properties,
                                           mandatory=True)
                self.confirmed.add((event["source"], event["id"]))
                return
            except (pika.exceptions.AMQPError, OSError):
                self.disconnect()
                time.sleep(0.2)

    def connect(self):
        if self.connection is None:
            self.connection = self.addresses.amqp("publisher")
            self.channel = self.connection.channel()
            self.channel.confirm_delivery()
            self.reconnects += 1

    def disconnect(self):
        if self.connection is not None:
            with contextlib.suppress(Exception):
                self.connection.close()
            self.connection = None
