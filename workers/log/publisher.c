/*
 * publisher.c: confirms, reconnects and resends.
 *
 * A message has its outcome when the broker acks or nacks it on the connection on which it was sent
 * last. When the connection is lost, whatever has none is sent again, in order, on the next one: so
 * nothing is lost, and the log may get copies.
 *
 * A broker that starts accepts connections before it has its exchanges, queues and bindings again.
 * So for SETTLE_MS after it answers for the first time, "not there" and "no queue takes it" count
 * as another lost connection, and not as an answer.
 */
#include <fanfold/publisher.h>

#include "base/clock.h"
#include "log/frames.h"
#include "log/publish_send.h"
#include "log/publish_window.h"
#include "log/stream_attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WINDOW_DEFAULT 2000
#define SLICE_MS       100 /* how soon `stop` is seen */
#define BURST          50  /* messages sent before the broker's answers are taken in */
#define SETTLE_MS      10000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

struct publisher {
    const struct uri *uri;
    struct publisher_options options;
    struct publish_window window;
    struct amqp_link link;
    struct frames frames;
    struct publish_sender sender;
    bool connected;
    bool blocked; /* by the broker's alarm */
    uint64_t resent;
    size_t frame_max;
    int unanswered;     /* messages sent since the broker's answers were taken in */
    int64_t answers_ms; /* when they were */

    /* The outage that has not ended with a confirm yet. */
    int64_t lost_ms;     /* when it began, or 0 */
    int64_t answered_ms; /* when the broker answered again, or 0 */
    int64_t next_try_ms;
    int tries;
};

static void notice(const struct publisher *publisher, const char *text)
{
    if (publisher->options.notice)
        publisher->options.notice(publisher->options.arg, text);
}

static bool stopped(const struct publisher *publisher)
{
    return publisher->options.stop && *publisher->options.stop;
}

static bool say_stopped(struct error *error)
{
    return error_set(error, ERROR_NO, "stopped before all messages were confirmed");
}

/* Is the broker still restoring what it had before it was lost? */
static bool settling(const struct publisher *publisher)
{
    return publisher->answered_ms && clock_monotonic_ms() - publisher->answered_ms < SETTLE_MS;
}

/* ---- what the broker says ---- */

static void settle_confirmed(void *arg, const struct pending *pending)
{
    struct publisher *publisher = arg;
    enum publish_outcome outcome = pending->returned ? PUBLISH_UNROUTABLE : PUBLISH_CONFIRMED;
    publisher->options.outcome(publisher->options.arg, pending->tag, outcome,
                               pending->returned ? pending->returned : "");
}

static void settle_refused(void *arg, const struct pending *pending)
{
    struct publisher *publisher = arg;
    publisher->options.outcome(publisher->options.arg, pending->tag, PUBLISH_REFUSED,
                               "the broker refused it (nack): it could not be stored");
}

static bool settle(struct publisher *publisher, uint64_t delivery, bool multiple,
                   publish_settle_fn *outcome, struct error *error)
{
    if (!publish_window_settle(&publisher->window, delivery, multiple, outcome, publisher))
        return error_set(error, ERROR_UNAVAILABLE, "%s: the broker confirms what was not sent",
                         publisher->link.where);
    publisher->lost_ms = 0;
    publisher->tries = 0;
    return true;
}

static void take_blocked(struct publisher *publisher, const amqp_connection_blocked_t *blocked)
{
    char text[512];
    publisher->blocked = true;
    snprintf(text, sizeof text, "%s: the broker blocks publishers (%.*s); waiting",
             publisher->link.where, STRF(str_of_amqp(blocked->reason)));
    notice(publisher, text);
}

static void take_unblocked(struct publisher *publisher)
{
    char text[512];
    publisher->blocked = false;
    snprintf(text, sizeof text, "%s: the broker takes messages again", publisher->link.where);
    notice(publisher, text);
}

static bool take_method(struct publisher *publisher, const amqp_method_t *method,
                        struct error *error)
{
    switch (method->id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = method->decoded;
        return settle(publisher, ack->delivery_tag, ack->multiple, settle_confirmed, error);
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *nack = method->decoded;
        return settle(publisher, nack->delivery_tag, nack->multiple, settle_refused, error);
    }
    case AMQP_CONNECTION_BLOCKED_METHOD:
        take_blocked(publisher, method->decoded);
        return true;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        take_unblocked(publisher);
        return true;
    default:
        return true;
    }
}

static bool take_returned(struct publisher *publisher, struct message *message, struct error *error)
{
    char reason[512];
    snprintf(reason, sizeof reason,
             "no queue takes it: nothing is bound to the exchange \"%s\" for the routing key "
             "\"%.*s\"",
             publisher->options.exchange, STRF(message->routing_key));
    publish_window_returned(&publisher->window, message, reason);
    message_free(message);
    if (!settling(publisher))
        return true;
    return error_set(error, ERROR_UNAVAILABLE, "%s: %s", publisher->link.where, reason);
}

/* Takes in what the broker has sent; waits up to wait_ms for the first of it. */
static bool take_answers(struct publisher *publisher, int wait_ms, struct error *error)
{
    publisher->unanswered = 0;
    publisher->answers_ms = clock_monotonic_ms();
    for (;; wait_ms = 0) {
        switch (frames_next(&publisher->frames, wait_ms, error)) {
        case FRAMES_NONE:
            return true;
        case FRAMES_METHOD:
            if (!take_method(publisher, &publisher->frames.method, error))
                return false;
            break;
        case FRAMES_MESSAGE:
            if (!take_returned(publisher, publisher->frames.message, error))
                return false;
            break;
        case FRAMES_FAILED:
            return false;
        }
    }
}

/* ---- connecting ---- */

static bool exchange_is_there(struct publisher *publisher, struct error *error)
{
    const char *name = publisher->options.exchange;
    amqp_exchange_declare_t request = {
        .exchange = amqp_cstring_bytes(name),
        .type = amqp_cstring_bytes("fanout"),
        .passive = 1,
    };
    if (amqp_link_rpc(&publisher->link, AMQP_EXCHANGE_DECLARE_METHOD, &request,
                      AMQP_EXCHANGE_DECLARE_OK_METHOD, NULL, error))
        return true;
    if (publisher->link.closed_by == AMQP_NOT_FOUND)
        return error_set(error, ERROR_CONFIG,
                         "%s: there is no exchange \"%s\"; run `fanfold setup` to declare the "
                         "exchanges of the configuration",
                         publisher->link.where, name);
    return error_prefix(error, "exchange \"%s\"", name);
}

static bool log_is_there(struct publisher *publisher, struct error *error)
{
    const char *name = publisher->options.partition;
    if (!name)
        return true;
    amqp_queue_declare_t request = {.queue = amqp_cstring_bytes(name), .passive = 1};
    if (amqp_link_rpc(&publisher->link, AMQP_QUEUE_DECLARE_METHOD, &request,
                      AMQP_QUEUE_DECLARE_OK_METHOD, NULL, error))
        return true;
    if (publisher->link.closed_by == AMQP_NOT_FOUND && error->kind == ERROR_CONFIG)
        return stream_missing(&publisher->link, name, error);
    return error_prefix(error, "log \"%s\"", name);
}

static bool connect_publisher(struct publisher *publisher, struct error *error)
{
    char purpose[256];
    snprintf(purpose, sizeof purpose, "publisher %s", publisher->options.exchange);
    if (!amqp_link_open(&publisher->link, publisher->uri, purpose, error))
        return false;
    publish_tune_socket(&publisher->link);
    publisher->frame_max = (size_t)amqp_get_frame_max(publisher->link.state);
    amqp_confirm_select_t confirm = {0};
    if (exchange_is_there(publisher, error) && log_is_there(publisher, error) &&
        amqp_link_rpc(&publisher->link, AMQP_CONFIRM_SELECT_METHOD, &confirm,
                      AMQP_CONFIRM_SELECT_OK_METHOD, NULL, error)) {
        publisher->frames.link = &publisher->link;
        publisher->connected = true;
        return true;
    }
    amqp_link_close(&publisher->link);
    return false;
}

static void disconnect(struct publisher *publisher)
{
    frames_release(&publisher->frames);
    amqp_link_close(&publisher->link);
    publisher->connected = publisher->blocked = false;
    publish_sender_restart(&publisher->sender);
}

/* Full jitter: publishers that lost the same broker do not come back together. */
static void schedule_next_try(struct publisher *publisher)
{
    int64_t limit = BACKOFF_MIN_MS;
    for (int i = 0; i < publisher->tries && limit < BACKOFF_MAX_MS; i++)
        limit *= 2;
    if (limit > BACKOFF_MAX_MS)
        limit = BACKOFF_MAX_MS;
    publisher->tries++;
    publisher->next_try_ms =
        clock_monotonic_ms() + BACKOFF_MIN_MS / 2 + (int64_t)(clock_random() % (uint64_t)limit);
}

/* After a failure: true when it is worth trying again (it will be), false when the error is final.
 */
static bool survive(struct publisher *publisher, struct error *error)
{
    if (error->kind == ERROR_NO || (error->kind != ERROR_UNAVAILABLE && !settling(publisher)))
        return false;
    if (!settling(publisher))
        publisher->answered_ms = 0;
    if (!publisher->lost_ms) {
        char text[sizeof error->text + 64];
        publisher->lost_ms = clock_monotonic_ms();
        snprintf(text, sizeof text, "%s; trying again", error->text);
        notice(publisher, text);
    }
    disconnect(publisher);
    schedule_next_try(publisher);
    return true;
}

static bool patience_is_over(const struct publisher *publisher)
{
    return publisher->options.patience_ms > 0 &&
           clock_monotonic_ms() - publisher->lost_ms > publisher->options.patience_ms;
}

static void say_connected(struct publisher *publisher, size_t again)
{
    char text[128];
    snprintf(text, sizeof text, "connected again; %zu messages are sent again", again);
    publisher->resent += again;
    notice(publisher, text);
}

/* One step: waits for a slice, or tries once. False: it is of no use, or of no use any more. */
static bool reconnect(struct publisher *publisher, struct error *error)
{
    int64_t wait = publisher->next_try_ms - clock_monotonic_ms();
    if (wait > 0) {
        struct timespec slice = {0, (wait < SLICE_MS ? wait : SLICE_MS) * 1000000};
        nanosleep(&slice, NULL);
        return true;
    }
    bool ok = connect_publisher(publisher, error);
    if (!publisher->answered_ms && (ok || error->kind != ERROR_UNAVAILABLE))
        publisher->answered_ms = clock_monotonic_ms();
    if (ok) {
        say_connected(publisher, publish_window_restart(&publisher->window));
        return true;
    }
    if (patience_is_over(publisher))
        return error_prefix(error, "given up after %d s", publisher->options.patience_ms / 1000);
    return survive(publisher, error);
}

/* ---- sending ---- */

static bool idle(void *arg, struct error *error)
{
    struct publisher *publisher = arg;
    return stopped(publisher) ? say_stopped(error) : take_answers(publisher, 0, error);
}

/* The broker may have said why before it closed the connection on us. */
static bool find_reason(struct publisher *publisher, struct error *error)
{
    struct error said;
    if (!take_answers(publisher, 0, &said) && publisher->link.closed_by)
        *error = said;
    return false;
}

/* Sending without reading gets stuck in rabbitmq-c 0.11 when nothing was read for two heartbeats.
 */
static bool answers_are_due(const struct publisher *publisher)
{
    return publisher->unanswered >= BURST ||
           clock_monotonic_ms() - publisher->answers_ms >= SLICE_MS;
}

static bool send_waiting(struct publisher *publisher, struct error *error)
{
    const struct message *message;
    while (!publisher->blocked && (message = publish_window_next(&publisher->window))) {
        if (answers_are_due(publisher) && !idle(publisher, error))
            return false;
        if (publisher->blocked)
            break;
        if (!publish_send(&publisher->sender, publisher->options.exchange, message, error))
            return error->kind == ERROR_NO ? false : find_reason(publisher, error);
        publish_window_sent(&publisher->window);
        publisher->unanswered++;
    }
    return true;
}

/* One step forward: sends what waits; then, unless wait_ms is negative, takes in answers, waiting
 * up to wait_ms for one. */
static bool step(struct publisher *publisher, int wait_ms, struct error *error)
{
    if (stopped(publisher))
        return say_stopped(error);
    if (!publisher->connected)
        return reconnect(publisher, error);
    bool ok =
        send_waiting(publisher, error) && (wait_ms < 0 || take_answers(publisher, wait_ms, error));
    return ok || survive(publisher, error);
}

struct publisher *publisher_open(const struct uri *uri, const struct publisher_options *options,
                                 struct error *error)
{
    struct publisher *publisher = must_calloc(1, sizeof *publisher);
    publisher->uri = uri;
    publisher->options = *options;
    publisher->sender.link = &publisher->link;
    publisher->sender.idle = idle;
    publisher->sender.arg = publisher;
    if (!connect_publisher(publisher, error)) {
        free(publisher);
        return NULL;
    }
    publish_window_init(&publisher->window, options->window ? options->window : WINDOW_DEFAULT);
    return publisher;
}

static const char *fault_of(const struct publisher *publisher, const struct message *message)
{
    if (message->body.len > FRAMES_BODY_MAX)
        return "its body is larger than 128 MiB";
    return properties_fault(message, publisher->frame_max);
}

/* A full window is let run down a little: sending one message for each confirm costs more than the
 * pause, which nobody sees while the rest of the window is on its way. */
static bool await_room(struct publisher *publisher, size_t size, struct error *error)
{
    const struct publish_window *window = &publisher->window;
    if (publish_window_has_room(window, size, PUBLISHER_WINDOW_BYTES))
        return true;
    size_t low = window->cap - window->cap / 16;
    do {
        if (!step(publisher, SLICE_MS, error))
            return false;
    } while (window->count > low || !publish_window_has_room(window, size, PUBLISHER_WINDOW_BYTES));
    return true;
}

bool publisher_send(struct publisher *publisher, const struct message *message, uint64_t tag,
                    struct error *error)
{
    const char *fault = fault_of(publisher, message);
    if (fault) {
        publisher->options.outcome(publisher->options.arg, tag, PUBLISH_REFUSED, fault);
        return true;
    }
    struct message *copy = message_new(message);
    if (!await_room(publisher, copy->size, error)) {
        message_free(copy);
        return false;
    }
    publish_window_push(&publisher->window, copy, tag);
    return step(publisher, -1, error);
}

bool publisher_flush(struct publisher *publisher, struct error *error)
{
    /* Once at least: it also keeps an idle connection alive. */
    do {
        if (!step(publisher, publisher->window.unsettled ? SLICE_MS : 0, error))
            return false;
    } while (publisher->window.unsettled);
    return true;
}

uint64_t publisher_resent(const struct publisher *publisher)
{
    return publisher->resent;
}

size_t publisher_unconfirmed(const struct publisher *publisher)
{
    return publisher->window.unsettled;
}

void publisher_close(struct publisher *publisher)
{
    if (!publisher)
        return;
    disconnect(publisher);
    publish_window_release(&publisher->window);
    free(publisher->sender.headers.at);
    free(publisher);
}
