/*
 * recorder_lane.c: see recorder_lane.h.
 */
#include "log/recorder_lane.h"

#include "base/clock.h"
#include "base/partitions.h"
#include "event/record.h"

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* Sending without reading gets stuck in rabbitmq-c 0.11 when nothing was read for two heartbeats.
 */
#define ANSWERS_MS 100

static const struct timeval beat_interval = {5, 0};

void lane_init(struct lane *lane, const struct log_config *log, size_t i, void (*wake)(void *arg),
               void *arg)
{
    *lane = (struct lane){.wake = wake, .arg = arg};
    lane->exchange = log_part_exchange(log);
    lane->partition = log_partition(log, i);
    lane->key = log_part_key(log, i);
    lane->moved_ms = clock_monotonic_ms();
    publish_window_init(&lane->window, LANE_WINDOW);
}

/* --- failing --------------------------------------------------------------------------- */

/* The error is set. */
static void fail(struct lane *lane)
{
    event_del(lane->readable); /* rabbitmq-c may have closed the descriptor */
    event_del(lane->writable);
    event_del(lane->beat);
    lane->wake(lane->arg);
}

static bool say_nack(struct lane *lane)
{
    return error_set(&lane->failed, ERROR_UNAVAILABLE,
                     "%s: the broker refused a record (nack): it could not be stored in \"%s\"",
                     lane->link.where, lane->partition);
}

static bool say_returned(struct lane *lane)
{
    return error_set(&lane->failed, ERROR_CONFIG,
                     "%s: no queue takes a record: nothing is bound to the exchange \"%s\" for the "
                     "key \"%s\"; run `fanfold setup` to bind \"%s\"",
                     lane->link.where, lane->exchange, lane->key, lane->partition);
}

/* --- what the broker says -------------------------------------------------------------- */

static void on_settled(void *arg, const struct pending *pending)
{
    struct lane *lane = arg;
    lane->held -= pending->message->size;
    lane->fresh = false;
}

static bool take_ack(struct lane *lane, const amqp_basic_ack_t *ack)
{
    return publish_window_settle(&lane->window, ack->delivery_tag, ack->multiple, on_settled,
                                 lane) ||
           error_set(&lane->failed, ERROR_UNAVAILABLE, "%s: the broker confirms what was not sent",
                     lane->link.where);
}

static bool take_method(struct lane *lane, const amqp_method_t *method)
{
    switch (method->id) {
    case AMQP_BASIC_ACK_METHOD:
        return take_ack(lane, method->decoded);
    case AMQP_BASIC_NACK_METHOD:
        return say_nack(lane);
    case AMQP_CONNECTION_BLOCKED_METHOD:
        lane->blocked = true;
        return true;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        lane->blocked = false;
        return true;
    default:
        return true;
    }
}

static bool take_answers(struct lane *lane)
{
    lane->answers_ms = clock_monotonic_ms();
    for (;;) {
        switch (frames_next(&lane->frames, 0, &lane->failed)) {
        case FRAMES_NONE:
            return true;
        case FRAMES_METHOD:
            if (!take_method(lane, &lane->frames.method))
                return false;
            break;
        case FRAMES_MESSAGE:
            message_free(lane->frames.message);
            return say_returned(lane);
        case FRAMES_FAILED:
            return false;
        }
    }
}

/* Is its connection still good for anything? */
static bool works(const struct lane *lane)
{
    return lane->open && lane->failed.kind == ERROR_NONE;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct lane *lane = arg;
    if (!works(lane))
        return;
    if (take_answers(lane))
        lane->wake(lane->arg);
    else
        fail(lane);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct lane *lane = arg;
    lane->wake(lane->arg);
}

static bool is_writable(const struct lane *lane)
{
    struct pollfd poll_fd = {.fd = amqp_get_sockfd(lane->link.state), .events = POLLOUT};
    return poll(&poll_fd, 1, 0) > 0;
}

/* Where the socket has no room, the broker has enough to read as a sign of life; and in an alarm it
 * asks for none. */
static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    struct lane *lane = arg;
    amqp_frame_t heartbeat = {.frame_type = AMQP_FRAME_HEARTBEAT};
    if (works(lane) && is_writable(lane)) {
        int status = amqp_send_frame(lane->link.state, &heartbeat);
        if (status != AMQP_STATUS_OK) {
            amqp_link_failed(&lane->link, status, &lane->failed);
            fail(lane);
            return;
        }
    }
    on_readable(fd, what, arg);
}

/* --- connecting ------------------------------------------------------------------------ */

static void watch(struct lane *lane, struct event_base *base)
{
    int fd = amqp_get_sockfd(lane->link.state);
    lane->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, lane);
    lane->writable = event_new(base, fd, EV_WRITE, on_writable, lane);
    lane->beat = event_new(base, -1, EV_PERSIST, on_beat, lane);
    if (!lane->readable || !lane->writable || !lane->beat)
        abort(); /* out of memory */
    event_add(lane->readable, NULL);
    event_add(lane->beat, &beat_interval);
}

bool lane_open(struct lane *lane, struct event_base *base, const struct uri *uri,
               struct error *error)
{
    char purpose[300];
    snprintf(purpose, sizeof purpose, "recorder %s", lane->partition);
    if (!amqp_link_open(&lane->link, uri, purpose, error))
        return false;
    publish_tune_socket(&lane->link);
    amqp_confirm_select_t confirm = {0};
    if (!amqp_link_rpc(&lane->link, AMQP_CONFIRM_SELECT_METHOD, &confirm,
                       AMQP_CONFIRM_SELECT_OK_METHOD, NULL, error)) {
        amqp_link_close(&lane->link);
        return false;
    }
    lane->frames.link = &lane->link;
    lane->sender.link = &lane->link;
    lane->open = true;
    lane->answers_ms = clock_monotonic_ms();
    watch(lane, base);
    return true;
}

/* --- sending --------------------------------------------------------------------------- */

static struct lane_waiting *place(const struct lane *lane, size_t i)
{
    return &lane->waiting[(lane->waiting_head + i) % lane->waiting_cap];
}

static void grow(struct lane *lane)
{
    size_t cap = lane->waiting_cap ? 2 * lane->waiting_cap : 64;
    struct lane_waiting *waiting = must_calloc(cap, sizeof *waiting);
    for (size_t i = 0; i < lane->waiting_count; i++)
        waiting[i] = *place(lane, i);
    free(lane->waiting);
    lane->waiting = waiting;
    lane->waiting_cap = cap;
    lane->waiting_head = 0;
}

void lane_push(struct lane *lane, struct message *message, uint64_t tag)
{
    if (lane->waiting_count == lane->waiting_cap)
        grow(lane);
    *place(lane, lane->waiting_count++) = (struct lane_waiting){message, tag};
    lane->held += message->size;
    lane->next = message->offset + 1;
    lane->moved_ms = clock_monotonic_ms();
}

static struct lane_waiting *first_waiting(const struct lane *lane)
{
    return lane->waiting_count ? place(lane, 0) : NULL;
}

/* The first message that waits goes into the record. */
static void add_entry(struct lane *lane, struct message *message)
{
    if (message->mark)
        record_add_mark(&lane->body, lane->quiet, message->offset);
    else
        record_add(&lane->body, message, lane->sent);
    lane->sent = message->offset + 1;
    if (!message->mark)
        lane->quiet = lane->sent;
    lane->held -= message->size;
    message_free(message);
    lane->waiting_head = (lane->waiting_head + 1) % lane->waiting_cap;
    lane->waiting_count--;
}

/* Of what waits, so much as one record takes. */
static struct message *make_record(struct lane *lane)
{
    const struct lane_waiting *first;
    record_begin(&lane->body);
    for (int count = 0; count < RECORD_EVENTS && (first = first_waiting(lane)); count++) {
        if (count && lane->body.len + first->message->size > RECORD_BYTES)
            break;
        add_entry(lane, first->message);
    }
    struct message shape = {.routing_key = str_of(lane->key), .body = buf_str(&lane->body)};
    struct message *record = message_new(&shape);
    lane->held += record->size;
    if (lane->body.cap > 4 * RECORD_BYTES)
        buf_release(&lane->body);
    return record;
}

static bool check_size(struct lane *lane, const struct message *record)
{
    return record->body.len <= FRAMES_BODY_MAX ||
           error_set(&lane->failed, ERROR_CONFIG,
                     "the event at offset %llu is too large to be recorded: a record of it has %zu "
                     "bytes, at most %d are taken; only a log with \"partitions\": 1 can have it",
                     (unsigned long long)lane->sent - 1, record->body.len, FRAMES_BODY_MAX);
}

/* Large ones do not: a few of them fill a record. */
static bool waits_for_more(const struct lane *lane, const struct message *first)
{
    return lane->window.count && lane->waiting_count < RECORD_EVENTS &&
           first->size < RECORD_BYTES / RECORD_EVENTS;
}

/* The next record to be sent, or NULL: there is none, or no room. */
static const struct message *next_record(struct lane *lane)
{
    const struct message *record = publish_window_next(&lane->window);
    const struct lane_waiting *first = first_waiting(lane);
    if (record || !first || waits_for_more(lane, first->message) ||
        !publish_window_has_room(&lane->window, first->message->size, LANE_BYTES) ||
        (lane->fresh && lane->window.count))
        return record;
    uint64_t tag = first->tag;
    publish_window_push(&lane->window, make_record(lane), tag);
    return publish_window_next(&lane->window);
}

/* False: the lane has failed. */
static bool send_next(struct lane *lane, const struct message *record, bool *waits)
{
    if (!check_size(lane, record))
        return false;
    switch (publish_try(&lane->sender, lane->exchange, record, &lane->failed)) {
    case PUBLISH_DONE:
        publish_window_sent(&lane->window);
        return true;
    case PUBLISH_WAITS:
        *waits = true;
        event_add(lane->writable, NULL);
        return true;
    case PUBLISH_FAILED:
        break;
    }
    /* The broker may have said why before it closed the connection on us. */
    struct error said = lane->failed;
    if (take_answers(lane) || !lane->link.closed_by)
        lane->failed = said;
    return false;
}

void lane_send(struct lane *lane)
{
    const struct message *record;
    bool waits = false;
    while (works(lane) && !lane->blocked && !waits && (record = next_record(lane))) {
        bool due = clock_monotonic_ms() - lane->answers_ms >= ANSWERS_MS;
        if ((due && !take_answers(lane)) || !send_next(lane, record, &waits))
            fail(lane);
    }
}

bool lane_oldest(const struct lane *lane, uint64_t *tag)
{
    if (publish_window_oldest(&lane->window, tag))
        return true;
    const struct lane_waiting *first = first_waiting(lane);
    if (first)
        *tag = first->tag;
    return first;
}

/* Does not wait for the answer: the broker may be busy with what was sent. */
static void say_goodbye(struct lane *lane)
{
    amqp_connection_close_t close = {.reply_code = AMQP_REPLY_SUCCESS};
    bool amid_message = lane->sender.stage != PUBLISH_METHOD;
    if (works(lane) && !lane->blocked && !amid_message && is_writable(lane))
        amqp_send_method(lane->link.state, 0, AMQP_CONNECTION_CLOSE_METHOD, &close);
    lane->link.healthy = false;
}

static void close_link(struct lane *lane)
{
    say_goodbye(lane);
    event_free(lane->readable);
    event_free(lane->writable);
    event_free(lane->beat);
    amqp_link_close(&lane->link);
}

void lane_release(struct lane *lane)
{
    frames_release(&lane->frames);
    if (lane->open)
        close_link(lane);
    for (size_t i = 0; i < lane->waiting_count; i++)
        message_free(place(lane, i)->message);
    publish_window_release(&lane->window);
    free(lane->waiting);
    free(lane->sender.headers.at);
    buf_release(&lane->body);
    free(lane->exchange);
    free(lane->partition);
    free(lane->key);
    *lane = (struct lane){0};
}
