/*
 * rebuild_begin.c: what must be so before a generation is begun: the log begins at its beginning,
 * Redis has the room, and the live view says what can be expected of it.
 */
#include "base/clock.h"
#include "base/partitions.h"
#include "cli/adopting.h"
#include "cli/rebuilding.h"
#include "cli/say.h"
#include <fanfold/room.h>
#include <fanfold/stream_probe.h>

#include <stdlib.h>
#include <time.h>

#define WORKERS_MS 15000

/* --- the log --------------------------------------------------------------------------- */

/* The offset that a partition is folded from; of a verification, from where the live view was. */
static bool find_beginning(struct rebuilding *rebuilding, const struct rebuilding_wish *wish,
                           const char *partition, uint64_t *begins, struct error *error)
{
    struct task_state state = {0};
    struct stream_ends ends;
    uint64_t first = 0;
    if (!redis_reader_task(rebuilding->reader, view_name(rebuilding->view), partition, &state,
                           error) ||
        !stream_probe_first(&rebuilding->config.amqp, partition, &ends, error))
        return false;
    if (!ends.empty)
        first = ends.first;
    *begins = wish->verify ? state.begins : 0;
    if (first <= *begins)
        return true;
    if (!wish->from_retained)
        return error_set(
            error, ERROR_NO,
            "the log %s begins at offset %llu, not at %llu: retention removed what was "
            "before, and the new rows would lack it. `--from-retained` builds them "
            "nevertheless",
            partition, (unsigned long long)first, (unsigned long long)*begins);
    say("the log %s begins at offset %llu: what earlier events made is not in the new rows",
        partition, (unsigned long long)first);
    *begins = first;
    return true;
}

/* --- the live view --------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

/* What a worker says is the trouble of the view: one of the list, else any; "": none. NULL: no
 * worker reports the view. */
static const char *trouble_of(const cJSON *workers, const char *view, const char *const *list)
{
    const char *found = NULL;
    const cJSON *worker, *task;
    cJSON_ArrayForEach(worker, workers)
    {
        cJSON_ArrayForEach(task, cJSON_GetObjectItemCaseSensitive(worker, "tasks"))
        {
            const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(task, "view"));
            const char *trouble =
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(task, "trouble"));
            if (!name || strcmp(name, view) != 0)
                continue;
            if (!found || (trouble && is_one_of(trouble, list)))
                found = trouble ? trouble : "";
        }
    }
    return found;
}

static bool has_partition(const struct definition *definition, const char *exchange)
{
    for (size_t i = 0; i < definition->log_count; i++)
        if (strcmp(definition->logs[i].exchange, exchange) == 0)
            return true;
    return false;
}

/* Only workers know whether the view stands in the log that is there. */
static cJSON *wait_for_workers(struct rebuilding *rebuilding, const char *const *stuck,
                               struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + WORKERS_MS;
    bool said = false;
    for (;;) {
        cJSON *workers = redis_reader_workers(rebuilding->reader, error);
        if (!workers || !rebuilding->epoch[0] ||
            trouble_of(workers, view_name(rebuilding->view), stuck))
            return workers;
        cJSON_Delete(workers);
        if (*rebuilding->stop || clock_monotonic_ms() > deadline) {
            error_set(error, ERROR_NO,
                      "no worker runs view %s: it is workers that build; start one",
                      view_name(rebuilding->view));
            return NULL;
        }
        if (!said)
            say("no worker runs the view; waiting for one");
        said = true;
        nanosleep(&(struct timespec){.tv_nsec = 200000000L}, NULL);
    }
}

/* Does the position alone say which events of the partition are folded? After a move, only when it
 * is past all that the former partitions had (moved.h). */
static bool is_past_moved(struct rebuilding *rebuilding, const char *partition,
                          const struct position *at, bool *past, struct error *error)
{
    struct buf text = {0};
    struct moved moved;
    bool good = redis_reader_moved(rebuilding->reader, view_name(rebuilding->view), partition,
                                   &text, error) &&
                (moved_read(buf_str(&text), &moved) ||
                 error_set(error, ERROR_CONFIG,
                           "what stands of former partitions with %s is not of their form: %s",
                           partition, buf_text(&text)));
    buf_release(&text);
    if (!good)
        return false;
    *past = (at->epoch[0] ? at->offset + 1 : 0) >= moved.high;
    moved_release(&moved);
    return true;
}

/* Can the build stop where the live view stands on the partition, and have the same events? */
static bool can_follow(struct rebuilding *rebuilding, const char *partition, uint64_t begins,
                       struct build *build, const char **why, struct error *error)
{
    struct task_state state = {0};
    bool past;
    if (!redis_reader_task(rebuilding->reader, view_name(rebuilding->view), partition, &state,
                           error) ||
        !is_past_moved(rebuilding, partition, &state.position, &past, error))
        return false;
    if (!past && build->verify)
        return error_set(
            error, ERROR_UNAVAILABLE,
            "the view went over to other partitions, and on %s it has not come past "
            "what the former ones had folded: its position does not say yet what is in "
            "its rows; run the command again when events have come there",
            partition);
    if (!past)
        *why = "since it went over to other partitions, not each of them has had an event";
    build->follows =
        past && (!begins || (state.position.epoch[0] && state.position.offset >= begins));
    return true;
}

/* A build follows the live view where that stands in the same log and can be reached. */
static bool look_at_live(struct rebuilding *rebuilding, struct build *build, struct error *error)
{
    static const char *const stuck[] = {"log_ends", "log_other", "retention", "beginning", NULL};
    static const char *const other[] = {"log_ends", "log_other", NULL};
    cJSON *workers = wait_for_workers(rebuilding, stuck, error);
    if (!workers)
        return false;
    const char *trouble = trouble_of(workers, view_name(rebuilding->view), stuck);
    trouble = trouble ? trouble : "";
    build->aside = rebuilding->epoch[0] && !is_one_of(trouble, other);
    build->follows = build->aside && !is_one_of(trouble, stuck);
    for (size_t i = 0; i < rebuilding->next->log_count; i++)
        build->follows =
            build->follows && has_partition(rebuilding->live, rebuilding->next->logs[i].exchange);
    const char *why = trouble[0] ? trouble : "it reads other exchanges";
    for (size_t i = 0; build->follows && i < build->partition_count; i++) {
        if (!can_follow(rebuilding, build->partitions[i], rebuilding->begins[i], build, &why,
                        error)) {
            cJSON_Delete(workers);
            return false;
        }
    }
    if (rebuilding->epoch[0] && !build->follows)
        say("the live view cannot be followed (%s): the new generation goes by itself to the end "
            "of "
            "the log",
            why);
    cJSON_Delete(workers);
    return true;
}

/* --- begin ----------------------------------------------------------------------------- */

static bool check_room(struct rebuilding *rebuilding, const struct build *build,
                       struct error *error)
{
    struct room room;
    if (!redis_reader_room(rebuilding->reader, (const char *const *)build->old_rows,
                           build->old_row_count, &room, error))
        return false;
    if (!room.known || room.needed <= room.left)
        return true;
    return error_set(
        error, ERROR_NO,
        "Redis has not the room: the live rows take about %.0f MiB, and a second "
        "generation of them does not fit into the %.0f MiB that are left below %s. Raise "
        "maxmemory, or free memory, and try again",
        (double)room.needed / 1048576, (double)room.left / 1048576,
        room.maxmemory ? "maxmemory" : "the memory of its host");
}

static char **starts_of(const struct definition *definition, size_t *count)
{
    *count = view_row_count(definition->view);
    char **starts = must_calloc(*count + 1, sizeof *starts);
    for (size_t i = 0; i < *count; i++)
        starts[i] = must_strdup(view_row(definition->view, i)->prefix);
    return starts;
}

/* Rows of other views must not be taken for old ones of this. */
static bool check_starts(const struct rebuilding *rebuilding, const struct build *build,
                         struct error *error)
{
    for (size_t v = 0; v < rebuilding->views.count; v++) {
        const struct view *other = rebuilding->views.at[v];
        for (size_t i = 0; other != rebuilding->view && i < view_row_count(other); i++)
            for (size_t k = 0; k < build->old_row_count; k++) {
                struct str a = str_of(view_row(other, i)->prefix), b = str_of(build->old_rows[k]);
                if (str_starts(a, b) || str_starts(b, a))
                    return error_set(
                        error, ERROR_NO,
                        "the rows so far begin with \"%s\", and so do those of view %s: "
                        "the switch would remove these. Let the other view wait until "
                        "this one is rebuilt",
                        build->old_rows[k], view_name(other));
            }
    }
    return true;
}

static char **partitions_of(const struct definition *definition, size_t *count)
{
    struct partition_list list = {0};
    partition_list_add_all(&list, definition->logs, definition->log_count);
    *count = list.count;
    return list.at;
}

static bool find_beginnings(struct rebuilding *rebuilding, const struct rebuilding_wish *wish,
                            struct build *build, struct error *error)
{
    build->partitions = partitions_of(rebuilding->next, &build->partition_count);
    rebuilding->begins = must_calloc(build->partition_count + 1, sizeof *rebuilding->begins);
    for (size_t i = 0; i < build->partition_count; i++)
        if (!find_beginning(rebuilding, wish, build->partitions[i], &rebuilding->begins[i], error))
            return false;
    return true;
}

/* Nothing is folded: there is nothing to build anew, unless the view cannot even begin. */
static bool check_live(const struct rebuilding *rebuilding, const struct rebuilding_wish *wish,
                       struct error *error)
{
    if (rebuilding->epoch[0] || wish->from_retained)
        return true;
    return error_set(
        error, ERROR_NO,
        "view %s has not folded any event yet: start workers, they take its file as it is",
        view_name(rebuilding->view));
}

/* Both are compared at the same positions, so they must be folded by the same partitions. */
static bool check_partitions(const struct rebuilding *rebuilding, struct error *error)
{
    const struct definition *live = rebuilding->live, *next = rebuilding->next;
    for (size_t i = 0; rebuilding->epoch[0] && i < live->log_count; i++)
        for (size_t k = 0; k < next->log_count; k++)
            if (strcmp(live->logs[i].exchange, next->logs[k].exchange) == 0 &&
                adopting_moves(&live->logs[i], &next->logs[k]))
                return error_set(
                    error, ERROR_NO,
                    "the partitions of the log of %s have changed, and view %s is still "
                    "folded by the former ones: run `fanfold setup` first, which takes "
                    "it over to the new ones",
                    next->logs[k].exchange, view_name(rebuilding->view));
    return true;
}

bool rebuilding_begin(struct rebuilding *rebuilding, const struct rebuilding_wish *wish,
                      struct error *error)
{
    struct build build = {
        .verify = wish->verify, .strict = wish->strict, .started_ms = clock_wall_ms()};
    if (!rebuilding->next)
        rebuilding->next = wish->verify ? definition_use(rebuilding->live)
                                        : definition_of(rebuilding->view, &rebuilding->config);
    build.rows = starts_of(rebuilding->next, &build.row_count);
    build.old_rows = starts_of(rebuilding->live, &build.old_row_count);
    build.old_partitions = partitions_of(rebuilding->live, &build.old_partition_count);
    bool good = check_live(rebuilding, wish, error) && check_partitions(rebuilding, error) &&
                check_starts(rebuilding, &build, error) &&
                find_beginnings(rebuilding, wish, &build, error) &&
                look_at_live(rebuilding, &build, error) && check_room(rebuilding, &build, error);
    const struct generation_begin begin = {rebuilding->next->text, rebuilding->next->digest, &build,
                                           rebuilding->begins};
    good = good && generation_begin(rebuilding->reader, view_name(rebuilding->view), &begin,
                                    &rebuilding->build, error);
    rebuilding->has_build = good;
    build_release(&build);
    return good;
}
