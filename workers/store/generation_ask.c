/*
 * generation_ask.c: the commands' calls of generation.lua.
 */
#include <fanfold/generation.h>

#include "base/error.h"
#include "store/commit_request.h"
#include "store/msgpack.h"
#include "store/redis_reader_private.h"
#include "store/scripts.h"
#include <stdlib.h>

#define ARGS_FIXED 2

static struct str decimal(uint64_t number, char text[24])
{
    struct buf out = {0};
    buf_add_u64(&out, number);
    memcpy(text, out.at, out.len);
    struct str result = {text, out.len};
    buf_release(&out);
    return result;
}

/* NULL: there was no answer (error says why), or it was "no" (ERROR_NO with what the script says).
 */
static redisReply *ask(struct redis_reader *reader, const char *view, const char *action,
                       const struct str *args, size_t count, struct error *error)
{
    struct buf cursor = {0};
    store_key(&cursor, "cursor", view, NULL);
    const struct str keys[] = {buf_str(&cursor), STR("fanfold:rebuilds"),
                               STR("fanfold:generations"), STR("fanfold:kept")};
    struct str *all = must_calloc(ARGS_FIXED + count, sizeof *all);
    all[0] = str_of(action);
    all[1] = str_of(view);
    if (count)
        memcpy(all + ARGS_FIXED, args, count * sizeof *args);
    redisReply *reply = reader_run(reader, generation_lua, keys, 4, all, ARGS_FIXED + count, error);
    free(all);
    buf_release(&cursor);
    if (!reply)
        return NULL;
    if (!reader_is_texts(reply) || reply->elements == 0) {
        reader_unexpected(reader, reply, "the view's generations", error);
        return NULL;
    }
    if (strcmp(reply->element[0]->str, "ok") == 0)
        return reply;
    error_set(error, ERROR_NO, "view %s: %s", view,
              reply->elements > 1 ? reply->element[1]->str : "Redis says no");
    freeReplyObject(reply);
    return NULL;
}

/* The same where only "ok" matters. */
static bool ask_plain(struct redis_reader *reader, const char *view, const char *action,
                      const struct build *build, struct error *error)
{
    char generation[24];
    struct str args[] = {decimal(build->generation, generation)};
    redisReply *reply = ask(reader, view, action, args, 1, error);
    if (reply)
        freeReplyObject(reply);
    return reply;
}

/* Frees the reply, whose second text is a build. */
static bool read_build(struct redis_reader *reader, redisReply *reply, struct build *build,
                       struct error *error)
{
    if (!reply)
        return false;
    if (reply->elements != 2 || !build_read(reply->element[1]->str, build))
        return reader_unexpected(reader, reply, "fanfold:rebuilds", error);
    freeReplyObject(reply);
    return true;
}

bool generation_find(struct redis_reader *reader, const char *view, struct build *build,
                     bool *found, struct error *error)
{
    redisReply *reply = reader_ask(reader, error, "HGET fanfold:rebuilds %s", view);
    if (!reply)
        return false;
    *found = reply->type == REDIS_REPLY_STRING;
    if (reply->type != REDIS_REPLY_NIL && (!*found || !build_read(reply->str, build)))
        return reader_unexpected(reader, reply, "fanfold:rebuilds", error);
    freeReplyObject(reply);
    return true;
}

bool generation_is_kept(struct redis_reader *reader, const char *view, bool *kept,
                        struct error *error)
{
    redisReply *reply = reader_ask(reader, error, "HEXISTS fanfold:kept %s", view);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_INTEGER)
        return reader_unexpected(reader, reply, "fanfold:kept", error);
    *kept = reply->integer;
    freeReplyObject(reply);
    return true;
}

/* --- begin ----------------------------------------------------------------------------- */

static void add_list(cJSON *object, const char *name, char *const *texts, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(object, name);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(texts[i]));
}

static char *write_build(const struct build *build, const char *digest)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddBoolToObject(root, "verify", build->verify);
    cJSON_AddBoolToObject(root, "strict", build->strict);
    cJSON_AddBoolToObject(root, "follows", build->follows);
    cJSON_AddBoolToObject(root, "aside", build->aside);
    cJSON_AddNumberToObject(root, "started", (double)build->started_ms);
    cJSON_AddStringToObject(root, "digest", digest);
    add_list(root, "partitions", build->partitions, build->partition_count);
    add_list(root, "old_partitions", build->old_partitions, build->old_partition_count);
    add_list(root, "rows", build->rows, build->row_count);
    add_list(root, "old_rows", build->old_rows, build->old_row_count);
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}

bool generation_begin(struct redis_reader *reader, const char *view,
                      const struct generation_begin *begin, struct build *build,
                      struct error *error)
{
    size_t count = begin->build->partition_count;
    char *text = write_build(begin->build, begin->digest);
    char(*numbers)[24] = must_calloc(count + 1, sizeof *numbers);
    struct str *args = must_calloc(3 + count, sizeof *args);
    args[0] = str_of(begin->definition);
    args[1] = str_of(begin->digest);
    args[2] = str_of(text);
    for (size_t i = 0; i < count; i++)
        args[3 + i] = decimal(begin->begins[i], numbers[i]);
    redisReply *reply = ask(reader, view, "begin", args, 3 + count, error);
    free(args);
    free(numbers);
    cJSON_free(text);
    return read_build(reader, reply, build, error);
}

bool generation_again(struct redis_reader *reader, const char *view, struct build *build,
                      bool strict, struct error *error)
{
    char generation[24];
    struct str args[] = {decimal(build->generation, generation), strict ? STR("1") : STR("0")};
    struct build now;
    if (!read_build(reader, ask(reader, view, "again", args, 2, error), &now, error))
        return false;
    build_release(build);
    *build = now;
    return true;
}

/* --- positions ------------------------------------------------------------------------- */

/* Frees the reply: three texts for each partition. */
static bool read_positions(struct redis_reader *reader, redisReply *reply,
                           const struct build *build, struct generation_position *at,
                           struct error *error)
{
    if (!reply)
        return false;
    if (reply->elements != 1 + 3 * build->partition_count)
        return reader_unexpected(reader, reply, "the positions of the generations", error);
    bool good = true;
    for (size_t i = 0; i < build->partition_count; i++) {
        struct generation_position *to = &at[i];
        *to = (struct generation_position){
            .live_reordered = strtoull(reply->element[3 + 3 * i]->str, NULL, 10) > 0};
        good = good && position_read(str_of(reply->element[1 + 3 * i]->str), &to->live_at) &&
               position_read(str_of(reply->element[2 + 3 * i]->str), &to->build_at);
        to->live_has = to->live_at.epoch[0];
        to->build_has = to->build_at.epoch[0];
        to->live = to->live_at.offset;
        to->build = to->build_at.offset;
    }
    if (!good)
        return reader_unexpected(reader, reply, "the positions of the generations", error);
    freeReplyObject(reply);
    return true;
}

bool generation_positions(struct redis_reader *reader, const char *view, const struct build *build,
                          struct generation_position *at, struct error *error)
{
    char generation[24];
    struct str args[] = {decimal(build->generation, generation)};
    return read_positions(reader, ask(reader, view, "positions", args, 1, error), build, at, error);
}

bool generation_hold(struct redis_reader *reader, const char *view, const struct build *build,
                     int64_t ms, struct generation_position *at, struct error *error)
{
    char generation[24], length[24];
    struct str args[] = {decimal(build->generation, generation), decimal((uint64_t)ms, length)};
    return read_positions(reader, ask(reader, view, "hold", args, 2, error), build, at, error);
}

bool generation_release(struct redis_reader *reader, const char *view, const struct build *build,
                        struct error *error)
{
    return ask_plain(reader, view, "release", build, error);
}

bool generation_hold_at(struct redis_reader *reader, const char *view, int64_t ms,
                        struct held_task *tasks, size_t count, struct error *error)
{
    char length[24];
    char(*limits)[24] = must_calloc(count + 1, sizeof *limits);
    struct str *args = must_calloc(1 + 2 * count, sizeof *args);
    args[0] = decimal((uint64_t)ms, length);
    for (size_t i = 0; i < count; i++) {
        args[1 + 2 * i] = str_of(tasks[i].partition);
        args[2 + 2 * i] = tasks[i].has_limit ? decimal(tasks[i].limit, limits[i]) : STR("");
    }
    redisReply *reply = ask(reader, view, "hold_at", args, 1 + 2 * count, error);
    free(args);
    free(limits);
    if (!reply)
        return false;
    if (reply->elements != 1 + count)
        return reader_unexpected(reader, reply, "the view's positions", error);
    for (size_t i = 0; i < count; i++) {
        tasks[i].has = reply->element[1 + i]->len > 0;
        tasks[i].offset = strtoull(reply->element[1 + i]->str, NULL, 10);
    }
    freeReplyObject(reply);
    return true;
}

bool generation_let_go(struct redis_reader *reader, const char *view, const struct held_task *tasks,
                       size_t count, struct error *error)
{
    struct str *args = must_calloc(count + 1, sizeof *args);
    for (size_t i = 0; i < count; i++)
        args[i] = str_of(tasks[i].partition);
    redisReply *reply = ask(reader, view, "let_go", args, count, error);
    free(args);
    if (reply)
        freeReplyObject(reply);
    return reply;
}

bool generation_hold_live(struct redis_reader *reader, const char *view, int64_t ms,
                          const struct str *partitions, size_t count, struct error *error)
{
    char length[24];
    struct str *args = must_calloc(1 + count, sizeof *args);
    args[0] = decimal((uint64_t)ms, length);
    memcpy(args + 1, partitions, count * sizeof *args);
    redisReply *reply = ask(reader, view, "hold_live", args, 1 + count, error);
    free(args);
    if (reply)
        freeReplyObject(reply);
    return reply;
}

/* --- switch and removal ---------------------------------------------------------------- */

static void pack_keys(struct buf *out, const struct row_keys *keys)
{
    size_t array = msgpack_array(out);
    for (size_t i = 0; i < keys->count; i++)
        msgpack_str(out, keys->at[i]);
    msgpack_array_end(out, array, (uint32_t)keys->count);
}

static bool read_more(struct redis_reader *reader, redisReply *reply, bool *more,
                      struct error *error)
{
    if (!reply)
        return false;
    if (reply->elements != 2)
        return reader_unexpected(reader, reply, "a step of a switch", error);
    *more = strcmp(reply->element[1]->str, "more") == 0;
    freeReplyObject(reply);
    return true;
}

bool generation_switch(struct redis_reader *reader, const char *view, const struct build *build,
                       bool keep, const struct row_keys *rows, const struct row_keys *surplus,
                       const struct generation_position *at, bool *more, struct error *error)
{
    size_t count = build->partition_count;
    char generation[24];
    struct buf rows_packed = {0}, surplus_packed = {0};
    struct buf *texts = must_calloc(2 * count + 1, sizeof *texts);
    struct str *args = must_calloc(4 + 2 * count, sizeof *args);
    if (build->follows && rows->count + surplus->count <= GENERATION_AT_ONCE) {
        pack_keys(&rows_packed, rows);
        pack_keys(&surplus_packed, surplus);
    }
    args[0] = decimal(build->generation, generation);
    args[1] = keep ? STR("1") : STR("0");
    args[2] = buf_str(&rows_packed);
    args[3] = buf_str(&surplus_packed);
    for (size_t i = 0; i < 2 * count; i++) {
        position_write(&texts[i], i % 2 ? &at[i / 2].build_at : &at[i / 2].live_at);
        args[4 + i] = buf_str(&texts[i]);
    }
    redisReply *reply = ask(reader, view, "switch", args, 4 + 2 * count, error);
    for (size_t i = 0; i < 2 * count; i++)
        buf_release(&texts[i]);
    free(texts);
    free(args);
    buf_release(&rows_packed);
    buf_release(&surplus_packed);
    return read_more(reader, reply, more, error);
}

bool generation_end(struct redis_reader *reader, const char *view, const struct build *build,
                    struct error *error)
{
    return ask_plain(reader, view, "stop", build, error);
}

bool generation_end_kept(struct redis_reader *reader, const char *view, bool *found,
                         struct error *error)
{
    redisReply *reply = ask(reader, view, "stop_kept", NULL, 0, error);
    return read_more(reader, reply, found, error);
}

bool generation_step(struct redis_reader *reader, const char *view, bool *more, struct error *error)
{
    return read_more(reader, ask(reader, view, "step", NULL, 0, error), more, error);
}

static void add_partitions(struct buf *out, const char *name, const struct partition_list *list)
{
    buf_printf(out, "\"%s\":[", name);
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            buf_add_byte(out, ',');
        buf_add_json_string(out, str_of(list->at[i]));
    }
    buf_add(out, STR("],"));
}

static void add_logs(struct buf *out, const struct adopt_log *logs, size_t count)
{
    buf_add_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        buf_add(out, i ? STR(",{") : STR("{"));
        add_partitions(out, "from", logs[i].from);
        add_partitions(out, "to", logs[i].to);
        buf_printf(out, "\"same_key\":%s}", logs[i].same_key ? "true" : "false");
    }
    buf_add_byte(out, ']');
}

bool generation_adopt(struct redis_reader *reader, const char *view, const char *from,
                      const char *definition, const char *digest, const struct adopt_log *logs,
                      size_t count, struct error *error)
{
    struct buf text = {0};
    add_logs(&text, logs, count);
    const struct str args[] = {str_of(from), str_of(definition), str_of(digest), buf_str(&text)};
    redisReply *reply = ask(reader, view, "adopt", args, 4, error);
    buf_release(&text);
    if (reply)
        freeReplyObject(reply);
    return reply;
}
