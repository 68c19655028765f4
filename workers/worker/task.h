/*
 * task.h: one (view, partition) in this process: its state, and the pipeline of its commits. A
 * generation that is built beside a view has tasks of its own.
 *
 * A task exists for every partition of every view that this process serves; it runs while this
 * process holds its lease: task = task_new(&host, role, definition, index of the log, of its
 * partition); task_begin(task);                          the lease is ours …task_wants_load() →
 * task_load(); task_wants_feed() → feed_open() with it… task_take(task, &delivery); the feed hands
 * it each message, in log order task_turn(task);                           end of the turn: decides
 * to commit task_end(task);                            the lease is to go; task_is_idle() when it
 * may task_free(task);                           when idle
 *
 * States: idle → connecting → recovering → streaming → backoff → stopped(reason) → draining → idle,
 * each entered through task_enter(), which logs from → to.
 *
 * After a conflict, a lost reply or any failure the pipeline is dropped: nothing more is folded,
 * the answers that are still to come are awaited, then position and parked set are loaded again.
 *
 * A task that is held (by a comparison of generations, or because it would overtake the view that
 * it is built beside) folds up to the offset that it is told, and tries from time to time to go on.
 */
#ifndef FANFOLD_WORKER_TASK_H
#define FANFOLD_WORKER_TASK_H

#include "event/partition_key.h"
#include "worker/batcher.h"
#include "worker/definition.h"
#include "worker/host.h"
#include "worker/recent.h"
#include "worker/trouble.h"

struct feed;
struct served;

/* The fingerprint of a position is of the last events up to it that lie in so many offsets: of a
 * direct log these are at least 16 (a segment roll takes an offset). */
#define FINGERPRINT_REACH 1024

enum task_status {
    TASK_IDLE,       /* another worker's, or nobody's */
    TASK_CONNECTING, /* ours; waits for the position from Redis */
    TASK_RECOVERING, /* the log is read up to the position: duplicate window, fingerprint */
    TASK_STREAMING,
    TASK_BACKOFF,  /* something failed; tries again at retry_at */
    TASK_STOPPED,  /* loudly: a person must look */
    TASK_DRAINING, /* waits for the answers to what is in flight, then idle */
};

/* Batches under way at most: while one is under way the next collects; a second one is sent only
 * when it is full. */
#define TASK_PIPELINE 2

struct pending {
    struct position to;
    uint64_t record; /* likewise */
    uint64_t base;   /* for batch_event_offset */
};

struct task {
    struct host *host;
    const struct role *role;
    struct definition *definition; /* in use; view and log are of it */
    const struct view *view;
    const struct log_config *log;
    char *partition, *intake;
    char epoch[EPOCH_MAX];

    enum task_status status;
    char reason[512];     /* why it is not streaming */
    int64_t since_ms;     /* wall clock, of the status */
    int64_t retry_at;     /* monotonic */
    enum trouble trouble; /* the last one that no commit has ended */
    int64_t trouble_ms;   /* wall clock, when it began: tries in between do not count */
    unsigned failures;    /* in a row, for the back-off */

    struct batcher batcher;
    struct batch batch;                    /* collects */
    struct pending pending[TASK_PIPELINE]; /* oldest first */
    size_t in_flight;
    bool stale;              /* the pipeline is dropped: answers change nothing any more */
    bool cut;                /* the batch that collects must be sent before more is folded */
    bool reading;            /* store_read has not answered yet */
    struct position read_at; /* where the rows asked for stand */
    size_t asked;            /* how many of the batcher's unread rows */
    size_t ahead;            /* events that the last read looked at */
    uint64_t read_taken;     /* `taken` at the last read of another event */
    bool loading;            /* store_load has not answered yet */
    bool loaded;             /* position known; wants a feed */
    bool refolds;       /* while it streams: loads the position again, and goes on from there */
    bool held;          /* streaming, but the next event is beyond `limit`; until retry_at */
    int64_t held_since; /* monotonic; 0: it has committed since it was last held */
    bool has_limit;
    uint64_t limit; /* the last offset that it may fold */
    bool halting;   /* stops, with `halt`, when what was folded before is committed */
    struct error halt;
    enum trouble halt_trouble;
    struct recent recent; /* how the last events did; begins anew when a person has looked */

    struct position committed;
    uint64_t record;            /* of a recorded log: where its event is in the partition */
    uint64_t begins;            /* the first offset that is folded in */
    struct moved moved;         /* what was folded by other partitions */
    struct partition_keys keys; /* to know that */
    uint64_t passed; /* the offset behind the last event that was passed over: no commit follows */
    bool reads_all;  /* of a recorded log: from its beginning */
    struct set_aside aside; /* of role->aside_of */
    bool wants_aside;       /* it was not read yet, or is too old */
    struct feed *feed;      /* NULL: not attached */
    uint64_t next;          /* index in the feed's ring of the next message to take */
    bool verified;          /* the log was seen to hold the stored fingerprint */

    uint64_t taken; /* messages folded since the process started, for the rate */
    uint64_t taken_before;
    double rate;           /* events per second, over the last tick */
    bool removed;          /* not served any more: free it when idle */
    struct served *served; /* what it is a task of */
};

/* The role must stay as long as the task. */
struct task *task_new(struct host *host, const struct role *role, struct definition *definition,
                      size_t log, size_t partition);
void task_free(struct task *task);
const char *task_status_name(enum task_status status);

void task_begin(struct task *task);
void task_end(struct task *task, const char *why);
/* Draining, and nothing is under way any more: it becomes idle (once). */
bool task_settle(struct task *task);
bool task_is_idle(const struct task *task);
/* Neither idle, stopped nor draining. */
bool task_runs(const struct task *task);
/* A stopped task tries again (SIGHUP). */
void task_retry(struct task *task);

/* Redis may be another one, or have gone back: the position is loaded again. */
void task_reload(struct task *task);
bool task_wants_load(const struct task *task, int64_t now_ms);
void task_load(struct task *task);
bool task_wants_feed(const struct task *task);

/* The first offset that a feed must read for this task: its duplicate window and fingerprint. */
uint64_t task_start(const struct task *task);
/* Where that is in the partition, or before. */
uint64_t task_start_record(const struct task *task);
/* Without a position: the first offset that may not be missing. */
uint64_t task_needs(const struct task *task);
void task_attached(struct task *task, struct feed *feed, uint64_t next);
/* The feed is going: drop the pipeline, come back after a back-off. */
void task_lost_feed(struct task *task, const struct error *why);
void task_stop(struct task *task, enum trouble trouble, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A held task tries to go on, when it is time. */
void task_lift(struct task *task, int64_t now_ms);
bool task_takes(const struct task *task);
void task_take(struct task *task, const struct delivery *delivery);
void task_turn(struct task *task);
/* Streaming with nothing under way: it may move to another feed. */
bool task_is_quiet(const struct task *task);
/* Has it no more use for the message at this offset? */
bool task_is_past(const struct task *task, uint64_t offset);

#endif
