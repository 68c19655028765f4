/*
 * reader_tasks.c: where the tasks stand, and who runs them, as the workers have written it.
 */
#include <fanfold/redis_reader.h>

#include "base/error.h"
#include "base/timestamp.h"
#include "store/redis_reader_private.h"
#include <stdio.h>
#include <stdlib.h>

/* A field that is not there reads as the empty text. */
static struct str field_of(const redisReply *reply, size_t i)
{
    const redisReply *field = reply->element[i];
    return field->type == REDIS_REPLY_STRING ? (struct str){field->str, (size_t)field->len}
                                             : STR("");
}

static bool is_cursor(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 6)
        return false;
    for (size_t i = 0; i < 6; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING &&
            reply->element[i]->type != REDIS_REPLY_NIL)
            return false;
    return true;
}

/* position.h has the format of the fields. */
static bool read_state(const redisReply *reply, struct task_state *state)
{
    struct str time = field_of(reply, 1), tally = field_of(reply, 2);
    state->has_time = time.len > 0;
    state->begins = strtoull(field_of(reply, 4).at, NULL, 10);
    state->record = strtoull(field_of(reply, 5).at, NULL, 10);
    state->reordered = strtoull(field_of(reply, 3).at, NULL, 10);
    return position_read(field_of(reply, 0), &state->position) &&
           (!state->has_time || timestamp_parse(time, &state->time_ms)) &&
           (tally.len == 0 || tally_read(tally, &state->tally));
}

bool redis_reader_task(struct redis_reader *reader, const char *view, const char *partition,
                       struct task_state *state, struct error *error)
{
    redisReply *reply =
        reader_ask(reader, error,
                   "HMGET fanfold:cursor:%s %s %s/time %s/tally %s/reordered %s/begins %s/record",
                   view, partition, partition, partition, partition, partition, partition);
    if (!reply)
        return false;
    struct task_state read = {0};
    bool shaped = is_cursor(reply);
    if (shaped && read_state(reply, &read)) {
        freeReplyObject(reply);
        *state = read;
        return true;
    }
    if (!shaped)
        return reader_unexpected(reader, reply, "the view's position", error);
    freeReplyObject(reply);
    return error_set(error, ERROR_CONFIG,
                     "Redis at %s: what fanfold:cursor:%s holds for %s is not a position",
                     reader->where, view, partition);
}

bool redis_reader_moved(struct redis_reader *reader, const char *view, const char *partition,
                        struct buf *text, struct error *error)
{
    redisReply *reply =
        reader_ask(reader, error, "HMGET fanfold:cursor:%s %s/moved", view, partition);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1)
        return reader_unexpected(reader, reply, "the view's former partitions", error);
    buf_add(text, field_of(reply, 0));
    freeReplyObject(reply);
    return true;
}

bool redis_reader_definition(struct redis_reader *reader, const char *view, char epoch[EPOCH_MAX],
                             struct buf *text, struct error *error)
{
    redisReply *reply = reader_ask(reader, error, "HMGET fanfold:cursor:%s epoch definition", view);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return reader_unexpected(reader, reply, "the view's definition", error);
    snprintf(epoch, EPOCH_MAX, "%s", field_of(reply, 0).at);
    buf_add(text, field_of(reply, 1));
    freeReplyObject(reply);
    return true;
}

/* Redis' clock, by which entries and leases end. */
static bool read_now(struct redis_reader *reader, int64_t *ms, struct error *error)
{
    redisReply *reply = reader_ask(reader, error, "TIME");
    if (!reply)
        return false;
    if (!reader_is_texts(reply) || reply->elements != 2)
        return reader_unexpected(reader, reply, "TIME", error);
    *ms = strtoll(reply->element[0]->str, NULL, 10) * 1000 +
          strtoll(reply->element[1]->str, NULL, 10) / 1000;
    freeReplyObject(reply);
    return true;
}

/* What a field of the hash says as long as it lives; NULL when it has ended or is not one of ours.
 */
typedef cJSON *read_field_fn(const redisReply *value, int64_t now);

static cJSON *read_worker(const redisReply *value, int64_t now)
{
    cJSON *entry = cJSON_ParseWithLength(value->str, (size_t)value->len);
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(entry, "until");
    if (cJSON_IsObject(entry) && cJSON_IsNumber(until) && until->valuedouble >= (double)now)
        return entry;
    cJSON_Delete(entry);
    return NULL;
}

static cJSON *read_lease(const redisReply *value, int64_t now)
{
    char *owner;
    int64_t until = strtoll(value->str, &owner, 10);
    return until >= now && owner[0] == ' ' ? cJSON_CreateString(owner + 1) : NULL;
}

static cJSON *read_hash(struct redis_reader *reader, const char *key, read_field_fn *read_field,
                        struct error *error)
{
    int64_t now = 0;
    if (!read_now(reader, &now, error))
        return NULL;
    redisReply *reply = reader_ask(reader, error, "HGETALL %s", key);
    if (!reply)
        return NULL;
    if (!reader_is_texts(reply)) {
        reader_unexpected(reader, reply, key, error);
        return NULL;
    }
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        cJSON *item = read_field(reply->element[i + 1], now);
        if (item)
            cJSON_AddItemToObject(object, reply->element[i]->str, item);
    }
    freeReplyObject(reply);
    return object;
}

cJSON *redis_reader_workers(struct redis_reader *reader, struct error *error)
{
    return read_hash(reader, "fanfold:workers", read_worker, error);
}

cJSON *redis_reader_leases(struct redis_reader *reader, struct error *error)
{
    return read_hash(reader, "fanfold:leases", read_lease, error);
}
