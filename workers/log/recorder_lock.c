/*
 * recorder_lock.c: an exclusive consumer, as a lock.
 *
 * To be refused closes the channel, and stands in the broker's log. So the number of consumers is
 * asked for first; whoever comes second all the same is refused.
 */
#include "log/recorder_lock.h"

#include "log/frames.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 5000

struct recorder_lock {
    struct amqp_link link;
    struct frames frames;
    char *queue;
    void (*wake)(void *arg);
    void *arg;
    struct event *readable, *beat;
    struct error lost; /* kind is ERROR_NONE: it is not */
};

static void lose(struct recorder_lock *lock)
{
    error_prefix(&lock->lost, "the lock of the recorder is lost");
    event_del(lock->readable); /* rabbitmq-c may have closed the descriptor */
    event_del(lock->beat);
    lock->wake(lock->arg);
}

/* False: it is lost. */
static bool take_all(struct recorder_lock *lock)
{
    for (;;) {
        switch (frames_next(&lock->frames, 0, &lock->lost)) {
        case FRAMES_NONE:
            return true;
        case FRAMES_METHOD:
            if (lock->frames.method.id == AMQP_BASIC_CANCEL_METHOD)
                return error_set(&lock->lost, ERROR_CONFIG,
                                 "%s: the queue \"%s\" was deleted; run `fanfold setup` to declare "
                                 "it",
                                 lock->link.where, lock->queue);
            break;
        case FRAMES_MESSAGE: /* of somebody who took the queue for one */
            message_free(lock->frames.message);
            break;
        case FRAMES_FAILED:
            return false;
        }
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct recorder_lock *lock = arg;
    if (lock->lost.kind == ERROR_NONE && !take_all(lock))
        lose(lock);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    struct recorder_lock *lock = arg;
    amqp_frame_t heartbeat = {.frame_type = AMQP_FRAME_HEARTBEAT};
    int status = amqp_send_frame(lock->link.state, &heartbeat);
    if (status == AMQP_STATUS_OK) {
        on_readable(fd, what, arg); /* which notices when the other side has gone silent */
        return;
    }
    amqp_link_failed(&lock->link, status, &lock->lost);
    lose(lock);
}

static void watch(struct recorder_lock *lock, struct event_base *base)
{
    static const struct timeval second = {1, 0};
    int fd = amqp_get_sockfd(lock->link.state);
    lock->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, lock);
    lock->beat = event_new(base, -1, EV_PERSIST, on_beat, lock);
    if (!lock->readable || !lock->beat)
        abort(); /* out of memory */
    event_add(lock->readable, NULL);
    event_add(lock->beat, &second);
}

struct recorder_lock *recorder_lock_open(struct event_base *base, const struct uri *uri,
                                         const char *queue, void (*wake)(void *arg), void *arg,
                                         struct error *error)
{
    char purpose[300];
    struct amqp_link link;
    snprintf(purpose, sizeof purpose, "lock %s", queue);
    if (!amqp_link_open_beating(&link, uri, purpose, LOCK_HEARTBEAT, error))
        return NULL;
    struct recorder_lock *lock = must_calloc(1, sizeof *lock);
    lock->link = link;
    lock->frames.link = &lock->link;
    lock->queue = must_strdup(queue);
    lock->wake = wake;
    lock->arg = arg;
    watch(lock, base);
    return lock;
}

static bool count_consumers(struct recorder_lock *lock, uint32_t *count, struct error *error)
{
    void *reply;
    amqp_queue_declare_t request = {.queue = amqp_cstring_bytes(lock->queue), .passive = 1};
    if (!amqp_link_rpc(&lock->link, AMQP_QUEUE_DECLARE_METHOD, &request,
                       AMQP_QUEUE_DECLARE_OK_METHOD, &reply, error)) {
        if (lock->link.closed_by == AMQP_NOT_FOUND && error->kind == ERROR_CONFIG)
            error_set(error, ERROR_CONFIG,
                      "%s: there is no queue \"%s\"; run `fanfold setup` to declare it",
                      lock->link.where, lock->queue);
        return false;
    }
    *count = ((const amqp_queue_declare_ok_t *)reply)->consumer_count;
    return true;
}

static bool consume(struct recorder_lock *lock, struct error *error)
{
    amqp_basic_consume_t request = {
        .queue = amqp_cstring_bytes(lock->queue),
        .consumer_tag = amqp_cstring_bytes("fanfold-recorder"),
        .no_ack = 1,
        .exclusive = 1,
    };
    return amqp_link_rpc(&lock->link, AMQP_BASIC_CONSUME_METHOD, &request,
                         AMQP_BASIC_CONSUME_OK_METHOD, NULL, error);
}

enum lock_answer recorder_lock_take(struct recorder_lock *lock, struct error *error)
{
    uint32_t consumers;
    amqp_link_allow(&lock->link, ANSWER_MS);
    if (!count_consumers(lock, &consumers, error))
        return LOCK_FAILED;
    if (consumers)
        return LOCK_BUSY;
    if (consume(lock, error))
        return LOCK_TAKEN;
    bool late = lock->link.closed_by == AMQP_ACCESS_REFUSED && strstr(error->text, "exclusive use");
    return late && amqp_link_reopen(&lock->link, error) ? LOCK_BUSY : LOCK_FAILED;
}

const struct error *recorder_lock_lost(const struct recorder_lock *lock)
{
    return lock->lost.kind == ERROR_NONE ? NULL : &lock->lost;
}

void recorder_lock_close(struct recorder_lock *lock)
{
    if (!lock)
        return;
    event_free(lock->readable);
    event_free(lock->beat);
    frames_release(&lock->frames);
    amqp_link_close(&lock->link);
    free(lock->queue);
    free(lock);
}
