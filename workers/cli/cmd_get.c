/*
 * cmd_get.c: fanfold get: a row of a view, and how fresh it is.
 */
#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/freshness.h"
#include "cli/in_force.h"
#include "cli/near.h"
#include "cli/pretty.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <unistd.h>

#define LISTED_MAX   10    /* keys of each family that are listed without KEY */
#define COMPARED_MAX 10000 /* keys that a miss is compared with */

static const char *const structure_names[STRUCTURE_COUNT] = {
    [STRUCTURE_HASH] = "hash", [STRUCTURE_COUNTER] = "counter", [STRUCTURE_ZSET] = "zset",
    [STRUCTURE_SET] = "set",   [STRUCTURE_LIST] = "list",       [STRUCTURE_HLL] = "hll",
    [STRUCTURE_JSON] = "json",
};

struct get {
    const struct config *config;
    const struct view *view;
    struct redis_reader *reader;
    bool json;
};

/* The row family of the key: the one with the longest literal start. */
static const struct view_row *family_of(const struct view *view, const char *key)
{
    const struct view_row *best = NULL;
    for (size_t i = 0; i < view_row_count(view); i++) {
        const struct view_row *row = view_row(view, i);
        bool whole = !strchr(row->key, '{');
        bool fits = whole ? strcmp(key, row->prefix) == 0
                          : strncmp(key, row->prefix, strlen(row->prefix)) == 0;
        if (fits && (!best || strlen(row->prefix) > strlen(best->prefix)))
            best = row;
    }
    return best;
}

static int no_family(const struct view *view, const char *key)
{
    struct buf text = {0};
    for (size_t i = 0; i < view_row_count(view); i++)
        buf_printf(&text, "%s%s", i ? ", " : "", view_row(view, i)->key);
    say("\"%s\" is no key of view %s; its rows are %s", key, view_name(view), buf_text(&text));
    buf_release(&text);
    return ERROR_NO;
}

/* One text for a person about all partitions: "as of …, 3 events behind". */
static void say_fresh(const struct freshness *fresh, const char *partition, bool several)
{
    struct buf text = {0};
    char time[TIMESTAMP_TEXT_MAX];
    if (several)
        buf_printf(&text, "%s: ", partition);
    if (!fresh->has_position) {
        buf_add(&text, STR("no event has been folded yet"));
    } else if (fresh->state.has_time) {
        timestamp_format(fresh->state.time_ms, time);
        buf_printf(&text, "as of %s", time);
    } else {
        buf_printf(&text, "as of offset %llu", (unsigned long long)fresh->state.position.offset);
    }
    if (!fresh->lag_known)
        buf_add(&text, STR(", how far behind is not known"));
    else if (fresh->lag == 0)
        buf_add(&text, STR(", up to date"));
    else
        buf_printf(&text, ", %llu event%s behind", (unsigned long long)fresh->lag,
                   fresh->lag == 1 ? "" : "s");
    if (fresh->state.tally.parked)
        buf_printf(&text, ", %llu parked", (unsigned long long)fresh->state.tally.parked);
    say("%s", buf_text(&text));
    buf_release(&text);
}

/* Says, or adds to partitions (when not NULL), how fresh the view is in each partition. */
static bool report_fresh(const struct get *get, cJSON *partitions, struct error *error)
{
    struct probes probes = {.uri = &get->config->amqp};
    struct partition_list list = {0};
    bool done = true;
    in_force_partitions(get->reader, get->view, get->config, &list);
    for (size_t i = 0; done && i < list.count; i++) {
        const char *partition = list.at[i];
        struct freshness fresh;
        done = freshness_read(&fresh, view_name(get->view), partition, get->reader, &probes, error);
        if (done && partitions)
            freshness_json(&fresh, cJSON_AddObjectToObject(partitions, partition));
        else if (done)
            say_fresh(&fresh, partition, list.count > 1);
    }
    partition_list_release(&list);
    if (done && probes.error.kind != ERROR_NONE)
        say("the end of the log is not known: %s", probes.error.text);
    probes_release(&probes);
    return done;
}

static void print_row(const struct buf *row)
{
    struct buf pretty = {0};
    if (terminal_width(stdout))
        pretty_json(&pretty, buf_str(row));
    else
        buf_add(&pretty, buf_str(row));
    puts(buf_text(&pretty));
    buf_release(&pretty);
}

static int print_found(const struct get *get, const char *key, const struct view_row *family,
                       struct buf *row)
{
    struct error error;
    if (!get->json) {
        print_row(row);
        fflush(stdout);
        return report_fresh(get, NULL, &error) ? 0 : say_error(&error);
    }
    cJSON *partitions = cJSON_CreateObject();
    if (!report_fresh(get, partitions, &error)) {
        cJSON_Delete(partitions);
        return say_error(&error);
    }
    struct buf head = {0};
    buf_add_json_string(&head, str_of(key));
    char *fresh = cJSON_PrintUnformatted(partitions);
    printf("{\"view\":\"%s\",\"key\":%s,\"structure\":\"%s\",\"row\":%s,"
           "\"fresh\":{\"partitions\":%s}}\n",
           view_name(get->view), buf_text(&head), structure_names[family->structure], buf_text(row),
           fresh);
    free(fresh);
    buf_release(&head);
    cJSON_Delete(partitions);
    return 0;
}

static void offer_key(void *arg, struct str key)
{
    near_offer(arg, key);
}

/* Names keys of the family that resemble the one that is missing. */
static void suggest_keys(const struct get *get, const char *key, const struct view_row *family)
{
    struct near near = {.wanted = str_of(key)};
    struct error error;
    if (!redis_reader_keys(get->reader, family->prefix, COMPARED_MAX, offer_key, &near, &error))
        say_error(&error);
    else if (near.count == 0)
        say("there are no rows of %s now", family->key);
    else
        say("near keys:");
    for (size_t i = 0; i < near.count; i++) {
        fputs("  ", stderr);
        terminal_print(stderr, str_of(near.keys[i]), 0, 0);
        putc('\n', stderr);
    }
    near_release(&near);
}

static int get_row(const struct get *get, const char *key)
{
    const struct view_row *family = family_of(get->view, key);
    if (!family)
        return no_family(get->view, key);
    struct buf row = {0};
    struct error error;
    int code;
    if (redis_reader_row(get->reader, family->structure, str_of(key), &row, &error)) {
        code = print_found(get, key, family, &row);
    } else {
        code = say_error(&error);
        if (error.kind == ERROR_NO) {
            suggest_keys(get, key, family);
            if (!report_fresh(get, NULL, &error))
                say_error(&error);
        }
    }
    buf_release(&row);
    return code;
}

static void print_key(void *arg, struct str key)
{
    (void)arg;
    fputs("  ", stdout);
    terminal_print(stdout, key, 0, 0);
    putchar('\n');
}

static void collect_key(void *arg, struct str key)
{
    char *text = must_strndup(key.at, key.len);
    cJSON_AddItemToArray(arg, cJSON_CreateString(text));
    free(text);
}

static bool list_family(const struct get *get, const struct view_row *family, cJSON *families,
                        struct error *error)
{
    if (families) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(families, object);
        cJSON_AddStringToObject(object, "structure", structure_names[family->structure]);
        cJSON_AddStringToObject(object, "key", family->key);
        return redis_reader_keys(get->reader, family->prefix, LISTED_MAX, collect_key,
                                 cJSON_AddArrayToObject(object, "keys"), error);
    }
    printf("%s %s\n", structure_names[family->structure], family->key);
    return redis_reader_keys(get->reader, family->prefix, LISTED_MAX, print_key, NULL, error);
}

/* Without KEY: some keys of each family. */
static int list(const struct get *get)
{
    struct error error;
    cJSON *families = get->json ? cJSON_CreateArray() : NULL;
    bool done = true;
    for (size_t i = 0; done && i < view_row_count(get->view); i++)
        done = list_family(get, view_row(get->view, i), families, &error);
    if (done && families) {
        char *text = cJSON_PrintUnformatted(families);
        printf("{\"view\":\"%s\",\"families\":%s}\n", view_name(get->view), text);
        free(text);
    }
    cJSON_Delete(families);
    return done ? 0 : say_error(&error);
}

static int get_from(struct get *get, const struct options *options)
{
    struct error error;
    get->json = options_has(options, "json");
    get->reader = redis_reader_open(&get->config->redis, &error);
    if (!get->reader)
        return say_error(&error);
    int code = options->arg_count > 1 ? get_row(get, options->args[1]) : list(get);
    redis_reader_close(get->reader);
    return code;
}

static int run(const struct options *options)
{
    struct config config;
    struct view_set views = {0};
    int code = target_redis(options, "get", &config);
    if (code)
        return code;
    const struct options only_view = {.args = options->args, .arg_count = 1};
    code = target_views(&only_view, &config, &views);
    if (code == 0) {
        struct get get = {.config = &config, .view = views.at[0]};
        code = get_from(&get, options);
    }
    view_set_release(&views);
    config_release(&config);
    return code;
}

static const struct option own_options[] = {
    TARGET_OPTION_REDIS,
    {0, "json", NULL, "print the row and how fresh it is as one JSON object", NULL},
    {0},
};

const struct command command_get = {
    .name = "get",
    .group = GROUP_ROWS,
    .summary = "print a row of a view, and how fresh it is",
    .synopsis = "VIEW [KEY] [--target NAME] [--json]",
    .about = "Prints a row as JSON; how fresh it is stands on standard error. KEY is the whole "
             "Redis key.\n"
             "A key that is not there is answered with keys near it. Without KEY some keys of each "
             "kind\n"
             "of row are listed. It works while the broker is down.\n"
             "\n"
             "Exit code 0; 1: no such row, or no such view; 69: Redis cannot be reached; 77; 78.\n"
             "\n"
             "--json prints {\"view\", \"key\", \"structure\", \"row\", \"fresh\": "
             "{\"partitions\": {partition:\n"
             "{\"cursor\", \"end\", \"lag\" (events), \"lag_seconds\", \"time\" (of the last "
             "event)}}}}; null is\n"
             "what is not known. Without KEY: {\"view\", \"families\": [{\"structure\", \"key\", "
             "\"keys\"}]}.\n"
             "A row is an object of texts (hash), [[member, score], …] with the highest first "
             "(zset), a\n"
             "sorted array (set), an array with the newest first (list), a number (counter, hll), "
             "or the\n"
             "document (json).",
    .examples = "  fanfold get stock\n"
                "  fanfold get stock stock:apple\n"
                "  fanfold get sellers sellers:2026-01-31 --json",
    .options = own_options,
    .args_min = 1,
    .args_max = 2,
    .run = run,
};
