/*
 * reader_rows.c: a row from Redis as JSON; rows.c writes what is not JSON as it stands.
 */
#include <fanfold/redis_reader.h>

#include "base/error.h"
#include "store/redis_reader_private.h"
#include "store/rows.h"
#include <math.h>
#include <stdlib.h>

/* How a structure's row is asked for (%b: its key), what answers, and what it is called. */
struct row_kind {
    const char *name, *command;
    int reply_type;
    bool (*write)(struct buf *json, const redisReply *reply); /* false: not such a row */
};

static struct str text_of(const redisReply *reply)
{
    return (struct str){reply->str, (size_t)reply->len};
}

static bool write_hash(struct buf *json, const redisReply *reply)
{
    size_t count = reply->elements / 2;
    struct row_field *fields = must_calloc(count, sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        fields[i].name = text_of(reply->element[2 * i]);
        fields[i].value = text_of(reply->element[2 * i + 1]);
    }
    rows_hash(json, fields, count);
    free(fields);
    return true;
}

static bool write_zset(struct buf *json, const redisReply *reply)
{
    size_t count = reply->elements / 2;
    struct row_member *members = must_calloc(count, sizeof *members);
    bool finite = true;
    for (size_t i = 0; i < count; i++) {
        members[i].name = text_of(reply->element[2 * i]);
        members[i].score = strtod(reply->element[2 * i + 1]->str, NULL);
        finite = finite && isfinite(members[i].score);
    }
    if (finite)
        rows_zset(json, members, count);
    free(members);
    return finite;
}

static struct str *texts_of(const redisReply *reply)
{
    struct str *texts = must_calloc(reply->elements, sizeof *texts);
    for (size_t i = 0; i < reply->elements; i++)
        texts[i] = text_of(reply->element[i]);
    return texts;
}

static bool write_set(struct buf *json, const redisReply *reply)
{
    struct str *members = texts_of(reply);
    rows_set(json, members, reply->elements);
    free(members);
    return true;
}

static bool write_list(struct buf *json, const redisReply *reply)
{
    struct str *elements = texts_of(reply);
    rows_list(json, elements, reply->elements);
    free(elements);
    return true;
}

static bool write_counter(struct buf *json, const redisReply *reply)
{
    return rows_counter(json, text_of(reply));
}

static bool write_hll(struct buf *json, const redisReply *reply)
{
    buf_add_i64(json, reply->integer);
    return true;
}

static bool write_json(struct buf *json, const redisReply *reply)
{
    return rows_document(json, text_of(reply));
}

static const struct row_kind row_kinds[STRUCTURE_COUNT] = {
    [STRUCTURE_HASH] = {"a hash", "HGETALL %b", REDIS_REPLY_ARRAY, write_hash},
    [STRUCTURE_COUNTER] = {"a counter", "GET %b", REDIS_REPLY_STRING, write_counter},
    [STRUCTURE_ZSET] = {"a zset", "ZREVRANGE %b 0 -1 WITHSCORES", REDIS_REPLY_ARRAY, write_zset},
    [STRUCTURE_SET] = {"a set", "SMEMBERS %b", REDIS_REPLY_ARRAY, write_set},
    [STRUCTURE_LIST] = {"a list", "LRANGE %b 0 -1", REDIS_REPLY_ARRAY, write_list},
    [STRUCTURE_HLL] = {"an HLL", "PFCOUNT %b", REDIS_REPLY_INTEGER, write_hll},
    [STRUCTURE_JSON] = {"a JSON document", "GET %b", REDIS_REPLY_STRING, write_json},
};

/* Nothing there: nil, no elements, or a count of 0 (no fold makes an HLL without elements). */
static bool is_absent(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_NIL ||
           (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0) ||
           (reply->type == REDIS_REPLY_INTEGER && reply->integer == 0);
}

/* Says what is under the key instead of the row that was asked for. */
static bool other_row(struct redis_reader *reader, struct str key, const struct row_kind *kind,
                      struct error *error)
{
    redisReply *type = reader_ask(reader, error, "TYPE %b", key.at, key.len);
    if (!type)
        return false;
    bool infinite = type->str && strcmp(type->str, "zset") == 0 && kind->write == write_zset;
    error_set(error, ERROR_NO, "\"%.*s\" is a %s%s, not %s%s", STRF(key),
              type->str ? type->str : "row of no type", infinite ? " with an infinite score" : "",
              kind->name, infinite ? " that Fanfold made" : "");
    freeReplyObject(type);
    return false;
}

static bool is_of(const redisReply *reply, const struct row_kind *kind)
{
    return reply->type == kind->reply_type &&
           (reply->type != REDIS_REPLY_ARRAY || reader_is_texts(reply));
}

bool redis_reader_row(struct redis_reader *reader, enum structure structure, struct str key,
                      struct buf *json, struct error *error)
{
    const struct row_kind *kind = &row_kinds[structure];
    redisReply *reply = reader_ask(reader, error, kind->command, key.at, key.len);
    if (!reply)
        return false;
    bool absent = is_absent(reply), wrong = reader_wrong_type(reply);
    if (!absent && !wrong && !is_of(reply, kind))
        return reader_unexpected(reader, reply, kind->command, error);
    bool ok = !absent && !wrong && kind->write(json, reply);
    freeReplyObject(reply);
    if (absent)
        return error_set(error, ERROR_NO, "there is no row \"%.*s\"", STRF(key));
    return ok || other_row(reader, key, kind, error);
}
