/*
 * read_request.c: see read_request.h; the arguments are described at the head of read.lua.
 */
#include "store/read_request.h"
#include "store/commit_request.h"
#include "store/redis_client.h"
#include "store/rows.h"
#include <stdlib.h>

#define FIXED_ARGS 4
/* Of an answer: a script should not hold Redis up for more than about 10 ms (FACTS 4.1). */
#define ANSWER_BYTES ((uint64_t)512 * 1024)

void read_request_build(struct buf *resp, const struct row_request *request, const char *sha)
{
    struct buf key = {0};
    resp_begin(resp, 3 + 1 + request->count + FIXED_ARGS + request->count);
    resp_arg(resp, STR("EVALSHA"));
    resp_arg(resp, str_of(sha));
    resp_arg_u64(resp, 1 + request->count);
    store_key(&key, "cursor", request->view, NULL);
    resp_arg(resp, buf_str(&key));
    buf_release(&key);
    for (size_t i = 0; i < request->count; i++)
        commit_request_row_key(resp, request->row_prefix, request->rows[i].key);
    resp_arg(resp, str_of(request->partition));
    resp_arg_u64(resp, ROW_ENTRIES_MAX);
    resp_arg_u64(resp, ROW_BYTES_MAX);
    resp_arg_u64(resp, ANSWER_BYTES);
    for (size_t i = 0; i < request->count; i++)
        resp_arg_u64(resp, request->rows[i].structure);
}

static struct str text_of(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? (struct str){reply->str, (size_t)reply->len}
                                             : STR("");
}

static bool add_hash(struct buf *json, const redisReply *value)
{
    size_t count = value->elements / 2;
    struct row_field *fields = must_calloc(count, sizeof *fields);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        fields[i].name = text_of(value->element[2 * i]);
        fields[i].value = text_of(value->element[2 * i + 1]);
        good = good && rows_is_text(fields[i].name) && rows_is_text(fields[i].value);
    }
    if (good)
        rows_hash(json, fields, count);
    free(fields);
    return good;
}

static bool add_set(struct buf *json, const redisReply *value)
{
    struct str *members = must_calloc(value->elements, sizeof *members);
    bool good = true;
    for (size_t i = 0; i < value->elements; i++) {
        members[i] = text_of(value->element[i]);
        good = good && rows_is_text(members[i]);
    }
    if (good)
        rows_set(json, members, value->elements);
    free(members);
    return good;
}

/* False: no fold has made that. */
static bool add_value(struct buf *json, enum structure structure, const redisReply *value)
{
    switch (structure) {
    case STRUCTURE_HASH:
        return value->type == REDIS_REPLY_ARRAY && add_hash(json, value);
    case STRUCTURE_SET:
        return value->type == REDIS_REPLY_ARRAY && add_set(json, value);
    case STRUCTURE_COUNTER:
        return rows_counter(json, text_of(value));
    case STRUCTURE_JSON:
        return rows_document(json, text_of(value));
    default:
        return false;
    }
}

static bool wrong(const char *text, struct error *error)
{
    return error_set(error, redis_error_kind(text), "%s", text);
}

/* The texts move while they grow, so the rows get theirs at the end, from where each begins. */
static bool read_rows(const redisReply *reply, const struct row_name *names, size_t count,
                      struct row *rows, struct buf *texts, size_t *starts, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const redisReply *kind = reply->element[2 + 2 * i], *value = reply->element[3 + 2 * i];
        if (kind->type != REDIS_REPLY_INTEGER || kind->integer < ROW_UNREAD ||
            kind->integer > ROW_FOREIGN)
            return wrong("the read script answered a row of no kind", error);
        rows[i].state = (enum row_state)kind->integer;
        starts[i] = texts->len;
        if (rows[i].state == ROW_FOREIGN) {
            buf_add(texts, text_of(value));
        } else if (rows[i].state == ROW_THERE && !add_value(texts, names[i].structure, value)) {
            rows[i].state = ROW_FOREIGN;
            texts->len = starts[i];
            rows_foreign(texts, &names[i]);
        }
    }
    return true;
}

bool read_reply_rows(const redisReply *reply, const struct row_name *names, size_t count,
                     struct row *rows, struct buf *texts, struct position *position,
                     struct error *error)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return wrong(reply->str, error);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return wrong("the read script answered nothing", error);
    if (strcmp(reply->element[0]->str, "ok") != 0 || reply->elements != 2 + 2 * count)
        return wrong(text_of(reply->element[1]).at, error);
    if (!position_read(text_of(reply->element[1]), position))
        return error_set(error, ERROR_CONFIG, "what stands as the position is none: %.*s",
                         STRF(text_of(reply->element[1])));
    size_t *starts = must_calloc(count + 1, sizeof *starts);
    bool good = read_rows(reply, names, count, rows, texts, starts, error);
    starts[count] = texts->len;
    const char *at = buf_text(texts);
    for (size_t i = 0; good && i < count; i++)
        rows[i].text = (struct str){at + starts[i], starts[i + 1] - starts[i]};
    free(starts);
    return good;
}
