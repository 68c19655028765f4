/*
 * check_live.c: compares the files with the definitions in force. A change needs no replay when it
 * could not have made a difference to the events so far: patterns, and rules of `upcast`, for types
 * that the log has never held.
 */
#include "cli/check_live.h"
#include "cli/in_force.h"
#include "cli/log_types.h"
#include "cli/say.h"
#include "cli/upcast_change.h"

#include <stdlib.h>

struct live_check {
    const struct config *config;
    struct redis_reader *reader;
    struct map *types; /* for each log of the configuration: what it holds, once it was read */
    bool *types_read;
    bool needs_replay; /* some view does */
};

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool differs(const cJSON *a, const cJSON *b)
{
    return (a || b) && !cJSON_Compare(a, b, true);
}

/* The first thing, besides added patterns and `upcast`, in which the definitions differ; "": none.
 */
static void find_change(const cJSON *before, const cJSON *after, struct buf *change)
{
    static const char *const whole[] = {"exchange", "park_by", "on_error",
                                        "plugin",   "rows",    "parameters"};
    const cJSON *was = member(before, "view"), *is = member(after, "view"), *rule;
    if (differs(member(before, "logs"), member(after, "logs")))
        buf_add(change, STR("how the log is read"));
    for (size_t i = 0; !change->len && i < sizeof whole / sizeof *whole; i++)
        if (differs(member(was, whole[i]), member(is, whole[i])))
            buf_printf(change, "\"%s\"", whole[i]);
    cJSON_ArrayForEach(rule, member(was, "on"))
    {
        if (!change->len && differs(rule, member(member(is, "on"), rule->string)))
            buf_printf(change, "what \"%s\" does", rule->string);
    }
}

static bool read_types(struct live_check *check, const char *exchange, const struct map **types,
                       struct error *error)
{
    const struct log_config *log = config_log(check->config, exchange);
    size_t i = (size_t)(log - check->config->logs);
    *types = &check->types[i];
    if (check->types_read[i])
        return true;
    check->types_read[i] = true;
    return log_types_read(&check->config->amqp, log, &check->types[i], error);
}

/* How many events of the logs a pattern may match. */
static bool count_matches(struct live_check *check, const struct view *view, const char *pattern,
                          uint64_t *count, struct error *error)
{
    *count = 0;
    for (size_t i = 0; i < view_exchange_count(view); i++) {
        const struct upcast_rules *upcast =
            &config_log(check->config, view_exchange(view, i))->upcast;
        const struct map *types;
        struct str type;
        uint64_t events;
        if (!read_types(check, view_exchange(view, i), &types, error))
            return false;
        for (size_t k = 0; map_next(types, &k, &type, &events);)
            *count += upcast_may_match(upcast, type, pattern) ? events : 0;
    }
    return true;
}

/* Patterns that were added, of types that the log has held. */
static bool find_seen(struct live_check *check, const struct view *view, const cJSON *before,
                      const cJSON *after, struct buf *change, struct error *error)
{
    const cJSON *was = member(member(before, "view"), "on"), *rule;
    cJSON_ArrayForEach(rule, member(member(after, "view"), "on"))
    {
        uint64_t count;
        if (change->len || member(was, rule->string))
            continue;
        if (!count_matches(check, view, rule->string, &count, error))
            return false;
        if (count)
            buf_printf(change, "\"%s\" is new, and the log holds %llu such event%s", rule->string,
                       (unsigned long long)count, count == 1 ? "" : "s");
    }
    return true;
}

/* Other rules of `upcast` that concern types that the log has held. *differ: there are other rules.
 */
static bool find_upcast(struct live_check *check, const struct definition *live,
                        const struct definition *next, bool *differ, struct buf *change,
                        struct error *error)
{
    for (size_t i = 0; !change->len && i < next->log_count; i++) {
        const struct upcast_rules *was = &live->logs[i].upcast, *is = &next->logs[i].upcast;
        const struct map *types;
        if (str_eq(was->text, is->text))
            continue;
        *differ = true;
        if (!read_types(check, next->logs[i].exchange, &types, error))
            return false;
        upcast_change(was, is, types, change);
    }
    return true;
}

static void tell(struct live_check *check, const struct view *view, struct buf *change,
                 bool upcast_differs)
{
    const char *name = view_name(view);
    if (change->len) {
        check->needs_replay = true;
        printf("%s: needs a replay, `fanfold rebuild %s`: %s\n", name, name, buf_text(change));
    } else {
        printf("%s: needs no replay, `fanfold adopt %s`: only %s for types that the log has never "
               "held are new\n",
               name, name, upcast_differs ? "patterns or rules of \"upcast\"" : "patterns");
    }
}

/* What is looked at apart. */
static void leave_out(const cJSON *definition, const char *name)
{
    cJSON *log;
    cJSON_ArrayForEach(log, member(definition, "logs"))
        cJSON_DeleteItemFromObjectCaseSensitive(log, name);
}

/* By which partitions a log is folded changes no row. */
static bool tell_partitions(const struct view *view, const cJSON *before, const cJSON *after)
{
    leave_out(before, "partitions");
    leave_out(after, "partitions");
    leave_out(before, "partition_by");
    leave_out(after, "partition_by");
    if (!cJSON_Compare(before, after, true))
        return false;
    printf("%s: needs no replay, `fanfold setup`: it goes over to other partitions of its log\n",
           view_name(view));
    return true;
}

static bool compare(struct live_check *check, const struct view *view,
                    const struct definition *live, const struct definition *next,
                    struct error *error)
{
    struct buf change = {0};
    cJSON *before = cJSON_Parse(live->text), *after = cJSON_Parse(next->text);
    bool good = true, upcast_differs = false;
    bool told = tell_partitions(view, before, after);
    leave_out(before, "upcast");
    leave_out(after, "upcast");
    find_change(before, after, &change);
    if (!change.len && !told)
        good = find_upcast(check, live, next, &upcast_differs, &change, error) &&
               find_seen(check, view, before, after, &change, error);
    if (good && !told)
        tell(check, view, &change, upcast_differs);
    cJSON_Delete(before);
    cJSON_Delete(after);
    buf_release(&change);
    return good;
}

static bool check_view(struct live_check *check, const struct view *view, struct error *error)
{
    char epoch[EPOCH_MAX];
    struct definition *live = in_force(check->reader, view, check->config, epoch, error);
    if (!live)
        return false;
    struct definition *next = definition_of(view, check->config);
    bool good = true;
    if (!epoch[0])
        printf("%s: nothing is folded yet\n", view_name(view));
    else if (strcmp(live->digest, next->digest) == 0)
        printf("%s: is in force\n", view_name(view));
    else
        good = compare(check, view, live, next, error);
    definition_drop(live);
    definition_drop(next);
    return good;
}

int check_live(const struct config *config, const struct view_set *views)
{
    struct error error;
    struct live_check check = {.config = config,
                               .reader = redis_reader_open(&config->redis, &error),
                               .types = must_calloc(config->log_count + 1, sizeof(struct map)),
                               .types_read = must_calloc(config->log_count + 1, sizeof(bool))};
    bool good = check.reader;
    for (size_t i = 0; good && i < views->count; i++)
        good = check_view(&check, views->at[i], &error);
    for (size_t i = 0; i < config->log_count; i++)
        map_release(&check.types[i]);
    free(check.types);
    free(check.types_read);
    redis_reader_close(check.reader);
    if (!good)
        return say_error(&error);
    return check.needs_replay ? ERROR_NO : 0;
}
