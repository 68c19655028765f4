/*
 * store.h: commit. Where rows and positions are kept: in Redis, or in memory (the RAM twin, for
 * `fanfold try` and for tests). Both obey the commit rule, which stands at the head of
 * workers/store/commit.lua; tests/…/store_conformance runs the same cases against both.
 *
 *     struct store *store = ram_store_new();           or redis_store_as_store(redis)
 *     store_load(store, "stock", "shop.events.log.0", on_load, task);
 *     …fold events into batch…
 *     store_commit(store, &batch, on_commit, task);    the batch may be reused when this returns
 *     store_read(store, &request, on_read, task);      so may the request
 *     store_free(store);
 *
 * Callbacks: each is called exactly once, never from inside the call that asked for it, and in the
 * order of the calls. When the connection to the server is lost, all that wait are called with
 * STORE_UNKNOWN / COMMIT_UNKNOWN; a call while there is no connection gets that too. An answer that
 * is UNKNOWN may have been carried out: reload the position. store_free calls what waits, too.
 */
#ifndef FANFOLD_STORE_H
#define FANFOLD_STORE_H

#include "base/error.h"
#include <fanfold/change.h>
#include <fanfold/position.h>
#include <fanfold/row.h>

#define PARKED_PAYLOAD_MAX (64 * 1024)

/* An event that the batch parks. Texts live in the batch's changes.arena. */
struct parked_event {
    uint64_t offset;
    bool waits;        /* not failing itself: it waits behind a parked one of the same key */
    struct str key;    /* park_by; {NULL,0}: nothing waits behind it */
    struct str reason; /* for a person */
    struct str id, source, type;
    struct str payload;   /* of a failing event, at most PARKED_PAYLOAD_MAX; {NULL,0}: none kept */
    int64_t parked_at_ms; /* wall clock */
};

/* A view's name also stands for a generation of it that is built beside the live one, written
 * "<view>@<generation>" (generation.h): it has a position, parked events and a lease of its own. */
struct batch {
    const char *view, *partition;
    struct str row_prefix;  /* put before each row's key; {NULL,0}: none */
    const char *leader;     /* the view whose position this one must not pass, or NULL */
    const char *definition; /* stored with the first position of the view (definition.h); NULL: one
                               must be there */
    struct position from, to; /* from.epoch "" : there must be no position yet */
    uint64_t record; /* of a recorded log: where the event at `to` is in the partition; else 0 */
    bool has_time;
    int64_t time_ms;
    struct tally tally; /* as it stands after the batch */
    struct changes changes;
    uint64_t base; /* the offset that struct change.event counts from */
    struct parked_event *parked;
    size_t parked_count, parked_cap;
};

/* Appends a zeroed entry. */
struct parked_event *batch_park(struct batch *batch);
/* Empties lists and arena; keeps memory, view and partition. */
void batch_clear(struct batch *batch);
void batch_release(struct batch *batch);

enum commit_outcome {
    COMMIT_OK,       /* rows and position are in */
    COMMIT_ALREADY,  /* they were in before: an earlier reply was lost */
    COMMIT_CONFLICT, /* the stored position is another: drop the pipeline, reload */
    COMMIT_REFUSED,  /* event `event` of the batch has an impossible result: park it, fold again */
    COMMIT_FOREIGN,  /* a row holds what this fold cannot have made: stop the view, name the key */
    COMMIT_FROZEN,   /* held, or at its leader's position: come back later, or up to `limit` */
    COMMIT_FAILED, /* the server refused (out of memory, read-only, disk, permission); nothing is in
                    */
    COMMIT_UNKNOWN, /* no answer: reload the position */
    COMMIT_STALE,   /* of a retry only (parked.h): a row that it has read is another by now */
};

struct commit_result {
    enum commit_outcome outcome;
    uint32_t event; /* COMMIT_REFUSED: struct change.event of the failing change */
    bool has_limit; /* COMMIT_FROZEN: one may commit up to the offset `limit`, included */
    uint64_t limit;
    char reason[512]; /* for a person; "" for OK and ALREADY */
};

enum store_status {
    STORE_OK,
    STORE_FAILED,  /* the server answered with an error; error says which */
    STORE_UNKNOWN, /* no connection */
};

/* What a generation that is built beside a view must know of that view: which events it has set
 * aside, all of them up to `offset`. */
struct set_aside {
    uint64_t *parked, *dropped; /* offsets, rising */
    size_t parked_count, dropped_count;
    bool has_offset; /* the view has a position */
    uint64_t offset;
};

void set_aside_release(struct set_aside *aside);
/* Is the offset in the list? */
bool set_aside_has(const uint64_t *offsets, size_t count, uint64_t offset);

/* state (valid during the call) is NULL unless STORE_OK. Take over state->waiting and
 * state->moved by swapping them out. */
typedef void store_load_fn(void *arg, enum store_status status, struct task_state *state,
                           const struct error *error);
/* aside (valid during the call, to be swapped out) is NULL unless STORE_OK. */
typedef void store_aside_fn(void *arg, enum store_status status, struct set_aside *aside,
                            const struct error *error);
typedef void store_commit_fn(void *arg, const struct commit_result *result);

/* Rows of a view, for a fold that reads them. Asked for after a commit, it sees what that commit
 * has made. */
#define ROW_REQUEST_MAX 1000

struct row_request {
    const char *view, *partition;
    struct str row_prefix;       /* as in a batch */
    const struct row_name *rows; /* each once, at most ROW_REQUEST_MAX */
    size_t count;
};

/* rows: one for each that was asked for, valid during the call; NULL unless STORE_OK. Some may be
 * ROW_UNREAD, when the answer would get too large: ask for them again; at least the first is not.
 * All others are as they stood at one moment, when the task's position was `at`. */
typedef void store_read_fn(void *arg, enum store_status status, const struct row *rows,
                           const struct position *at, const struct error *error);

struct store;

struct store_ops {
    void (*load)(struct store *, const char *view, const char *partition, store_load_fn *, void *);
    void (*commit)(struct store *, const struct batch *, store_commit_fn *, void *);
    void (*read)(struct store *, const struct row_request *, store_read_fn *, void *);
    void (*free)(struct store *);
    /* NULL in the RAM twin, which has no generations. */
    void (*aside)(struct store *, const char *view, const char *partition, store_aside_fn *,
                  void *);
};

struct store {
    const struct store_ops *ops;
};

static inline void store_load(struct store *store, const char *view, const char *partition,
                              store_load_fn *done, void *arg)
{
    store->ops->load(store, view, partition, done, arg);
}

static inline void store_commit(struct store *store, const struct batch *batch,
                                store_commit_fn *done, void *arg)
{
    store->ops->commit(store, batch, done, arg);
}

static inline void store_aside(struct store *store, const char *view, const char *partition,
                               store_aside_fn *done, void *arg)
{
    store->ops->aside(store, view, partition, done, arg);
}

static inline void store_read(struct store *store, const struct row_request *request,
                              store_read_fn *done, void *arg)
{
    store->ops->read(store, request, done, arg);
}

static inline void store_free(struct store *store)
{
    if (store)
        store->ops->free(store);
}

#endif
