/*
 * verify_against.c: holds a view at the same position in two servers, and compares digests. Whoever
 * is behind goes on up to where the other one stands.
 */
#include "cli/verify_against.h"
#include "base/clock.h"
#include "base/partitions.h"
#include "cli/say.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <time.h>

#define HOLD_MS  30000
#define RENEW_MS 5000
#define LEVEL_MS 60000
#define POLL_MS  100

struct sides {
    struct rebuilding *rebuilding;
    struct redis_reader *there;
    char **partitions;
    struct held_task *here_at, *there_at;
    size_t count;
    int64_t held_ms;
};

/* A target of the configuration, with a login of its own. */
static bool open_target(struct sides *sides, const char *name, struct error *error)
{
    const struct config *config = &sides->rebuilding->config;
    const struct redis_target *target = targets_find(&config->targets, name);
    const struct view *view = sides->rebuilding->view;
    if (!target) {
        struct buf near = {0};
        targets_suggest(&config->targets, name, &near);
        error_set(error, ERROR_USAGE, "--against: there is no target \"%s\" in %s; %s", name,
                  config->path, buf_text(&near));
        buf_release(&near);
        return false;
    }
    if (strcmp(name, config->target) == 0)
        return error_set(error, ERROR_USAGE,
                         "--against: target %s is the one that is to be compared", name);
    if (!view_is_in(view, name))
        return error_set(error, ERROR_NO, "view \"%s\" is not kept in target %s", view_name(view),
                         name);
    sides->there = redis_reader_open(&target->uri, error);
    return sides->there;
}

static bool open_address(struct sides *sides, const char *text, struct error *error)
{
    const struct uri *ours = &sides->rebuilding->config.redis;
    struct uri uri;
    if (!uri_parse_redis(text, &uri, error))
        return false;
    if (uri.password) {
        uri_release(&uri);
        return error_set(
            error, ERROR_USAGE,
            "--against takes no password: other processes can read the command line. The "
            "login is that of the first server");
    }
    if (uri_is_same_redis(&uri, ours)) {
        uri_release(&uri);
        return error_set(error, ERROR_USAGE, "--against: %s is the one that is to be compared",
                         text);
    }
    if (ours->password)
        uri.password = must_strdup(ours->password);
    if (ours->user && !uri.user)
        uri.user = must_strdup(ours->user);
    sides->there = redis_reader_open(&uri, error);
    uri_release(&uri);
    return sides->there;
}

static bool open_other(struct sides *sides, const char *text, struct error *error)
{
    bool is_name = sides->rebuilding->config.targets.count && !strstr(text, "://");
    return is_name ? open_target(sides, text, error) : open_address(sides, text, error);
}

static bool hold(struct sides *sides, struct error *error)
{
    const char *view = view_name(sides->rebuilding->view);
    sides->held_ms = clock_monotonic_ms();
    return generation_hold_at(sides->rebuilding->reader, view, HOLD_MS, sides->here_at,
                              sides->count, error) &&
           generation_hold_at(sides->there, view, HOLD_MS, sides->there_at, sides->count, error);
}

/* The higher position of both becomes the limit of both. *level: they stand there. */
static void meet(struct sides *sides, bool *level)
{
    *level = true;
    for (size_t i = 0; i < sides->count; i++) {
        struct held_task *a = &sides->here_at[i], *b = &sides->there_at[i];
        *level = *level && a->has == b->has && a->offset == b->offset;
        a->limit = b->limit = a->offset > b->offset ? a->offset : b->offset;
        a->has_limit = b->has_limit = a->has || b->has;
    }
}

static bool make_level(struct sides *sides, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + LEVEL_MS;
    bool level;
    for (;;) {
        if (!hold(sides, error))
            return false;
        meet(sides, &level);
        if (level)
            return true;
        if (*sides->rebuilding->stop)
            return error_set(error, ERROR_UNAVAILABLE, "interrupted");
        if (clock_monotonic_ms() > deadline)
            return error_set(
                error, ERROR_UNAVAILABLE,
                "the view does not come to the same position in both servers within %d "
                "seconds: do workers run for both?",
                LEVEL_MS / 1000);
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
}

static bool on_progress(void *arg, uint64_t done, uint64_t all)
{
    struct sides *sides = arg;
    struct error error;
    sides->rebuilding->progress.bytes_all = all;
    progress_show_left(&sides->rebuilding->progress, done, done);
    return !*sides->rebuilding->stop &&
           (clock_monotonic_ms() - sides->held_ms < RENEW_MS || hold(sides, &error));
}

/* Did both stand still until now? A hold may have run out, or somebody else have let it go. */
static bool stayed(struct sides *sides, struct error *error)
{
    if (!hold(sides, error))
        return false;
    for (size_t i = 0; i < sides->count; i++)
        if (sides->here_at[i].offset != sides->here_at[i].limit ||
            sides->there_at[i].offset != sides->there_at[i].limit)
            return error_set(error, ERROR_UNAVAILABLE,
                             "the view has moved on while its rows were compared: run the command "
                             "again");
    return true;
}

static bool compare(struct sides *sides, struct error *error)
{
    struct rebuilding *rebuilding = sides->rebuilding;
    const struct view *view = rebuilding->live->view;
    const char **starts = must_calloc(view_row_count(view) + 1, sizeof *starts);
    for (size_t i = 0; i < view_row_count(view); i++)
        starts[i] = view_row(view, i)->prefix;
    progress_init(&rebuilding->progress, 1);
    rebuilding->progress.done = "rows compared";
    bool good = make_level(sides, error) &&
                compare_servers(rebuilding->reader, sides->there, starts, view_row_count(view),
                                on_progress, sides, &rebuilding->comparison, error) &&
                stayed(sides, error);
    progress_clear(&rebuilding->progress);
    struct error ignored;
    const char *name = view_name(rebuilding->view);
    generation_let_go(rebuilding->reader, name, sides->here_at, sides->count, &ignored);
    generation_let_go(sides->there, name, sides->there_at, sides->count, &ignored);
    free(starts);
    return good;
}

static void print_keys(const char *what, const struct row_sample *sample)
{
    for (size_t i = 0; i < sample->count; i++) {
        printf("%s ", what);
        terminal_print(stdout, str_of(sample->at[i]), 0, 0);
        putchar('\n');
    }
}

static void add_keys(cJSON *object, const char *name, const struct row_sample *sample)
{
    cJSON *list = cJSON_AddArrayToObject(object, name);
    for (size_t i = 0; i < sample->count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(sample->at[i]));
}

static int report(const struct rebuilding *rebuilding, bool json)
{
    const struct comparison *c = &rebuilding->comparison;
    if (json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "view", view_name(rebuilding->view));
        cJSON_AddNumberToObject(object, "same", (double)c->same);
        cJSON_AddNumberToObject(object, "different", (double)comparison_differences(c));
        add_keys(object, "changed", &c->changed_keys);
        add_keys(object, "only_here", &c->here_keys);
        add_keys(object, "only_there", &c->there_keys);
        char *text = cJSON_Print(object);
        puts(text);
        cJSON_free(text);
        cJSON_Delete(object);
    } else {
        print_keys("changed", &c->changed_keys);
        print_keys("only here", &c->here_keys);
        print_keys("only there", &c->there_keys);
    }
    say("%s: %llu rows are the same in both servers, %llu are not", view_name(rebuilding->view),
        (unsigned long long)c->same, (unsigned long long)comparison_differences(c));
    return comparison_differences(c) ? ERROR_NO : 0;
}

static bool same_definition(struct sides *sides, struct error *error)
{
    struct rebuilding *rebuilding = sides->rebuilding;
    char epoch[EPOCH_MAX];
    struct buf text = {0};
    bool good =
        redis_reader_definition(sides->there, view_name(rebuilding->view), epoch, &text, error);
    buf_release(&text);
    if (!good || strcmp(epoch_digest(epoch), epoch_digest(rebuilding->epoch)) == 0)
        return good;
    return error_set(error, ERROR_NO,
                     "view %s is folded by another definition there (epoch \"%s\", here "
                     "\"%s\")",
                     view_name(rebuilding->view), epoch, rebuilding->epoch);
}

int verify_against(struct rebuilding *rebuilding, const char *other, bool json)
{
    struct error error;
    struct sides sides = {.rebuilding = rebuilding, .count = 0};
    struct partition_list list = {0};
    partition_list_add_all(&list, rebuilding->live->logs, rebuilding->live->log_count);
    sides.partitions = list.at;
    sides.count = list.count;
    sides.here_at = must_calloc(sides.count + 1, sizeof *sides.here_at);
    sides.there_at = must_calloc(sides.count + 1, sizeof *sides.there_at);
    for (size_t i = 0; i < sides.count; i++) {
        sides.here_at[i].partition = sides.there_at[i].partition = sides.partitions[i];
    }
    bool good = open_other(&sides, other, &error) && same_definition(&sides, &error) &&
                compare(&sides, &error);
    int code = good ? report(rebuilding, json) : say_error(&error);
    partition_list_release(&list);
    free(sides.here_at);
    free(sides.there_at);
    redis_reader_close(sides.there);
    return code;
}
