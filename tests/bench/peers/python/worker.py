#!/usr/bin/python3
"""A worker as one would write it by hand in Python (pika, redis-py), for the benchmark to compare with.

    run --amqp URL --queue NAME --redis URL --events N --key-prefix P

Reads the stream NAME from its first event. Each event of type `sold` adds its data.n to field n, and 1 to
field events, of the hash P + stock:{subject}; its id is remembered for a day in a key P + seen:…, so that
a copy is not added again. Ends when N events of the stream (copies and other types among them) are dealt
with, and prints how long that took from the first delivery to the last commit.

Written to be fast: events come 2,000 ahead; up to 500 of them, or those of 50 ms, are one script, hence
one round trip and one transaction; they are acknowledged after it. pika's SelectConnection spares what
BlockingConnection costs.

What such a worker does not give, and Fanfold does:
  - its place in the stream: it starts again at the first event, and adds twice what is older than a day;
  - a second worker: two at once are kept apart by nothing but the seen ids, and one that was thought dead
    still writes;
  - notice of a stream that was cut, deleted and declared again: it reads on as if nothing had happened;
  - the order of the events of a row, when they reached the stream out of order;
  - a place for events with a fault: the first one ends it, and again after each restart; what Redis
    refuses in the middle of a script (n is no integer) stays half done;
  - reconnecting, a pause while Redis is away, a bound on its memory, rebuilding beside what is read, and
    any answer to "is this number right?".
"""
import argparse
import json
import sys
import time

try:
    import pika
    import redis
except ImportError as missing:
    print(f"python: {missing}: run prepare", file=sys.stderr)
    sys.exit(77)

PREFETCH = 2000
BATCH = 500
BATCH_SECONDS = 0.05

COMMIT = """
local prefix = KEYS[1]
for i = 1, #ARGV, 3 do
    if redis.call('SET', prefix .. 'seen:' .. ARGV[i], '', 'NX', 'EX', 86400) then
        local row = prefix .. 'stock:' .. ARGV[i + 1]
        redis.call('HINCRBY', row, 'n', ARGV[i + 2])
        redis.call('HINCRBY', row, 'events', 1)
    end
end
"""


class Worker:
    def __init__(self, options):
        self.options = options
        self.commit = redis.Redis.from_url(options.redis).register_script(COMMIT)
        self.changes = []  # id, subject, n, id, subject, n, …
        self.count = 0  # events in the batch, those without a change among them
        self.done = 0
        self.last_tag = None
        self.timer = None
        self.started = None
        self.seconds = None
        self.connection = pika.SelectConnection(
            pika.URLParameters(options.amqp), on_open_callback=self.on_connection,
            on_open_error_callback=self.on_lost, on_close_callback=self.on_lost)
        self.channel = None

    def run(self):
        self.connection.ioloop.start()

    def on_connection(self, connection):
        self.channel = connection.channel(on_open_callback=self.on_channel)

    def on_channel(self, channel):
        channel.add_on_close_callback(self.on_lost)
        channel.basic_qos(prefetch_count=PREFETCH, callback=self.on_qos)

    def on_qos(self, _):
        self.channel.basic_consume(self.options.queue, self.on_message,
                                   arguments={"x-stream-offset": "first"})

    def on_lost(self, _, reason):
        if self.seconds is None:
            sys.exit(f"python: {reason}")
        self.connection.ioloop.stop()

    def on_message(self, _channel, method, properties, body):
        if self.started is None:
            self.started = time.monotonic()
        if self.done + self.count == self.options.events:
            return
        headers = properties.headers
        if headers["cloudEvents:type"] == "sold":
            self.changes += (headers["cloudEvents:source"] + " " + headers["cloudEvents:id"],
                             headers["cloudEvents:subject"], json.loads(body)["n"])
        self.count += 1
        self.last_tag = method.delivery_tag
        if self.count == BATCH or self.done + self.count == self.options.events:
            self.flush()
        elif self.timer is None:
            self.timer = self.connection.ioloop.call_later(BATCH_SECONDS, self.flush)

    def flush(self):
        if self.timer is not None:
            self.connection.ioloop.remove_timeout(self.timer)
            self.timer = None
        if self.changes:
            self.commit(keys=[self.options.key_prefix], args=self.changes)
        self.channel.basic_ack(self.last_tag, multiple=True)
        self.done += self.count
        self.changes, self.count = [], 0
        if self.done == self.options.events:
            self.seconds = time.monotonic() - self.started
            self.connection.close()


def main():
    parser = argparse.ArgumentParser(prog="run", allow_abbrev=False)
    parser.add_argument("--amqp", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--events", required=True, type=int)
    parser.add_argument("--key-prefix", required=True)
    options = parser.parse_args()
    worker = Worker(options)
    worker.run()
    print(json.dumps({"events": worker.done, "seconds": round(worker.seconds, 6)}))


main()
