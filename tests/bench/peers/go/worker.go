// A worker as one would write it by hand in Go (amqp091-go, redigo), for the benchmark to compare with.
//
//	run --amqp URL --queue NAME --redis URL --events N --key-prefix P
//
// Reads the stream NAME from its first event. Each event of type `sold` adds its data.n to field n, and 1
// to field events, of the hash P + stock:{subject}; its id is remembered for a day in a key P + seen:…, so that
// a copy is not added again. Ends when N events of the stream (copies and other types among them) are dealt
// with, and prints how long that took from the first delivery to the last commit.
//
// Written to be fast: events come 2,000 ahead; up to 500 of them, or those of 50 ms, are one script, hence
// one round trip and one transaction; they are acknowledged after it. One goroutine collects the next batch
// while another commits.
//
// What such a worker does not give, and Fanfold does:
//   - its place in the stream: it starts again at the first event, and adds twice what is older than a day;
//   - a second worker: two at once are kept apart by nothing but the seen ids, and one that was thought dead
//     still writes;
//   - notice of a stream that was cut, deleted and declared again: it reads on as if nothing had happened;
//   - the order of the events of a row, when they reached the stream out of order;
//   - a place for events with a fault: the first one ends it, and again after each restart; what Redis
//     refuses in the middle of a script (n is no integer) stays half done;
//   - reconnecting, a pause while Redis is away, a bound on its memory, rebuilding beside what is read, and
//     any answer to "is this number right?".
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/gomodule/redigo/redis"
	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	prefetch  = 2000
	batchSize = 500
	batchAge  = 50 * time.Millisecond
)

var commit = redis.NewScript(1, `
local prefix = KEYS[1]
for i = 1, #ARGV, 3 do
    if redis.call('SET', prefix .. 'seen:' .. ARGV[i], '', 'NX', 'EX', 86400) then
        local row = prefix .. 'stock:' .. ARGV[i + 1]
        redis.call('HINCRBY', row, 'n', ARGV[i + 2])
        redis.call('HINCRBY', row, 'events', 1)
    end
end
`)

type batch struct {
	args  redis.Args // key prefix, then id, subject, n of each change
	count int        // events, those without a change among them
	last  amqp.Delivery
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "go: %s: %v\n", what, err)
	os.Exit(1)
}

func text(table amqp.Table, name string) string {
	value, ok := table[name].(string)
	if !ok {
		fail("an event", fmt.Errorf("header %s is missing", name))
	}
	return value
}

func (b *batch) add(delivery amqp.Delivery) {
	b.count++
	b.last = delivery
	headers := delivery.Headers
	if text(headers, "cloudEvents:type") != "sold" {
		return
	}
	var data struct{ N int64 }
	if err := json.Unmarshal(delivery.Body, &data); err != nil {
		fail("an event", err)
	}
	id := text(headers, "cloudEvents:source") + " " + text(headers, "cloudEvents:id")
	b.args = append(b.args, id, text(headers, "cloudEvents:subject"), data.N)
}

// collect makes batches of the first n deliveries, and says when the first one came.
func collect(deliveries <-chan amqp.Delivery, n int, prefix string, started *time.Time,
	batches chan<- batch) {
	timer := time.NewTimer(time.Hour)
	newBatch := func() batch {
		return batch{args: append(make(redis.Args, 0, 1+3*batchSize), prefix)}
	}
	current := newBatch()
	flush := func() {
		batches <- current
		current = newBatch()
	}
	for taken := 0; taken < n; {
		select {
		case delivery, open := <-deliveries:
			if !open {
				fail("the stream", fmt.Errorf("the broker has ended the consumer"))
			}
			if taken == 0 {
				*started = time.Now()
			}
			current.add(delivery)
			taken++
			if current.count == batchSize || taken == n {
				flush()
			} else if current.count == 1 {
				timer.Reset(batchAge)
			}
		case <-timer.C:
			if current.count > 0 {
				flush()
			}
		}
	}
	close(batches)
}

func main() {
	amqpURL := flag.String("amqp", "", "`URL` of RabbitMQ")
	queue := flag.String("queue", "", "`NAME` of the stream")
	redisURL := flag.String("redis", "", "`URL` of Redis")
	events := flag.Int("events", 0, "so `many` events, then it ends")
	prefix := flag.String("key-prefix", "", "what all keys start with")
	flag.Parse()
	if *amqpURL == "" || *queue == "" || *redisURL == "" || *events <= 0 {
		flag.Usage()
		os.Exit(2)
	}

	store, err := redis.DialURL(*redisURL)
	if err != nil {
		fail("Redis", err)
	}
	connection, err := amqp.Dial(*amqpURL)
	if err != nil {
		fail("RabbitMQ", err)
	}
	channel, err := connection.Channel()
	if err != nil {
		fail("RabbitMQ", err)
	}
	if err := channel.Qos(prefetch, 0, false); err != nil {
		fail("RabbitMQ", err)
	}
	deliveries, err := channel.Consume(*queue, "", false, false, false, false,
		amqp.Table{"x-stream-offset": "first"})
	if err != nil {
		fail("RabbitMQ", err)
	}

	batches := make(chan batch, 2)
	var started time.Time // read after the first batch came, hence after it was written
	go collect(deliveries, *events, *prefix, &started, batches)
	done := 0
	for b := range batches {
		if len(b.args) > 1 {
			if _, err := commit.Do(store, b.args...); err != nil {
				fail("Redis", err)
			}
		}
		if err := b.last.Ack(true); err != nil {
			fail("RabbitMQ", err)
		}
		done += b.count
	}
	fmt.Printf("{\"events\": %d, \"seconds\": %.6f}\n", done, time.Since(started).Seconds())
}
