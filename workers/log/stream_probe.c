/*
 * stream_probe.c: where does a stream begin and end?
 *
 * The broker has no request for it, so a consumer is attached at `first` or `last`, and the
 * question is when everything has come. Silence proves little on a busy machine. But one channel
 * does one thing after the other, so a request that is answered is a barrier:
 *
 * - the stream's process tells the channel that there is something to read. A second subscription
 *   calls that same process, so when a further request is answered, its word about the first
 *   subscription has come too, and the channel has sent all that there was;
 * - once a delivery has come, all that was committed and has credit has been sent with it, before
 *   any later request is answered.
 *
 * Seen on 3.10, whose queue.declare always counts 0 messages in a stream. Newer brokers may answer
 * a second subscription without asking the stream's process, but they count: where there are
 * messages, the first delivery is waited for. Only a short silence on top makes the log count as
 * empty.
 */
#include <fanfold/stream_probe.h>

#include "base/clock.h"
#include "base/partitions.h"
#include "event/record.h"
#include "log/frames.h"
#include "log/stream_attach.h"

#include <stdio.h>

#define PROBE_PREFETCH 20000
/* What there is credit for, the broker reads before it answers anything: for 20,000 messages that
 * were written one by one it takes 4 s. */
#define FIRST_PREFETCH 1
#define PROBE_MS       5000
#define SILENCE_MS     200

struct probe {
    struct amqp_link link;
    struct frames frames;
    const char *partition;
    bool is_recorded;
    uint64_t enough;                  /* this record, or a later one, ends the probe */
    uint64_t delivered, acknowledged; /* to both subscriptions */
    uint64_t counted;                 /* to the first one: what comes to the other says nothing */
    struct stream_ends ends;          /* but for `empty`, valid when counted > 0 */
    bool has_event;
};

static bool answered(const struct probe *probe)
{
    return probe->counted && probe->ends.last_record >= probe->enough;
}

/* A mark begins after the last event before it; there is none before offset 0. */
static void note(struct probe *probe, const struct message *message)
{
    struct stream_ends *ends = &probe->ends;
    bool has_event = !message->mark || message->from > 0;
    uint64_t last = message->mark ? message->from - 1 : message->offset;
    if (!probe->counted++) {
        ends->first = message->from;
        ends->first_record = message->record;
    }
    if (has_event && (!probe->has_event || last > ends->last))
        ends->last = last;
    probe->has_event = probe->has_event || has_event;
    if (message->offset >= ends->covered)
        ends->covered = message->offset + 1;
    if (message->record > ends->last_record)
        ends->last_record = message->record;
}

/* What no recorder wrote counts as it is. */
static void note_all(struct probe *probe, const struct message *delivered)
{
    struct record_reading reading = record_open(delivered);
    struct message *message;
    if (!probe->is_recorded || !reading.ok)
        note(probe, delivered);
    else
        for (; (message = record_next(&reading)); message_free(message))
            note(probe, message);
}

static bool take_message(struct probe *probe, struct message *message, struct error *error)
{
    bool is_stream = probe->frames.has_offset;
    probe->delivered++;
    if (is_stream && !probe->frames.is_barrier)
        note_all(probe, message);
    message_free(message);
    return is_stream || error_set(error, ERROR_CONFIG, "%s: the queue \"%s\" is not a stream",
                                  probe->link.where, probe->partition);
}

static bool take_method(struct probe *probe, struct error *error)
{
    if (probe->frames.method.id == AMQP_BASIC_CANCEL_METHOD)
        return error_set(error, ERROR_CONFIG, "%s: the log \"%s\" was deleted", probe->link.where,
                         probe->partition);
    return true;
}

/* Takes what has come; waits up to wait_ms for the first of it. */
static bool take_all(struct probe *probe, int wait_ms, struct error *error)
{
    while (!answered(probe)) {
        switch (frames_next(&probe->frames, wait_ms, error)) {
        case FRAMES_NONE:
            return true;
        case FRAMES_METHOD:
            if (!take_method(probe, error))
                return false;
            break;
        case FRAMES_MESSAGE:
            if (!take_message(probe, probe->frames.message, error))
                return false;
            wait_ms = 0;
            break;
        case FRAMES_FAILED:
            return false;
        }
    }
    return true;
}

/* Asks, and takes what comes before the answer, which is in frames.method then. A request by
 * rabbitmq-c would keep all that in memory: a chunk can have 100 MB. */
static bool ask(struct probe *probe, amqp_method_number_t id, void *request,
                amqp_method_number_t answer, struct error *error)
{
    int status = amqp_send_method(probe->link.state, AMQP_LINK_CHANNEL, id, request);
    if (status != AMQP_STATUS_OK)
        return amqp_link_failed(&probe->link, status, error);
    for (;;) {
        switch (frames_next(&probe->frames, PROBE_MS, error)) {
        case FRAMES_NONE:
            return amqp_link_failed(&probe->link, AMQP_STATUS_TIMEOUT, error);
        case FRAMES_METHOD:
            if (probe->frames.method.id == answer)
                return true;
            if (!take_method(probe, error))
                return false;
            break;
        case FRAMES_MESSAGE:
            if (!take_message(probe, probe->frames.message, error))
                return false;
            break;
        case FRAMES_FAILED:
            return false;
        }
    }
}

/* When this has been answered, everything that the channel sent before has come. */
static bool round_trip(struct probe *probe, struct error *error)
{
    amqp_basic_qos_t qos = {.prefetch_count = 1};
    return ask(probe, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD, error);
}

static bool subscribe_again(struct probe *probe, struct error *error)
{
    amqp_table_entry_t next = {.key = amqp_cstring_bytes("x-stream-offset")};
    next.value.kind = AMQP_FIELD_KIND_UTF8;
    next.value.value.bytes = amqp_cstring_bytes("next");
    amqp_basic_consume_t request = {
        .queue = amqp_cstring_bytes(probe->partition),
        .consumer_tag = amqp_cstring_bytes(BARRIER_TAG),
        .arguments = {1, &next},
    };
    return ask(probe, AMQP_BASIC_CONSUME_METHOD, &request, AMQP_BASIC_CONSUME_OK_METHOD, error);
}

static bool message_count(struct probe *probe, uint32_t *count, struct error *error)
{
    amqp_queue_declare_t request = {.queue = amqp_cstring_bytes(probe->partition), .passive = 1};
    if (!ask(probe, AMQP_QUEUE_DECLARE_METHOD, &request, AMQP_QUEUE_DECLARE_OK_METHOD, error))
        return false;
    *count = ((amqp_queue_declare_ok_t *)probe->frames.method.decoded)->message_count;
    return true;
}

/* Waits until a delivery has come, or it is sure that there is none. */
static bool await_first(struct probe *probe, struct error *error)
{
    uint32_t count;
    if (!message_count(probe, &count, error) || !subscribe_again(probe, error) ||
        !round_trip(probe, error))
        return false;
    if (probe->counted)
        return true;
    if (!take_all(probe, count ? PROBE_MS : SILENCE_MS, error) || !round_trip(probe, error))
        return false;
    if (count && !probe->counted)
        return error_set(error, ERROR_UNAVAILABLE,
                         "%s: the log \"%s\" has %u messages, but the broker delivers none",
                         probe->link.where, probe->partition, count);
    return true;
}

/* Each turn acknowledges what has come: a full prefetch means that there may be more. */
static bool read_to_end(struct probe *probe, struct error *error)
{
    do {
        int status = amqp_basic_ack(probe->link.state, AMQP_LINK_CHANNEL, probe->delivered, 1);
        if (status != AMQP_STATUS_OK)
            return amqp_link_failed(&probe->link, status, error);
        probe->acknowledged = probe->delivered;
        if (!round_trip(probe, error))
            return false;
    } while (!answered(probe) && probe->delivered - probe->acknowledged >= PROBE_PREFETCH);
    return true;
}

static bool run(struct probe *probe, enum stream_start_kind from, struct error *error)
{
    struct stream_start start = {.kind = from};
    uint16_t prefetch = from == STREAM_FIRST ? FIRST_PREFETCH : PROBE_PREFETCH;
    if (!stream_attach(&probe->link, probe->partition, start, prefetch, error))
        return false;
    if (!take_all(probe, 0, error) || (!answered(probe) && !await_first(probe, error)))
        return false;
    return answered(probe) || !probe->counted || read_to_end(probe, error);
}

static bool probe_stream(const struct uri *uri, const char *partition, enum stream_start_kind from,
                         uint64_t enough, struct stream_ends *ends, struct error *error)
{
    char purpose[256];
    snprintf(purpose, sizeof purpose, "probe %s", partition);
    struct probe probe = {
        .partition = partition, .is_recorded = partition_is_recorded(partition), .enough = enough};
    if (!amqp_link_open(&probe.link, uri, purpose, error))
        return false;
    probe.frames.link = &probe.link;
    bool ok = run(&probe, from, error);
    *ends = probe.ends;
    ends->empty = !probe.has_event;
    frames_release(&probe.frames);
    probe.link.healthy = false; /* no good-bye: deliveries stream in before its answer */
    amqp_link_close(&probe.link);
    return ok;
}

bool stream_probe_first(const struct uri *uri, const char *partition, struct stream_ends *ends,
                        struct error *error)
{
    return probe_stream(uri, partition, STREAM_FIRST, 0, ends, error);
}

bool stream_probe_last(const struct uri *uri, const char *partition, uint64_t enough,
                       struct stream_ends *ends, struct error *error)
{
    return probe_stream(uri, partition, STREAM_LAST, enough, ends, error);
}
