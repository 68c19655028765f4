"""The partitions of a recorded log, written once more without a look at workers/: where an event belongs
(event/partition_key.h), and what a reader makes of the records (event/record.h).

    reader = partitions.Reader(addresses, "shop.events", parts)     parts: the names of the streams
    reader.until(lambda: reader.recorded() == reader.intake_offsets())
    reader.check(key_of)                      every event once, where it belongs, as it was
    reader.duplicates, reader.gaps, reader.marks
"""
import contextlib
import datetime
import struct
import time

import pika

WORD = (1 << 64) - 1
CREDIT = 100  # messages acknowledged at a time
MAGIC = b"fanfold\1"  # each record begins with it
HEAD = struct.Struct(">BQQ")  # of an entry: is it a mark, offset, from
TEXTS = ("content_type", "content_encoding", "message_id", "type", "app_id", "correlation_id")
PROPERTIES = (*TEXTS, "timestamp")


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


class Bytes:
    """What is left of a record's body."""

    def __init__(self, data):
        self.left = data

    def take(self, count):
        assert len(self.left) >= count, "a record ends too early"
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def number(self, octets):
        return int.from_bytes(self.take(octets), "big")

    def text(self):
        length = self.number(4)
        return None if length == 0xFFFFFFFF else self.take(length).decode()

    def value(self, letter):
        if letter == b"S":
            return self.text()
        number = self.take(8)
        return {b"l": lambda: int.from_bytes(number, "big", signed=True),
                b"d": lambda: struct.unpack(">d", number)[0],
                b"t": lambda: number[-1] == 1,
                b"T": lambda: datetime.datetime.utcfromtimestamp(int.from_bytes(number, "big"))}[letter]()


class Event:
    """The message of the intake that a record holds."""

    def __init__(self, data):
        self.exchange, self.key = data.text(), data.text()
        self.properties = {name: data.text() for name in TEXTS}
        has_timestamp, timestamp = data.number(1), data.number(8)
        self.properties["timestamp"] = timestamp if has_timestamp else None
        self.headers = {}
        for _ in range(data.number(4)):
            letter = data.take(1)
            name = data.text()
            self.headers[name] = data.value(letter)
        self.body = data.take(data.number(4))

    def content(self):
        return self.exchange, self.key, self.properties, self.headers, self.body


class Entry:
    """Of a record."""

    def __init__(self, data):
        self.mark, self.offset, self.since = HEAD.unpack(data.take(HEAD.size))
        assert self.mark in (0, 1), self.mark
        self.event = None if self.mark else Event(data)


def entries_of(body):
    """Of a message of a partition."""
    data = Bytes(body)
    assert data.take(len(MAGIC)) == MAGIC and data.left, body[:len(MAGIC)]
    while data.left:
        yield Entry(data)


def text_of(text):
    data = text.encode() if text is not None else b""
    return struct.pack(">I", 0xFFFFFFFF if text is None else len(data)) + data


def header_of(name, value):
    letter, data = ((b"S", text_of(value)) if isinstance(value, str) else
                    (b"t", struct.pack(">q", value)) if isinstance(value, bool) else
                    (b"l", struct.pack(">q", value)))
    return letter + text_of(name) + data


def record_of(event, offset, since):
    """The body of a record with this event, as a recorder would write it; headers: texts, booleans and integers."""
    timestamp = event.properties["timestamp"]
    return b"".join([
        MAGIC, HEAD.pack(0, offset, since), text_of(event.exchange), text_of(event.key),
        *(text_of(event.properties[name]) for name in TEXTS),
        struct.pack(">BQ", timestamp is not None, timestamp or 0), struct.pack(">I", len(event.headers)),
        *(header_of(name, value) for name, value in event.headers.items()),
        struct.pack(">I", len(event.body)), event.body])


class Chain:
    """What a reader of one partition takes."""

    def __init__(self):
        self.taken, self.begin, self.records = None, None, []
        self.old = self.gaps = self.marks = 0

    def take_all(self, message):
        for entry in entries_of(message.body):
            self.take(entry)

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
            self.follow(part, self.chains[i].take_all)

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
