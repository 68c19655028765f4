/*
 * redis_reader.c: the blocking connection of the commands: login, time-outs, errors.
 */
#include <fanfold/redis_reader.h>

#include "base/error.h"
#include "store/redis_check.h"
#include "store/redis_reader_private.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_SECONDS 3
#define COMMAND_SECONDS 5

static char *where_is(const struct uri *uri)
{
    if (uri->path)
        return must_strdup(uri->path);
    struct buf out = {0};
    buf_printf(&out, strchr(uri->host, ':') ? "[%s]:%d" : "%s:%d", uri->host, uri->port);
    char *where = must_strdup(buf_text(&out));
    buf_release(&out);
    return where;
}

/* hiredis has no code of its own for a time-out: the text of EAGAIN stays in the context. */
static bool lost(const struct redis_reader *reader, struct error *error)
{
    const redisContext *context = reader->context;
    if (context->err == REDIS_ERR_IO && strcmp(context->errstr, strerror(EAGAIN)) == 0)
        return error_set(error, ERROR_UNAVAILABLE, "Redis at %s: no answer within %d seconds",
                         reader->where, COMMAND_SECONDS);
    return error_set(error, ERROR_UNAVAILABLE, "Redis at %s: %s", reader->where, context->errstr);
}

/* Frees the reply, an error. */
static bool refused(const struct redis_reader *reader, redisReply *reply, struct error *error)
{
    error_set(error, redis_error_kind(reply->str), "Redis at %s: %s", reader->where, reply->str);
    freeReplyObject(reply);
    return false;
}

bool reader_wrong_type(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) == 0;
}

static redisReply *answered(struct redis_reader *reader, redisReply *reply, struct error *error)
{
    if (!reply) {
        lost(reader, error);
        return NULL;
    }
    if (reply->type == REDIS_REPLY_ERROR && !reader_wrong_type(reply)) {
        refused(reader, reply, error);
        return NULL;
    }
    return reply;
}

redisReply *reader_ask(struct redis_reader *reader, struct error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(reader->context, format, args);
    va_end(args);
    return answered(reader, reply, error);
}

redisReply *reader_ask_words(struct redis_reader *reader, struct error *error,
                             const struct str *words, size_t count)
{
    const char **texts = must_calloc(count + 1, sizeof *texts);
    size_t *sizes = must_calloc(count + 1, sizeof *sizes);
    for (size_t i = 0; i < count; i++) {
        texts[i] = words[i].at;
        sizes[i] = words[i].len;
    }
    redisReply *reply = redisCommandArgv(reader->context, (int)count, texts, sizes);
    free(texts);
    free(sizes);
    return answered(reader, reply, error);
}

/* From Redis 7 on: these scripts are refused by nothing but what they call, so that what fills
 * Redis can be removed from it. Before that, a script may not begin so. */
#define SCRIPT_HEAD "#!lua flags=allow-oom\n"

static redisReply *load_text(struct redis_reader *reader, const char *head, const char *script)
{
    struct buf text = {0};
    buf_printf(&text, "%s%s", head, script);
    redisReply *reply =
        redisCommand(reader->context, "SCRIPT LOAD %b", buf_text(&text), (size_t)text.len);
    buf_release(&text);
    return reply;
}

/* EVALSHA: a user may be allowed to load and run scripts, but not EVAL. */
static bool load(struct redis_reader *reader, const char *script, char sha[REDIS_SHA_LEN + 1],
                 struct error *error)
{
    redisReply *reply = load_text(reader, SCRIPT_HEAD, script);
    if (reply && reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "compiling")) {
        freeReplyObject(reply);
        reply = load_text(reader, "", script);
    }
    reply = answered(reader, reply, error);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_STRING || reply->len != REDIS_SHA_LEN)
        return reader_unexpected(reader, reply, "SCRIPT LOAD", error);
    memcpy(sha, reply->str, REDIS_SHA_LEN + 1);
    freeReplyObject(reply);
    return true;
}

redisReply *reader_run(struct redis_reader *reader, const char *script, const struct str *keys,
                       size_t key_count, const struct str *args, size_t arg_count,
                       struct error *error)
{
    char sha[REDIS_SHA_LEN + 1], number[24];
    if (!load(reader, script, sha, error))
        return NULL;
    struct str *words = must_calloc(3 + key_count + arg_count, sizeof *words);
    snprintf(number, sizeof number, "%zu", key_count);
    words[0] = STR("EVALSHA");
    words[1] = str_of(sha);
    words[2] = str_of(number);
    if (key_count)
        memcpy(words + 3, keys, key_count * sizeof *keys);
    memcpy(words + 3 + key_count, args, arg_count * sizeof *args);
    redisReply *reply = reader_ask_words(reader, error, words, 3 + key_count + arg_count);
    free(words);
    return reply;
}

bool reader_is_texts(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return true;
}

bool reader_unexpected(const struct redis_reader *reader, redisReply *reply, const char *what,
                       struct error *error)
{
    if (reader_wrong_type(reply))
        error_set(error, ERROR_CONFIG, "Redis at %s: %s: %s", reader->where, what, reply->str);
    else
        error_set(error, ERROR_CONFIG, "Redis at %s: %s: an answer that Redis does not give",
                  reader->where, what);
    freeReplyObject(reply);
    return false;
}

/* Every refusal of AUTH is one of the login, wrong or none configured; but not a full server's. */
static bool login(struct redis_reader *reader, const struct uri *uri, struct error *error)
{
    if (!uri->password)
        return true;
    redisReply *reply = uri->user
                            ? reader_ask(reader, error, "AUTH %s %s", uri->user, uri->password)
                            : reader_ask(reader, error, "AUTH %s", uri->password);
    if (!reply && !reader->context->err && !strstr(error->text, "max number of clients"))
        error->kind = ERROR_PERMISSION;
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool select_database(struct redis_reader *reader, const struct uri *uri, struct error *error)
{
    if (!uri->db)
        return true;
    redisReply *reply = reader_ask(reader, error, "SELECT %d", uri->db);
    if (!reply && strstr(error->text, "out of range"))
        return error_set(error, ERROR_CONFIG, "Redis at %s: there is no database %d", reader->where,
                         uri->db);
    if (reply)
        freeReplyObject(reply);
    return reply != NULL;
}

static bool connect_to(struct redis_reader *reader, const struct uri *uri, struct error *error)
{
    struct timeval limit = {.tv_sec = CONNECT_SECONDS};
    reader->context = uri->path ? redisConnectUnixWithTimeout(uri->path, limit)
                                : redisConnectWithTimeout(uri->host, uri->port, limit);
    if (!reader->context || reader->context->err)
        return error_set(error, ERROR_UNAVAILABLE, "Redis at %s: %s", reader->where,
                         reader->context ? reader->context->errstr : "out of memory");
    redisSetTimeout(reader->context, (struct timeval){.tv_sec = COMMAND_SECONDS});
    return true;
}

struct redis_reader *redis_reader_open(const struct uri *uri, struct error *error)
{
    struct redis_reader *reader = must_calloc(1, sizeof *reader);
    reader->where = where_is(uri);
    if (uri->tls)
        uri_refuse_redis_tls(uri, error);
    else if (connect_to(reader, uri, error) && login(reader, uri, error) &&
             select_database(reader, uri, error))
        return reader;
    redis_reader_close(reader);
    return NULL;
}

void redis_reader_close(struct redis_reader *reader)
{
    if (!reader)
        return;
    if (reader->context)
        redisFree(reader->context);
    free(reader->where);
    free(reader);
}
