"""The partitions of a recorded log, written once more without a look at workers/: where an event belongs
(event/partition_key.h), and what a reader makes of the records (event/record.h).

    reader = partitions.Reader(addresses, "shop.events", parts)     parts: the names of the streams
    reader.until(lambda: reader.recorded() == reader.intake_offsets())
    reader.check(key_of)                      every event once, where it belongs, as it was
    reader.duplicates, reader.gaps, reader.marks
"""
import contextlib
import struct
import time

import pika

WORD = (1 << 64) - 1
CREDIT = 100  # messages acknowledged at a time
OURS = {"fanfold-offset": int, "fanfold-from": int, "fanfold-key": str, "fanfold-exchange": str,
        "fanfold-mark": bool}
PROPERTIES = ("content_type", "content_encoding", "message_id", "type", "app_id", "correlation_id", "timestamp")


def hash_of(key):
    """key: bytes."""
    x = 14695981039346656037
    for byte in key:
        x = ((x ^ byte) * 1099511628211) & WORD
    for factor in (0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53):
        x ^= x >> 33
        x = (x * factor) & WORD
    return x ^ x >> 33


def partition_of(key, count):
    return hash_of(key.encode() if isinstance(key, str) else key) % count


def signed(value):
    """pika 1.2 reads 64 bits without their sign."""
    return value - (1 << 64) if isinstance(value, int) and value > WORD >> 1 else value


class Message:
    def __init__(self, method, properties, body):
        self.headers = {name: signed(value) for name, value in (properties.headers or {}).items()}
        self.place = self.headers.pop("x-stream-offset")  # in its stream
        self.key, self.exchange, self.body = method.routing_key, method.exchange, body
        self.properties = {name: getattr(properties, name) for name in PROPERTIES}

    def content(self):
        return self.exchange, self.key, self.properties, self.headers, self.body


class Record:
    """A message of a partition; .event is the one of the intake that it says it is."""

    def __init__(self, message, exchange):
        ours = {name: message.headers.pop(name) for name in OURS if name in message.headers}
        for name, value in ours.items():
            assert isinstance(value, OURS[name]), (name, value)
        assert "fanfold-offset" in ours and "fanfold-from" in ours, ours
        self.offset, self.since = ours["fanfold-offset"], ours["fanfold-from"]
        self.mark = ours.get("fanfold-mark", False)
        message.headers = {name[len("fanfold-own-"):] if name.startswith("fanfold-own-") else name: value
                           for name, value in message.headers.items()}
        message.key = ours.get("fanfold-key")
        message.exchange = ours.get("fanfold-exchange", exchange)
        self.event = message


class Chain:
    """What a reader of one partition takes."""

    def __init__(self):
        self.taken, self.begin, self.records = None, None, []
        self.old = self.gaps = self.marks = 0

    def take(self, record):
        if self.taken is None:
            self.taken = self.begin = record.since
        if record.offset < self.taken:
            self.old += 1
        elif record.since > self.taken:
            self.gaps += 1
        else:
            self.taken = record.offset + 1
            self.marks += record.mark
            if not record.mark:
                self.records.append(record)


class Reader:
    """Reads the intake and its partitions from their beginnings on."""

    def __init__(self, addresses, exchange, parts):
        self.exchange, self.parts = exchange, list(parts)
        self.intake, self.chains = {}, [Chain() for _ in self.parts]
        self.connection = addresses.amqp("operator")
        self.follow(exchange + ".log.0", self.take_event)
        for i, part in enumerate(self.parts):
            self.follow(part, lambda message, chain=self.chains[i]: chain.take(Record(message, exchange)))

    def follow(self, stream, take):
        channel = self.connection.channel()
        channel.basic_qos(prefetch_count=10 * CREDIT)

        def on_message(channel, method, properties, body):
            take(Message(method, properties, body))
            if method.delivery_tag % CREDIT == 0:
                channel.basic_ack(method.delivery_tag, multiple=True)
        channel.basic_consume(stream, on_message, arguments={"x-stream-offset": "first"})

    def take_event(self, message):
        self.intake[message.place] = message

    def until(self, predicate, deadline=30, what="the partitions to have all events"):
        end = time.monotonic() + deadline
        while not predicate():
            if time.monotonic() > end:
                raise AssertionError(f"waited {deadline} s for {what}: {len(self.intake)} events in the intake, "
                                     f"{len(self.recorded())} recorded")
            self.connection.process_data_events(time_limit=0.05)

    def recorded(self):
        return {record.offset for chain in self.chains for record in chain.records}

    def until_recorded(self, events, deadline=30):
        self.until(lambda: len(self.intake) >= events and
                   sum(len(chain.records) for chain in self.chains) >= events, deadline)

    def check(self, key_of):
        """Fails unless each event of the intake is in the partition of key_of(event), once, as it is in the
        intake; and each partition is in the intake's order."""
        found = {}
        for i, chain in enumerate(self.chains):
            offsets = [record.offset for record in chain.records]
            assert offsets == sorted(set(offsets)), f"partition {i} is not in the intake's order"
            for record in chain.records:
                assert record.offset not in found, f"offset {record.offset} is in two partitions"
                found[record.offset] = i, record.event
        assert set(found) == set(self.intake), (
            f"missing: {sorted(set(self.intake) - set(found))[:9]}, made up: {sorted(set(found) - set(self.intake))[:9]}")
        for offset, event in self.intake.items():
            i, copy = found[offset]
            wanted = partition_of(key_of(event), len(self.parts))
            assert i == wanted, f"offset {offset} is in partition {i}, its key {key_of(event)!r} belongs to {wanted}"
            assert copy.content() == event.content(), f"offset {offset}:\n{event.content()}\n{copy.content()}"

    @property
    def duplicates(self):
        return sum(chain.old for chain in self.chains)

    @property
    def gaps(self):
        return sum(chain.gaps for chain in self.chains)

    @property
    def marks(self):
        return sum(chain.marks for chain in self.chains)

    def close(self):
        with contextlib.suppress(pika.exceptions.AMQPError):  # it may be closed, or nack to a stream
            self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":  # the vectors of tests/unit/partition_key_test.c
    for key in (b"", b"a", b"order-1", b"order-2", "ключ".encode(), b"\0", b"x" * 300, struct.pack(">Q", WORD)):
        print(key[:20], hex(hash_of(key)))
