'use strict';
/*
 * A worker as one would write it by hand in Node (amqplib, ioredis), for the benchmark to compare with.
 *
 *     run --amqp URL --queue NAME --redis URL --events N --key-prefix P
 *
 * Reads the stream NAME from its first event. Each event of type `sold` adds its data.n to field n, and 1
 * to field events, of the hash P + stock:{subject}; its id is remembered for a day in a key P + seen:…, so
 * that a copy is not added again. Ends when N events of the stream (copies and other types among them) are
 * dealt with, and prints how long that took from the first delivery to the last commit.
 *
 * Written to be fast: events come 2,000 ahead; up to 500 of them, or those of 50 ms, are one script, hence
 * one round trip and one transaction; they are acknowledged after it. The next batch is read meanwhile.
 *
 * What such a worker does not give, and Fanfold does:
 *   - its place in the stream: it starts again at the first event, and adds twice what is older than a
 *     day;
 *   - a second worker: two at once are kept apart by nothing but the seen ids, and one that was thought
 *     dead still writes;
 *   - notice of a stream that was cut, deleted and declared again: it reads on as if nothing had happened;
 *   - the order of the events of a row, when they reached the stream out of order;
 *   - a place for events with a fault: the first one ends it, and again after each restart; what Redis
 *     refuses in the middle of a script (n is no integer) stays half done;
 *   - reconnecting to the broker, a bound on its memory, rebuilding beside what is read, and any answer to
 *     "is this number right?".
 */
const { parseArgs } = require('node:util');
const amqp = require('amqplib');
const Redis = require('ioredis');

const PREFETCH = 2000;
const BATCH = 500;
const BATCH_MS = 50;

const COMMIT = `
local prefix = KEYS[1]
for i = 1, #ARGV, 3 do
    if redis.call('SET', prefix .. 'seen:' .. ARGV[i], '', 'NX', 'EX', 86400) then
        local row = prefix .. 'stock:' .. ARGV[i + 1]
        redis.call('HINCRBY', row, 'n', ARGV[i + 2])
        redis.call('HINCRBY', row, 'events', 1)
    end
end
`;

function fail(error) {
  console.error(`node: ${error && error.message ? error.message : error}`);
  process.exit(1);
}

function readOptions() {
  const names = ['amqp', 'queue', 'redis', 'events', 'key-prefix'];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  });
  const missing = names.filter((name) => values[name] === undefined);
  if (missing.length > 0 || !(Number(values.events) > 0)) {
    console.error('usage: run --amqp URL --queue NAME --redis URL --events N --key-prefix P');
    process.exit(2);
  }
  return { ...values, events: Number(values.events), prefix: values['key-prefix'] };
}

async function main() {
  const options = readOptions();
  const redis = new Redis(options.redis, { maxRetriesPerRequest: 0 });
  redis.on('error', fail);
  redis.defineCommand('commitBatch', { numberOfKeys: 1, lua: COMMIT });
  const connection = await amqp.connect(options.amqp);
  connection.on('error', fail);
  const channel = await connection.createChannel();
  channel.on('error', fail);
  await channel.prefetch(PREFETCH);

  let changes = []; // id, subject, n, id, subject, n, …
  let count = 0; // events in the batch, those without a change among them
  let last = null;
  let timer = null;
  let taken = 0;
  let done = 0;
  let started = null;

  async function finish() {
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    console.log(JSON.stringify({ events: done, seconds: Number(seconds.toFixed(6)) }));
    await connection.close();
    redis.disconnect();
  }

  // One connection keeps the order: replies come as the batches went.
  async function flush() {
    clearTimeout(timer);
    timer = null;
    const batch = { changes, count, last };
    changes = [];
    count = 0;
    if (batch.changes.length > 0) {
      await redis.commitBatch(options.prefix, batch.changes);
    }
    channel.ack(batch.last, true);
    done += batch.count;
    if (done === options.events) {
      await finish();
    }
  }

  function onMessage(message) {
    if (message === null) {
      fail('the stream was deleted');
    }
    if (started === null) {
      started = process.hrtime.bigint();
    }
    if (taken === options.events) {
      return;
    }
    const headers = message.properties.headers;
    if (headers['cloudEvents:type'] === 'sold') {
      changes.push(
        `${headers['cloudEvents:source']} ${headers['cloudEvents:id']}`,
        headers['cloudEvents:subject'],
        JSON.parse(message.content).n,
      );
    }
    count += 1;
    taken += 1;
    last = message;
    if (count === BATCH || taken === options.events) {
      flush().catch(fail);
    } else if (timer === null) {
      timer = setTimeout(() => flush().catch(fail), BATCH_MS);
    }
  }

  await channel.consume(options.queue, onMessage, { arguments: { 'x-stream-offset': 'first' } });
}

main().catch(fail);
