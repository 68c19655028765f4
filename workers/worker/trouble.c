/*
 * trouble.c: the one table of ways out. Each names only what can be done today.
 */
#include "worker/trouble.h"
#include <string.h>

#define BY_ITSELF "; the worker then goes on by itself"

static const char *const ways_out[TROUBLE_COUNT] = {
    [TROUBLE_NONE] = "",
    [TROUBLE_LOG_ENDS] =
        "if the log that is there now is the right one, `fanfold rebuild VIEW` folds it from its "
        "first event on and switches to that",
    [TROUBLE_LOG_OTHER] =
        "if the log that is there now is the right one, `fanfold rebuild VIEW` folds it from its "
        "first event on and switches to that",
    [TROUBLE_RETENTION] = "`fanfold rebuild VIEW --from-retained` folds what the log still has; "
                          "what retention removed "
                          "does not come back, unless you publish it again; give the log a max_age "
                          "which outlasts any "
                          "pause of its workers",
    [TROUBLE_BEGINNING] =
        "restore the position and the rows together from a backup of Redis and send the workers "
        "SIGHUP; without one, `fanfold rebuild VIEW --from-retained` folds what the log still has",
    [TROUBLE_FOREIGN] = "find who else writes the key that is named; then `fanfold rebuild VIEW` "
                        "makes all rows anew, "
                        "or put back what stood there and send the workers SIGHUP",
    [TROUBLE_FAILING] =
        "look at `fanfold parked list`, mend what sends these events, and send the workers SIGHUP",
    [TROUBLE_EVENT] =
        "set \"on_error\" to \"park\" or \"skip\" in the view file, and `fanfold adopt VIEW`",
    [TROUBLE_POLICY] =
        "set maxmemory-policy noeviction (redis-cli CONFIG SET maxmemory-policy "
        "noeviction, and in redis.conf)" BY_ITSELF
        ". If INFO says evicted_keys above 0, rows may be gone: `fanfold verify VIEW` "
        "finds out, and `fanfold rebuild VIEW` makes them anew",
    [TROUBLE_STRICT] =
        "mend the definition and begin anew (`fanfold rebuild VIEW --cancel`, then `fanfold "
        "rebuild "
        "VIEW`); or let such events park in the new generation: `fanfold rebuild VIEW --on-error "
        "park`, and then, if it is one that `fanfold parked retry` folded, retry it again",
    [TROUBLE_REDIS] = "bring Redis back" BY_ITSELF,
    [TROUBLE_PERMISSION] =
        "give the worker's Redis user back what is named (ACL SETUSER USER +COMMAND, or ~PATTERN "
        "for keys; broker-config/users.acl has all it needs)" BY_ITSELF,
    [TROUBLE_MEMORY] = "raise maxmemory of Redis, or remove other data from it" BY_ITSELF,
    [TROUBLE_REPLICA] =
        "make this Redis a primary again (REPLICAOF NO ONE)" BY_ITSELF
        "; or name the primary as \"redis\" in the configuration and start the workers anew",
    [TROUBLE_DISK] = "see in the log of Redis why it cannot save, and mend that" BY_ITSELF,
    [TROUBLE_REFUSED] = "mend what Redis complains of" BY_ITSELF,
    [TROUBLE_CONFLICT] = "nothing to do: the worker loads the position again by itself",
    [TROUBLE_BROKER] = "bring RabbitMQ back" BY_ITSELF,
    [TROUBLE_LOGIN] = "give the worker's RabbitMQ user its password and permissions back "
                      "(broker-config/definitions.json has all it needs)" BY_ITSELF,
    [TROUBLE_LOG_MISSING] = "declare the log: `fanfold setup`" BY_ITSELF,
    [TROUBLE_NO_WORKER] = "start one: `fanfold worker`",
    [TROUBLE_NOT_TAKEN] = "nothing to do: one takes it within seconds",
    [TROUBLE_NOT_SERVED] =
        "start a worker that takes it: `fanfold worker`, without --view; or send "
        "SIGHUP to those that read their files before the view was in them",
    [TROUBLE_DEFINITION] =
        "`fanfold rebuild VIEW` folds the changed definition from the log's first event on and "
        "compares before it switches; `fanfold adopt VIEW` takes it from here on, without a "
        "replay; or put the former one back and send the workers SIGHUP",
};

const char *trouble_name(enum trouble trouble)
{
    static const char *const names[TROUBLE_COUNT] = {
        [TROUBLE_NONE] = "",
        [TROUBLE_LOG_ENDS] = "log_ends",
        [TROUBLE_LOG_OTHER] = "log_other",
        [TROUBLE_RETENTION] = "retention",
        [TROUBLE_BEGINNING] = "beginning",
        [TROUBLE_FOREIGN] = "foreign",
        [TROUBLE_FAILING] = "failing",
        [TROUBLE_EVENT] = "event",
        [TROUBLE_POLICY] = "policy",
        [TROUBLE_STRICT] = "strict",
        [TROUBLE_REDIS] = "redis",
        [TROUBLE_PERMISSION] = "permission",
        [TROUBLE_MEMORY] = "memory",
        [TROUBLE_REPLICA] = "replica",
        [TROUBLE_DISK] = "disk",
        [TROUBLE_REFUSED] = "refused",
        [TROUBLE_CONFLICT] = "conflict",
        [TROUBLE_BROKER] = "broker",
        [TROUBLE_LOGIN] = "login",
        [TROUBLE_LOG_MISSING] = "log_missing",
        [TROUBLE_NO_WORKER] = "no_worker",
        [TROUBLE_NOT_TAKEN] = "not_taken",
        [TROUBLE_NOT_SERVED] = "not_served",
        [TROUBLE_DEFINITION] = "definition",
    };
    return names[trouble];
}

const char *trouble_way_out(enum trouble trouble)
{
    return ways_out[trouble];
}

/* Not as the end of a longer word: keys stand in what Redis says. */
static bool has_word(const char *text, const char *word)
{
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if (at == text || at[-1] == ' ')
            return true;
    return false;
}

enum trouble trouble_of_redis(const char *text)
{
    static const struct {
        const char *word;
        enum trouble trouble;
    } words[] = {
        {"NOPERM", TROUBLE_PERMISSION},         {"can't run this command", TROUBLE_PERMISSION},
        {"WRONGPASS", TROUBLE_PERMISSION},      {"NOAUTH", TROUBLE_PERMISSION},
        {"No permissions", TROUBLE_PERMISSION}, {"OOM", TROUBLE_MEMORY},
        {"READONLY", TROUBLE_REPLICA},          {"MISCONF", TROUBLE_DISK},
        {"WRONGTYPE", TROUBLE_FOREIGN},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(text, words[i].word))
            return words[i].trouble;
    return TROUBLE_REFUSED;
}

enum trouble trouble_of_log(enum error_kind kind)
{
    return kind == ERROR_CONFIG       ? TROUBLE_LOG_MISSING
           : kind == ERROR_PERMISSION ? TROUBLE_LOGIN
                                      : TROUBLE_BROKER;
}
