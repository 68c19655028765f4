/*
 * batcher.h: the fold of one task, without any I/O: it takes delivered events in log order and puts
 * what follows from each into a batch: changes, parked events, tally, and the position after it.
 *
 *     batcher_init(&batcher, view, "shop.events.log.0", "1.9f86d081884c7d65");
 *     batcher_reset(&batcher, &state);                   from store_load: position, tally, waiting
 * keys batcher_open(&batcher, &batch);                    batch.from = where the batcher stands
 *     while (… next delivery …) batcher_fold(&batcher, &delivery, &batch, &error);
 *     batcher_close(&batcher, &batch);                   batch.to, batch.tally, batch.time
 *     store_commit(store, &batch, …);
 *     batcher_release(&batcher);
 *
 * A view that reads rows (`with`) wants some of them first:
 *
 *     while (batcher_fold(…) == BATCHER_READS) {
 *         if (batcher_must_send(&batcher)) …close, commit, and open the next batch…
 *         …read batcher_unread(&batcher), then batcher_row(&batcher, &name, &row) for each…
 *     }
 *
 * Why what it folds with is what stands before each event. A batch is committed only if the stored
 * position is its `from`, in all its parts (commit.lua), and rows change only together with the
 * position. A read says at which position the rows stood; it is used only if that is the `from` of
 * the batch that was open when it was asked for. From there on
 *   (1) what this batcher itself changes is dropped at the change, and not read again before the
 *       batch with the change was sent: a read behind it on the same connection sees it, or sees
 *       another position and is not used;
 *   (2) what anybody else changes comes with another position (a parked event that was taken out
 *       raises the park revision), and no later batch of this one is committed: it conflicts.
 * Hence at each event the rows kept are those at `from`, changed by nothing in between; and should
 * they not be, what was folded with them is never committed.
 *
 * The worker (task.c) and `fanfold try` use it alike.
 *
 * What becomes of an event: DESIGN sections 4 and 5. In this order: duplicate → counted; id reused
 * → parked, skipped or stop, as the view's on_error says; same park_by key as a parked one (unless
 * the view's verbs commute) → parked behind it; not decodable, refused before (batcher_refuse), or
 * not foldable → parked, skipped or stop; otherwise its changes go into the batch.
 */
#ifndef FANFOLD_WORKER_BATCHER_H
#define FANFOLD_WORKER_BATCHER_H

#include "event/window.h"
#include "worker/row_cache.h"
#include <fanfold/store.h>
#include <fanfold/view.h>

/* A batch is full at one of these (an event's changes are never divided). The script stays within
 * about 10 ms (FACTS 4.1). */
#define BATCH_CHANGES_MAX 4000
#define BATCH_BYTES_MAX   (1024 * 1024)

/* What the rows read may take of memory; beyond that the batch ends, and they are read anew. It is
 * more than one event may read. */
#define BATCH_ROWS_MAX ((size_t)16 * 1024 * 1024)

/* The reason of an event whose id was reused; a retry knows it by this, for ever. */
#define BATCHER_ID_REUSED                                                                      \
    "id reused: an earlier event with this source and id has another type or other data; ids " \
    "of one source must be unique"

struct delivery {
    uint64_t offset;
    uint64_t record;      /* of a recorded log: where it is in the partition; else 0 */
    uint64_t fingerprint; /* of the 16 events up to this one */
    enum window_answer duplicate;
    const struct message *message;
    const struct cloudevent *event; /* also when it could not be decoded: what is known of it */
    const char *decode_fault;       /* NULL: it could be decoded */
    struct str body;                /* kept with the event when it parks */
};

struct refusal {
    uint64_t offset;
    char *reason;
};

/* What is folded: a view, or a generation of it that is built beside it. */
struct role {
    char *name;       /* "stock", or "stock@2" */
    char *row_prefix; /* "", or "fanfold:g:2:" */
    char *leader;     /* the view that it must not overtake; NULL: none */
    char *aside_of;   /* the view whose dropped events it leaves out; NULL: it is a view itself */
    bool strict;      /* an event that fails parks only if it was parked there as well */
};

struct batcher {
    const struct view *view;
    const char *partition;
    const char *origin; /* the stream that offsets are of: the partition, or its log's intake */
    const struct role *role;       /* NULL: the view itself */
    const char *definition;        /* its text, for the first position; NULL: one is stored */
    const struct set_aside *aside; /* of role->aside_of */
    char epoch[EPOCH_MAX];
    struct position position; /* epoch "" until the first event, when nothing is stored yet */
    uint64_t record;          /* of its event, likewise */
    struct tally tally;
    bool has_time;
    int64_t time_ms;
    struct map waiting; /* park_by key → parked events under it, those of open batches included */
    struct refusal *refusals; /* events that the script refused, ahead of the position */
    size_t refusal_count;
    struct arena scratch;
    struct row_cache rows;    /* of a view that reads some */
    struct row_source source; /* for the fold */
    struct row_source ahead;  /* for events that are looked at ahead, and what follows from them: */
    struct changes unused;
};

enum batcher_answer {
    BATCHER_TOOK,  /* what follows from the event is in the batch */
    BATCHER_STOPS, /* on_error is "stop", or the role strict, and it cannot be folded; error says
                      why */
    BATCHER_READS, /* rows must be read first */
};

void batcher_init(struct batcher *batcher, const struct view *view, const char *partition,
                  const char *epoch);
/* Stands where the state says. Takes over state->waiting. Forgets refusals at or before the
 * position. */
void batcher_reset(struct batcher *batcher, struct task_state *state);
void batcher_open(struct batcher *batcher, struct batch *batch);
/* Nothing was added unless BATCHER_TOOK. If that and tally.skipped went up, on_error is "skip", and
 * error says why. */
enum batcher_answer batcher_fold(struct batcher *batcher, const struct delivery *delivery,
                                 struct batch *batch, struct error *error);

/* The rows that the last event wants, and then those that events looked at ahead would want. */
const struct row_list *batcher_unread(const struct batcher *batcher);
/* Adds what this event, some way behind, would want as far as that can be known now. */
void batcher_look_ahead(struct batcher *batcher, const struct cloudevent *event);
/* The open batch changes what is to be read, or too much was read: send it (or, when it is empty,
 * open it again), and fold the event again. */
bool batcher_must_send(const struct batcher *batcher);
/* A row, as it stood at the open batch's `from`. */
void batcher_row(struct batcher *batcher, const struct row_name *name, const struct row *row);
/* The rows are not those of the position any more. */
void batcher_forget_rows(struct batcher *batcher);
void batcher_close(const struct batcher *batcher, struct batch *batch);
bool batch_is_full(const struct batch *batch);
/* Can the event at that offset go into the batch? In a quiet partition of a recorded log the next
 * offset may be very far. */
bool batch_reaches(const struct batch *batch, uint64_t offset);
/* Offset of the event that COMMIT_REFUSED names: struct change.event counts from batch.base. */
uint64_t batch_event_offset(const struct batch *batch, uint32_t event);
/* The script refused the event at offset: next time it parks with this reason. */
void batcher_refuse(struct batcher *batcher, uint64_t offset, const char *reason);
void batcher_release(struct batcher *batcher);

#endif
