/*
 * redis_check.c: see redis_check.h. Three phases, each a pipeline whose replies are counted: login
 * and INFO; scratch commands and SCRIPT LOAD; one run of the commit script.
 */
#include "store/redis_check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "store/scripts.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARGS_MAX    8
#define VERSION_MIN "6.2"

/* A command run once on a scratch key; "@h" stands for the scratch key "…:h". Each name once, then
 * the other commands that the scripts use; the last one removes the keys. */
static const char *const scratch_commands[][ARGS_MAX] = {
    {"HSET", "@h", "f", "1"},
    {"HGET", "@h", "f"},
    {"HMGET", "@h", "f", "g"},
    {"HGETALL", "@h"},
    {"HLEN", "@h"},
    {"HKEYS", "@h"},
    {"HDEL", "@h", "g"},
    {"ZADD", "@z", "1", "m"},
    {"ZSCORE", "@z", "m"},
    {"ZMSCORE", "@z", "m", "n"},
    {"ZCARD", "@z"},
    {"ZREM", "@z", "n"},
    {"ZREVRANGE", "@z", "0", "0", "WITHSCORES"},
    {"ZREMRANGEBYRANK", "@z", "0", "-3"},
    {"ZREMRANGEBYSCORE", "@z", "-inf", "(0"},
    {"SADD", "@s", "m"},
    {"SREM", "@s", "n"},
    {"SCARD", "@s"},
    {"SMEMBERS", "@s"},
    {"LPUSH", "@l", "e"},
    {"LTRIM", "@l", "0", "1"},
    {"LLEN", "@l"},
    {"PFADD", "@p", "e"},
    {"GETRANGE", "@p", "0", "15"},
    {"STRLEN", "@p"},
    {"EXISTS", "@p"},
    {"SET", "@t", "1", "KEEPTTL"},
    {"GET", "@t"},
    {"TYPE", "@t"},
    {"PEXPIREAT", "@t", "4102444800000"},
    {"PTTL", "@t"},
    {"TIME"},
    {"SCAN", "0", "COUNT", "1"},
    {"RENAME", "@t", "@u"},
    {"UNLINK", "@h", "@z", "@s", "@l", "@p", "@u"},
};

#define SCRATCH_COUNT (sizeof(scratch_commands) / sizeof(*scratch_commands))

struct script {
    const char *name, *text;
    const char *head; /* from Redis 7 on */
};

/* A commit that would run out of memory is refused as a whole; a lease is kept all the same, so
 * that the pool stays what it is until there is memory again. */
static const struct script scripts[SCRIPT_COUNT] = {
    [SCRIPT_COMMIT] = {"commit", commit_lua, "#!lua\n"},
    [SCRIPT_LEASE] = {"lease", lease_lua, "#!lua flags=allow-oom\n"},
    [SCRIPT_READ] = {"read", read_lua, "#!lua flags=no-writes\n"},
    [SCRIPT_UNPARK] = {"unpark", unpark_lua, "#!lua\n"},
    [SCRIPT_GENERATION] = {"generation", generation_lua, "#!lua flags=allow-oom\n"},
};

static void end(struct redis_check *check, const struct error *why)
{
    if (check->ended)
        return;
    check->ended = true;
    check->done(check->arg, why);
}

static void fail(struct redis_check *check, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct redis_check *check, enum error_kind kind, const char *format, ...)
{
    char text[800];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    char *where = uri_safe(redis_client_uri(check->client), "redis");
    struct error why;
    error_set(&why, kind, "%s: %s", where, text);
    free(where);
    end(check, &why);
}

/* The user that Redis knows us as. */
static const char *user_of(const struct redis_check *check)
{
    const struct uri *uri = redis_client_uri(check->client);
    return uri->user && uri->user[0] ? uri->user : "default";
}

/* An error reply to the command called name. */
static void refused(struct redis_check *check, const char *name, const char *text)
{
    enum error_kind kind = redis_error_kind(text);
    char lower[32];
    size_t length = 0;
    for (; name[length] && length < sizeof(lower) - 1; length++)
        lower[length] = name[length] == ' ' ? '|' : (char)tolower((unsigned char)name[length]);
    lower[length] = '\0';
    if (strncmp(text, "NOPERM", 6) == 0 && strstr(text, "key"))
        fail(check, kind,
             "the user may not use Fanfold's own keys (%s said: %s). Give it: ACL SETUSER %s "
             "~fanfold:* and a ~pattern for the keys of its views",
             name, text, user_of(check));
    else if (strncmp(text, "NOPERM", 6) == 0)
        fail(check, kind, "the user may not run %s (%s). Give it: ACL SETUSER %s +%s", name, text,
             user_of(check), lower);
    else if (strncmp(text, "NOAUTH", 6) == 0)
        fail(
            check, kind,
            "it asks for a password and none is given (%s). Put it into the redis URI, or into the "
            "file redis-password in $CREDENTIALS_DIRECTORY",
            text);
    else if (kind == ERROR_PERMISSION)
        fail(check, kind, "the login as user %s was refused (%s). Check user and password",
             user_of(check), text);
    else
        fail(check, kind, "%s was refused: %s", name, text);
}

/* Is the reply one to go on with? It is not when the connection is lost or another one has failed.
 */
static bool good(struct redis_check *check, const char *name, const redisReply *reply)
{
    if (!reply || check->ended)
        return false;
    if (reply->type == REDIS_REPLY_ERROR) {
        refused(check, name, reply->str);
        return false;
    }
    return true;
}

static void send_args(struct redis_check *check, const char *const *args, size_t count,
                      redis_reply_fn *done)
{
    struct buf resp = {0}, key = {0};
    resp_begin(&resp, count);
    for (size_t i = 0; i < count; i++) {
        if (args[i][0] != '@') {
            resp_arg(&resp, str_of(args[i]));
            continue;
        }
        buf_clear(&key);
        buf_printf(&key, "%s:%s", check->scratch, args[i] + 1);
        resp_arg(&resp, buf_str(&key));
    }
    redis_client_setup(check->client, buf_str(&resp), done, check);
    buf_release(&resp);
    buf_release(&key);
}

/* ------------------------------------------------------------- phase 3: one run of the commit
 * script */

static void on_run(void *arg, const redisReply *reply)
{
    struct redis_check *check = arg;
    if (!good(check, "EVALSHA", reply))
        return;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        strcmp(reply->element[0]->str, "conflict") != 0) {
        bool has_text = reply->type == REDIS_REPLY_ARRAY && reply->elements > 1 &&
                        reply->element[1]->type == REDIS_REPLY_STRING;
        fail(check, ERROR_UNAVAILABLE, "a trial run of the commit script failed: %s",
             has_text ? reply->element[1]->str : "it gave no answer");
        return;
    }
    end(check, NULL);
}

/* Against a position that does not exist: the script compares, and changes nothing. */
static void run_commit(struct redis_check *check)
{
    const char *const args[] = {"EVALSHA",   check->sha[SCRIPT_COMMIT],
                                "5",         "@h",
                                "@p",        "@l",
                                "@s",        "@h",
                                "partition", "x 0 0 0",
                                "x 1 0 0",   "",
                                "",          "\xdd",
                                "",          ""};
    send_args(check, args, sizeof(args) / sizeof(*args), on_run);
}

/* ----------------------------------------------------------- phase 2: scratch commands and scripts
 */

static void on_scratch(void *arg, const redisReply *reply)
{
    struct redis_check *check = arg;
    const char *name = scratch_commands[check->step % SCRATCH_COUNT][0];
    check->step++;
    good(check, name, reply);
}

static void on_loaded(void *arg, const redisReply *reply)
{
    struct redis_check *check = arg;
    size_t script = check->step++ - SCRATCH_COUNT;
    if (!good(check, "SCRIPT LOAD", reply))
        return;
    if (reply->type != REDIS_REPLY_STRING || reply->len != REDIS_SHA_LEN ||
        script >= SCRIPT_COUNT) {
        fail(check, ERROR_UNAVAILABLE, "SCRIPT LOAD did not answer with a digest");
        return;
    }
    memcpy(check->sha[script], reply->str, REDIS_SHA_LEN + 1);
    if (script + 1 == SCRIPT_COUNT)
        run_commit(check);
}

static void try_commands(struct redis_check *check)
{
    char random[HASH_HEX_LEN + 1];
    hash_hex(clock_random(), random);
    snprintf(check->scratch, sizeof(check->scratch), "fanfold:scratch:%s", random);
    check->step = 0;
    for (size_t i = 0; i < SCRATCH_COUNT; i++) {
        size_t count = 0;
        while (count < ARGS_MAX && scratch_commands[i][count])
            count++;
        send_args(check, scratch_commands[i], count, on_scratch);
    }
    for (size_t i = 0; i < SCRIPT_COUNT; i++) {
        struct buf text = {0};
        buf_add(&text, str_of(check->version >= 7 ? scripts[i].head : ""));
        buf_add(&text, str_of(scripts[i].text));
        const char *const args[] = {"SCRIPT", "LOAD", buf_text(&text)};
        send_args(check, args, 3, on_loaded);
        buf_release(&text);
    }
}

/* ------------------------------------------------------------------------- phase 1: login and INFO
 */

const char *redis_info_value(const char *text, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    out[0] = '\0';
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            snprintf(out, size, "%.*s", (int)strcspn(line + length + 1, "\r\n"), line + length + 1);
            break;
        }
    }
    return out;
}

/* Looks at INFO. False: it has failed. */
static bool suits(struct redis_check *check, const char *text)
{
    char value[64], port[32];
    int minor = 0;
    check->version = 0;
    redis_info_value(text, "maxmemory_policy", check->policy, sizeof(check->policy));
    redis_info_value(text, "redis_version", value, sizeof(value));
    if (sscanf(value, "%d.%d", &check->version, &minor) < 2 || check->version < 6 ||
        (check->version == 6 && minor < 2))
        fail(check, ERROR_CONFIG, "it is version \"%s\"; Redis " VERSION_MIN " or newer is needed",
             value);
    else if (strcmp(redis_info_value(text, "loading", value, sizeof(value)), "1") == 0)
        fail(check, ERROR_UNAVAILABLE, "it is still loading its data");
    else if (strcmp(redis_info_value(text, "cluster_enabled", value, sizeof(value)), "1") == 0)
        fail(
            check, ERROR_CONFIG,
            "it runs in cluster mode, which Fanfold does not support: a commit must reach all rows "
            "of a view at once. Use a Redis with cluster-enabled no");
    else if (strcmp(redis_info_value(text, "role", value, sizeof(value)), "master") != 0)
        fail(check, ERROR_UNAVAILABLE,
             "it is a read-only replica (role:%s) of %s. Name the primary in the redis URI", value,
             redis_info_value(text, "master_host", port, sizeof(port)));
    else if (!check->any_policy && strcmp(check->policy, "noeviction") != 0)
        fail(check, ERROR_CONFIG,
             "maxmemory-policy is %s: an evicted position would fold old events into rows once "
             "more. "
             "Set it to noeviction",
             check->policy[0] ? check->policy : "not told by INFO");
    return !check->ended;
}

static void on_info(void *arg, const redisReply *reply)
{
    struct redis_check *check = arg;
    if (!good(check, "INFO", reply))
        return;
    if (reply->type != REDIS_REPLY_STRING) {
        fail(check, ERROR_UNAVAILABLE, "INFO gave no text: is this a Redis?");
        return;
    }
    if (suits(check, reply->str))
        try_commands(check);
}

static void on_auth(void *arg, const redisReply *reply)
{
    good(arg, "AUTH", reply);
}

static void on_select(void *arg, const redisReply *reply)
{
    good(arg, "SELECT", reply);
}

void redis_check_start(struct redis_check *check, struct redis_client *client, bool any_policy,
                       redis_check_fn *done, void *arg)
{
    const struct uri *uri = redis_client_uri(client);
    *check =
        (struct redis_check){.client = client, .any_policy = any_policy, .done = done, .arg = arg};
    struct buf resp = {0};
    if (uri->password) {
        bool user = uri->user && uri->user[0];
        resp_begin(&resp, user ? 3 : 2);
        resp_arg(&resp, STR("AUTH"));
        if (user)
            resp_arg(&resp, str_of(uri->user));
        resp_arg(&resp, str_of(uri->password));
        redis_client_setup(client, buf_str(&resp), on_auth, check);
        buf_clear(&resp);
    }
    if (uri->db != 0) {
        resp_begin(&resp, 2);
        resp_arg(&resp, STR("SELECT"));
        resp_arg_u64(&resp, (uint64_t)uri->db);
        redis_client_setup(client, buf_str(&resp), on_select, check);
    }
    buf_release(&resp);
    const char *const args[] = {"INFO"};
    send_args(check, args, 1, on_info);
}
