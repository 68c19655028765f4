/*
 * unparking.c: see unparking.h.
 */
#include "cli/unparking.h"
#include "base/clock.h"

#include <event2/event.h>
#include <stdlib.h>

#define WAIT_MS  30000
#define SLICE_MS 50

struct unparking {
    struct event_base *base;
    struct redis_store *redis;
    struct error why; /* kind is not ERROR_NONE: it is down, and why */
    bool answered;
    struct commit_result result;
    store_read_fn *read; /* for the rows that come, with its arg */
    void *read_arg;
};

static void on_up(void *arg)
{
    ((struct unparking *)arg)->why.kind = ERROR_NONE;
}

static void on_down(void *arg, const struct error *why)
{
    ((struct unparking *)arg)->why = *why;
}

static void turn(struct unparking *unparking)
{
    struct timeval slice = {.tv_usec = SLICE_MS * 1000};
    event_base_loopexit(unparking->base, &slice);
    event_base_loop(unparking->base, EVLOOP_ONCE);
}

struct unparking *unparking_open(struct event_base *base, const struct uri *uri,
                                 struct error *error)
{
    static const struct redis_store_hooks hooks = {on_up, on_down, NULL};
    struct unparking *unparking = must_calloc(1, sizeof *unparking);
    unparking->base = base;
    unparking->redis = redis_store_new(base, uri, &hooks, unparking);
    while (!redis_store_is_up(unparking->redis) && unparking->why.kind == ERROR_NONE)
        turn(unparking);
    if (redis_store_is_up(unparking->redis))
        return unparking;
    *error = unparking->why;
    unparking_close(unparking);
    return NULL;
}

bool unparking_wait(struct unparking *unparking, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + WAIT_MS;
    while (!redis_store_is_up(unparking->redis)) {
        if (clock_monotonic_ms() > deadline) {
            *error = unparking->why;
            return false;
        }
        turn(unparking);
    }
    return true;
}

static void on_answer(void *arg, const struct commit_result *result)
{
    struct unparking *unparking = arg;
    unparking->answered = true;
    unparking->result = *result;
}

/* It always comes: a connection without an answer counts as lost after a while (redis_store.h). */
void unparking_commit(struct unparking *unparking, const struct unpark *unpark,
                      struct commit_result *result)
{
    unparking->answered = false;
    redis_store_unpark(unparking->redis, unpark, on_answer, unparking);
    while (!unparking->answered)
        turn(unparking);
    *result = unparking->result;
}

static void on_read(void *arg, enum store_status status, const struct row *rows,
                    const struct position *at, const struct error *error)
{
    struct unparking *unparking = arg;
    unparking->answered = true;
    unparking->read(unparking->read_arg, status, rows, at, error);
}

void unparking_read(struct unparking *unparking, const struct row_request *request,
                    store_read_fn *done, void *arg)
{
    unparking->answered = false;
    unparking->read = done;
    unparking->read_arg = arg;
    store_read(redis_store_as_store(unparking->redis), request, on_read, unparking);
    while (!unparking->answered)
        turn(unparking);
}

bool unparking_fault(const struct commit_result *result, struct error *error)
{
    switch (result->outcome) {
    case COMMIT_FOREIGN:
        return error_set(error, ERROR_CONFIG, "foreign data: %s", result->reason);
    case COMMIT_FROZEN:
        return error_set(error, ERROR_UNAVAILABLE, "%s; try again after it", result->reason);
    case COMMIT_FAILED:
        return error_set(
            error, strncmp(result->reason, "NOPERM", 6) == 0 ? ERROR_PERMISSION : ERROR_UNAVAILABLE,
            "Redis refused: %s", result->reason);
    default:
        return error_set(error, ERROR_UNAVAILABLE, "Redis: %s", result->reason);
    }
}

void unparking_close(struct unparking *unparking)
{
    if (!unparking)
        return;
    store_free(redis_store_as_store(unparking->redis));
    free(unparking);
}
