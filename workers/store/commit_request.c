/*
 * commit_request.c: batch → EVALSHA; the arguments are described at the head of commit.lua.
 */
#include "store/commit_request.h"
#include "base/error.h"
#include "base/timestamp.h"
#include "store/msgpack.h"
#include "store/redis_client.h"
#include <fanfold/parked.h>
#include <stdlib.h>

#define FIXED_KEYS 5
#define FIXED_ARGS 9

#define WIRE_STAMPED 8u /* added to the structure of a row with stamps */

struct wire_row {
    struct str key;
    uint8_t structure;
    bool stamped;         /* stamps are among its changes */
    uint32_t count;       /* changes of the row */
    uint32_t first, next; /* places on the wire: its first change, and where the next one goes */
};

void store_key(struct buf *out, const char *what, const char *view, const char *partition)
{
    buf_add(out, STR("fanfold:"));
    buf_add(out, str_of(what));
    buf_add_byte(out, ':');
    buf_add(out, str_of(view));
    if (partition) {
        buf_add_byte(out, ':');
        buf_add(out, str_of(partition));
    }
}

/* The row of the change, made when it is the first of its key. */
static uint32_t row_of(struct commit_request *request, const struct change *change)
{
    uint64_t *id = map_put(&request->row_ids, change->key);
    if (*id)
        return (uint32_t)(*id - 1);
    if (request->row_count == request->row_cap) {
        request->row_cap = request->row_cap ? request->row_cap * 2 : 64;
        request->rows = must_realloc(request->rows, request->row_cap * sizeof(*request->rows));
    }
    request->rows[request->row_count] =
        (struct wire_row){.key = change->key, .structure = change->structure};
    *id = ++request->row_count;
    return (uint32_t)(request->row_count - 1);
}

/* Of the row of the change before it? The changes of an action share one copy of their key. */
static bool shares_key(const struct change *change, const struct change *before)
{
    return change->key.at == before->key.at && change->key.len == before->key.len;
}

/* Groups the changes by row, rows in the order of their first change, a row's changes in theirs. */
static struct wire_change *group(struct commit_request *request, const struct changes *changes)
{
    struct wire_change *order = must_calloc(changes->count + 1, sizeof(*order));
    uint32_t *ids = must_calloc(changes->count + 1, sizeof(*ids));
    map_clear(&request->row_ids);
    request->row_count = 0;
    request->stamped = false;
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->at[i];
        bool again = i > 0 && shares_key(change, change - 1);
        ids[i] = again ? ids[i - 1] : row_of(request, change);
        struct wire_row *row = &request->rows[ids[i]];
        row->count++;
        row->stamped |= change->op == CHANGE_STAMP;
        request->stamped |= row->stamped;
    }
    uint32_t place = 0;
    for (size_t i = 0; i < request->row_count; i++) {
        request->rows[i].first = request->rows[i].next = place;
        place += request->rows[i].count;
    }
    for (size_t i = 0; i < changes->count; i++)
        order[request->rows[ids[i]].next++] =
            (struct wire_change){(uint32_t)i, changes->at[i].event};
    free(ids);
    return order;
}

void commit_request_text(struct buf *out, struct str text)
{
    if (str_is(text))
        msgpack_str(out, text);
    else
        msgpack_uint(out, 0);
}

/* The flag speaks of the two operations that look at it, whatever other changes carry it. */
static uint32_t op_code(const struct change *change)
{
    bool looks = change->op == CHANGE_HASH_ADD || change->op == CHANGE_ZSET_ADD;
    return change->op * 2u + (looks && change->flags & CHANGE_OWN_INTEGER ? 1 : 0);
}

static void pack_changes(struct commit_request *request, const struct changes *changes,
                         const struct wire_change *order)
{
    struct buf *out = &request->changes;
    buf_clear(out);
    size_t array = msgpack_array(out);
    for (size_t r = 0; r < request->row_count; r++) {
        const struct wire_row *row = &request->rows[r];
        msgpack_uint(out, row->structure + (row->stamped ? WIRE_STAMPED : 0));
        msgpack_uint(out, row->count);
        for (uint32_t i = row->first; i < row->next; i++) {
            const struct change *change = &changes->at[order[i].change];
            msgpack_uint(out, op_code(change));
            commit_request_text(out, change->field);
            commit_request_text(out, change->value);
        }
    }
    msgpack_array_end(out, array, (uint32_t)(request->row_count * 2 + changes->count * 3));
}

struct wire_change *commit_request_changes(struct commit_request *request,
                                           const struct changes *changes)
{
    struct wire_change *order = group(request, changes);
    pack_changes(request, changes, order);
    return order;
}

void commit_request_row_key(struct buf *resp, struct str prefix, struct str key)
{
    struct buf whole = {0};
    if (!prefix.len) {
        resp_arg(resp, key);
        return;
    }
    buf_add(&whole, prefix);
    buf_add(&whole, key);
    resp_arg(resp, buf_str(&whole));
    buf_release(&whole);
}

static void pack_parked(struct commit_request *request, const struct batch *batch)
{
    struct buf *out = &request->parked;
    buf_clear(out);
    if (batch->parked_count == 0)
        return;
    size_t array = msgpack_array(out);
    for (size_t i = 0; i < batch->parked_count; i++) {
        const struct parked_event *event = &batch->parked[i];
        buf_clear(&request->text);
        buf_add_u64(&request->text, event->offset);
        msgpack_str(out, buf_str(&request->text));
        buf_clear(&request->text);
        parked_record(&request->text, event);
        msgpack_str(out, buf_str(&request->text));
        commit_request_text(out, event->payload);
        commit_request_text(out, event->key);
    }
    msgpack_array_end(out, array, (uint32_t)(batch->parked_count * 4));
}

void commit_request_key(struct commit_request *request, const char *what, const char *view,
                        const char *partition)
{
    buf_clear(&request->text);
    store_key(&request->text, what, view, partition);
    resp_arg(&request->resp, buf_str(&request->text));
}

size_t commit_request_key_count(const struct commit_request *request)
{
    return request->row_count + request->stamped;
}

void commit_request_row_keys(struct commit_request *request, struct str prefix)
{
    for (size_t i = 0; i < request->row_count; i++)
        commit_request_row_key(&request->resp, prefix, request->rows[i].key);
}

void commit_request_stamps_key(struct commit_request *request, const char *view)
{
    if (request->stamped)
        commit_request_key(request, "newest", view, NULL);
}

static void add_position(struct commit_request *request, const struct position *position)
{
    buf_clear(&request->text);
    position_write(&request->text, position);
    resp_arg(&request->resp, buf_str(&request->text));
}

struct wire_change *commit_request_build(struct commit_request *request, const struct batch *batch,
                                         const char *sha)
{
    struct wire_change *order = commit_request_changes(request, &batch->changes);
    pack_parked(request, batch);

    struct buf *out = &request->resp;
    buf_clear(out);
    size_t keys = FIXED_KEYS + commit_request_key_count(request);
    resp_begin(out, 3 + keys + FIXED_ARGS);
    resp_arg(out, STR("EVALSHA"));
    resp_arg(out, str_of(sha));
    resp_arg_u64(out, keys);
    commit_request_key(request, "cursor", batch->view, NULL);
    commit_request_key(request, "parked", batch->view, batch->partition);
    commit_request_key(request, "parked-payload", batch->view, batch->partition);
    commit_request_key(request, "waiting", batch->view, batch->partition);
    commit_request_key(request, "cursor", batch->leader ? batch->leader : batch->view, NULL);
    commit_request_row_keys(request, batch->row_prefix);
    commit_request_stamps_key(request, batch->view);

    resp_arg(out, str_of(batch->partition));
    add_position(request, &batch->from);
    add_position(request, &batch->to);
    char time[TIMESTAMP_TEXT_MAX];
    size_t length = batch->has_time ? timestamp_format(batch->time_ms, time) : 0;
    resp_arg(out, (struct str){time, length});
    buf_clear(&request->text);
    tally_write(&request->text, &batch->tally);
    resp_arg(out, buf_str(&request->text));
    resp_arg(out, buf_str(&request->changes));
    resp_arg(out, buf_str(&request->parked));
    bool first = !batch->from.epoch[0] && batch->definition;
    resp_arg(out, first ? str_of(batch->definition) : STR(""));
    if (batch->record)
        resp_arg_u64(out, batch->record);
    else
        resp_arg(out, STR(""));
    return order;
}

void commit_request_release(struct commit_request *request)
{
    buf_release(&request->resp);
    buf_release(&request->changes);
    buf_release(&request->parked);
    buf_release(&request->text);
    buf_release(&request->reads);
    map_release(&request->row_ids);
    free(request->rows);
    *request = (struct commit_request){0};
}
