"""What a recorded log is, seen from outside: which process records it, and what stands in its partitions
(workers/event/record.h), in plain Python."""
import contextlib
import json
import os
import pathlib

import fanfold
import partitions
import pika

PAUSE_SECONDS, PAUSES = 0.05, 6  # nothing came for so long: that is its end; before the first, so often


# --- processes -----------------------------------------------------------------------------------------

def children(pid):
    """The `fanfold recorder` processes of a worker: {pid: number of partitions}."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if parent == pid and words[1:2] == [b"recorder"]:
            found[int(path.name)] = json.loads(words[words.index(b"--log") + 1])["partitions"]
    return found


def records(pid, count):
    """Does the process record, or stand by? One connection for each partition tells; standing by takes one."""
    try:
        files = [os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return sum(file.startswith("socket:") for file in files) > count


# --- partitions ----------------------------------------------------------------------------------------

class Chain:
    """One partition, read on from where it was read last. offsets: of its events in the intake; repeats: how
    many records came again; hole: what is missing before a record that came already."""

    def __init__(self, addresses, queue):
        self.addresses, self.queue = addresses, queue
        self.next_record = self.taken = self.repeats = 0
        self.offsets, self.hole = [], None

    def read_on(self):
        pauses, before = 0, self.next_record
        # pika's good-bye refuses what it has not handed out, which a stream does not know
        with contextlib.suppress(pika.exceptions.AMQPError), self.addresses.amqp() as connection:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=2000)
            for method, properties, body in channel.consume(
                    self.queue, arguments={"x-stream-offset": self.next_record}, inactivity_timeout=PAUSE_SECONDS):
                if method is None:
                    pauses += 1
                    if pauses == PAUSES or self.next_record > before:
                        break
                    continue
                channel.basic_ack(method.delivery_tag)
                if properties.headers["x-stream-offset"] >= self.next_record:
                    self.next_record = properties.headers["x-stream-offset"] + 1
                    for entry in partitions.entries_of(body):
                        self.take(entry)
        return self

    def take(self, record):
        if record.offset < self.taken:
            self.repeats += 1
        elif record.since > self.taken:
            self.hole = (self.taken, record.since)
        else:
            self.taken, self.hole = record.offset + 1, None
            if not record.mark:
                self.offsets.append(record.offset)


class Log:
    """The partitions of a log, in all numbers that it has had."""

    def __init__(self, addresses, exchange, count):
        self.addresses, self.exchange = addresses, exchange
        self.sets = {}
        self.set(count)

    def set(self, count):
        """Its partitions by this number; none of their own where it is 1."""
        if count > 1 and count not in self.sets:
            self.sets[count] = [Chain(self.addresses, f"{self.exchange}.part.{count}.{number}")
                                for number in range(count)]
        return self.sets.get(count, [])

    def events(self, count):
        return sum(len(chain.read_on().offsets) for chain in self.set(count))

    def repeats(self, count):
        return sum(chain.read_on().repeats for chain in self.set(count))

    def wrong(self, intake, in_force):
        """What is wrong with the partitions; intake: (offset, event) in its order. Those that are in force
        hold all of it, others the beginning."""
        return [fault for count in self.sets for fault in self.wrong_set(count, intake, count in in_force)]

    def wrong_set(self, count, intake, whole):
        expected = [[] for _ in range(count)]
        for offset, event in intake:
            expected[partitions.partition_of(event["subject"].encode(), count)].append(offset)
        for chain, right in zip(self.set(count), expected):
            if whole:
                fanfold.poll(lambda: chain.read_on().taken > right[-1], 60, f"offset {right[-1]} in {chain.queue}")
            got = chain.read_on().offsets
            if got != right[:len(got)] or chain.hole:
                at = next((i for i, pair in enumerate(zip(got, right)) if len(set(pair)) > 1), len(right))
                yield (f"{chain.queue} goes on with offsets {got[at:at + 3]} behind its event {at}, should be "
                       f"{right[at:at + 3]}; hole: {chain.hole}")
