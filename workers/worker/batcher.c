/*
 * batcher.c: what becomes of each event of a task. See batcher.h for the order of the questions.
 */
#include "worker/batcher.h"
#include "base/clock.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void batcher_init(struct batcher *batcher, const struct view *view, const char *partition,
                  const char *epoch)
{
    *batcher = (struct batcher){.view = view, .partition = partition, .origin = partition};
    snprintf(batcher->epoch, sizeof batcher->epoch, "%s", epoch);
}

static struct row look(void *arg, const struct row_name *name)
{
    return row_cache_look(&((struct batcher *)arg)->rows, name);
}

/* Refusals at or before the position are parked for good by now. */
static void forget_refusals(struct batcher *batcher, const struct position *position)
{
    size_t kept = 0;
    for (size_t i = 0; i < batcher->refusal_count; i++) {
        struct refusal *refusal = &batcher->refusals[i];
        if (position->epoch[0] && refusal->offset <= position->offset)
            free(refusal->reason);
        else
            batcher->refusals[kept++] = *refusal;
    }
    batcher->refusal_count = kept;
}

void batcher_reset(struct batcher *batcher, struct task_state *state)
{
    forget_refusals(batcher, &state->position);
    batcher_forget_rows(batcher);
    batcher->position = state->position;
    batcher->record = state->record;
    batcher->tally = state->tally;
    batcher->has_time = state->has_time;
    batcher->time_ms = state->time_ms;
    map_release(&batcher->waiting);
    batcher->waiting = state->waiting;
    state->waiting = (struct map){0};
}

void batcher_open(struct batcher *batcher, struct batch *batch)
{
    const struct role *role = batcher->role;
    batch_clear(batch);
    row_cache_sent(&batcher->rows);
    if (batcher->rows.bytes > BATCH_ROWS_MAX)
        row_cache_clear(&batcher->rows);
    batch->view = role ? role->name : view_name(batcher->view);
    batch->row_prefix = role ? str_of(role->row_prefix) : STR("");
    batch->leader = role ? role->leader : NULL;
    batch->definition = batcher->definition;
    batch->partition = batcher->partition;
    batch->from = batcher->position;
}

void batcher_close(const struct batcher *batcher, struct batch *batch)
{
    batch->to = batcher->position;
    batch->record = batcher->record;
    batch->tally = batcher->tally;
    batch->has_time = batcher->has_time;
    batch->time_ms = batcher->time_ms;
}

bool batch_is_full(const struct batch *batch)
{
    return batch->changes.count >= BATCH_CHANGES_MAX ||
           batch->changes.arena.used >= BATCH_BYTES_MAX;
}

bool batch_reaches(const struct batch *batch, uint64_t offset)
{
    return batch->changes.count == 0 || offset - batch->base <= UINT32_MAX;
}

uint64_t batch_event_offset(const struct batch *batch, uint32_t event)
{
    return batch->base + event;
}

static const char *refusal_of(const struct batcher *batcher, uint64_t offset)
{
    for (size_t i = 0; i < batcher->refusal_count; i++)
        if (batcher->refusals[i].offset == offset)
            return batcher->refusals[i].reason;
    return NULL;
}

void batcher_refuse(struct batcher *batcher, uint64_t offset, const char *reason)
{
    if (refusal_of(batcher, offset))
        return;
    batcher->refusals =
        must_realloc(batcher->refusals, (batcher->refusal_count + 1) * sizeof *batcher->refusals);
    batcher->refusals[batcher->refusal_count++] = (struct refusal){offset, must_strdup(reason)};
}

static struct str keep(struct batch *batch, struct str text)
{
    return str_is(text) ? arena_copy(&batch->changes.arena, text) : text;
}

/* The event at offset is parked or skipped. Whether it is can depend on what only one worker knows
 * (the script refused it, somebody retried it), so equal positions must mean equal choices: a mere
 * counter lets a batch that was folded without knowing pass for one that knew. The sum does not
 * depend on where batches end, and stays below 2^53 for 60 million events. */
static void set_aside(struct batcher *batcher, uint64_t offset)
{
    batcher->position.park_revision += 1 + (hash_mix(offset, 0) & 0xfffffff);
}

static void park(struct batcher *batcher, const struct delivery *delivery, struct batch *batch,
                 struct str key, const char *reason, bool waits)
{
    struct parked_event *parked = batch_park(batch);
    parked->offset = delivery->offset;
    parked->waits = waits;
    parked->key = keep(batch, key);
    parked->reason = keep(batch, str_of(reason));
    parked->id = keep(batch, delivery->event->id);
    parked->source = keep(batch, delivery->event->source);
    parked->type = keep(batch, delivery->event->published_type);
    parked->parked_at_ms = clock_wall_ms();
    if (!waits && delivery->body.len <= PARKED_PAYLOAD_MAX)
        parked->payload = keep(batch, delivery->body);
    if (str_is(key))
        ++*map_put(&batcher->waiting, key);
    batcher->tally.parked++;
    set_aside(batcher, delivery->offset);
}

/* Why the event cannot even be tried, or NULL. */
static const char *fault_of(const struct batcher *batcher, const struct delivery *delivery)
{
    if (delivery->decode_fault)
        return delivery->decode_fault;
    return refusal_of(batcher, delivery->offset);
}

/* An event of unknown type that could not be decoded may be meant for any view. */
static bool concerns(const struct batcher *batcher, const struct delivery *delivery)
{
    if (delivery->decode_fault && delivery->event->type.len == 0)
        return true;
    return view_matches(batcher->view, delivery->event->type);
}

static void leave_out(struct batcher *batcher, uint64_t offset)
{
    batcher->tally.skipped++;
    set_aside(batcher, offset);
}

static enum batcher_answer fails(struct batcher *batcher, const struct delivery *delivery,
                                 struct batch *batch, struct str key, const char *reason,
                                 struct error *error)
{
    enum on_error rule = view_on_error(batcher->view);
    const struct set_aside *aside = batcher->aside;
    if (rule == ON_ERROR_PARK && batcher->role && batcher->role->strict &&
        !(aside && set_aside_has(aside->parked, aside->parked_count, delivery->offset)))
        rule = ON_ERROR_STOP;
    if (rule == ON_ERROR_PARK) {
        park(batcher, delivery, batch, key, reason, false);
        return BATCHER_TOOK;
    }
    error_set(error, ERROR_NO, "event %.*s at offset %llu cannot be folded: %s",
              STRF(delivery->event->id), (unsigned long long)delivery->offset, reason);
    if (rule == ON_ERROR_STOP)
        return BATCHER_STOPS;
    leave_out(batcher, delivery->offset);
    return BATCHER_TOOK;
}

/* The event is no duplicate and its type is one of the view's. */
static enum batcher_answer try_fold(struct batcher *batcher, const struct delivery *delivery,
                                    struct batch *batch, struct error *error)
{
    struct str key = {NULL, 0};
    bool ordered = !view_commutes(batcher->view);
    if (ordered)
        key = view_park_key(batcher->view, delivery->event, &batcher->scratch);
    /* First, because a retry could not find it out any more: the window is not read again. */
    if (delivery->duplicate == WINDOW_REUSED)
        return fails(batcher, delivery, batch, key, BATCHER_ID_REUSED, error);
    if (ordered && batcher->waiting.count && str_is(key) && map_get(&batcher->waiting, key)) {
        park(batcher, delivery, batch, key, "waits behind a parked event of the same key", true);
        return BATCHER_TOOK;
    }
    const char *fault = fault_of(batcher, delivery);
    if (fault)
        return fails(batcher, delivery, batch, key, fault, error);

    if (batch->changes.count == 0)
        batch->base = delivery->offset;
    batch->changes.event = (uint32_t)(delivery->offset - batch->base);
    batch->changes.partition = batcher->origin;
    batch->changes.offset = delivery->offset;
    struct error why;
    size_t before = batch->changes.count;
    batcher->source.look = look;
    batcher->source.arg = batcher;
    switch (view_fold(batcher->view, delivery->event, &batcher->source, &batch->changes,
                      &batcher->scratch, &why)) {
    case FOLD_PARK:
        return fails(batcher, delivery, batch, key, why.text, error);
    case FOLD_READ:
        return BATCHER_READS;
    case FOLD_DONE:
    case FOLD_IGNORED:
        break;
    }
    for (size_t i = before; view_reads(batcher->view) && i < batch->changes.count; i++)
        row_cache_change(&batcher->rows, batch->changes.at[i].key);
    batcher->tally.folded++;
    return BATCHER_TOOK;
}

/* A view is the fold of the log without the events that were dropped, in every generation. */
static bool is_dropped(const struct batcher *batcher, uint64_t offset)
{
    const struct set_aside *aside = batcher->aside;
    return aside && set_aside_has(aside->dropped, aside->dropped_count, offset);
}

enum batcher_answer batcher_fold(struct batcher *batcher, const struct delivery *delivery,
                                 struct batch *batch, struct error *error)
{
    arena_clear(&batcher->scratch);
    row_list_clear(&batcher->source.unread);
    enum batcher_answer answer = BATCHER_TOOK;
    if (is_dropped(batcher, delivery->offset))
        leave_out(batcher, delivery->offset);
    else if (delivery->duplicate == WINDOW_DUPLICATE)
        batcher->tally.duplicates++;
    else if (!concerns(batcher, delivery))
        batcher->tally.ignored++;
    else
        answer = try_fold(batcher, delivery, batch, error);
    if (answer != BATCHER_TOOK)
        return answer;

    if (!batcher->position.epoch[0])
        memcpy(batcher->position.epoch, batcher->epoch, sizeof batcher->epoch);
    batcher->position.offset = delivery->offset;
    batcher->record = delivery->record;
    batcher->position.fingerprint = delivery->fingerprint;
    if (delivery->event->has_time) {
        batcher->has_time = true;
        batcher->time_ms = delivery->event->time_ms;
    }
    return BATCHER_TOOK;
}

const struct row_list *batcher_unread(const struct batcher *batcher)
{
    return &batcher->source.unread;
}

void batcher_look_ahead(struct batcher *batcher, const struct cloudevent *event)
{
    struct row_source *ahead = &batcher->ahead;
    struct error unused;
    arena_clear(&batcher->scratch);
    changes_clear(&batcher->unused);
    row_list_clear(&ahead->unread);
    ahead->look = look;
    ahead->arg = batcher;
    view_fold(batcher->view, event, ahead, &batcher->unused, &batcher->scratch, &unused);
    for (size_t i = 0; i < ahead->unread.count; i++)
        if (!row_cache_is_changed(&batcher->rows, ahead->unread.at[i].key))
            row_list_add(&batcher->source.unread, &ahead->unread.at[i]);
}

bool batcher_must_send(const struct batcher *batcher)
{
    const struct row_list *unread = &batcher->source.unread;
    if (batcher->rows.bytes > BATCH_ROWS_MAX)
        return true;
    for (size_t i = 0; i < unread->count; i++)
        if (row_cache_is_changed(&batcher->rows, unread->at[i].key))
            return true;
    return false;
}

void batcher_row(struct batcher *batcher, const struct row_name *name, const struct row *row)
{
    row_cache_put(&batcher->rows, name, row);
}

void batcher_forget_rows(struct batcher *batcher)
{
    row_cache_clear(&batcher->rows);
}

void batcher_release(struct batcher *batcher)
{
    for (size_t i = 0; i < batcher->refusal_count; i++)
        free(batcher->refusals[i].reason);
    free(batcher->refusals);
    map_release(&batcher->waiting);
    arena_release(&batcher->scratch);
    row_cache_release(&batcher->rows);
    row_list_release(&batcher->source.unread);
    row_list_release(&batcher->ahead.unread);
    changes_release(&batcher->unused);
}
