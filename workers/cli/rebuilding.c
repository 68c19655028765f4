/*
 * rebuilding.c: from the first look to the switch.
 */
#include "cli/rebuilding.h"
#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/say.h"
#include "cli/status.h"
#include "cli/target.h"

#include <stdlib.h>
#include <time.h>

#define HOLD_MS  30000
#define RENEW_MS 5000
#define POLL_MS  100
#define WATCH_MS 1000
#define LEVEL_MS 60000 /* to come from near to equal */
#define NEAR     20000 /* offsets: so few are folded while commits wait */

static int stop_with(struct rebuilding *rebuilding, int code)
{
    rebuilding_close(rebuilding);
    return code;
}

int rebuilding_open(struct rebuilding *rebuilding, const struct options *options,
                    const char *command)
{
    struct error error;
    *rebuilding = (struct rebuilding){.stop = interrupt_catch()};
    int code = target_redis(options, command, &rebuilding->config);
    if (code)
        return code;
    code =
        target_view(options->args[0], &rebuilding->config, &rebuilding->views, &rebuilding->view);
    if (code)
        return stop_with(rebuilding, code);
    rebuilding->reader = redis_reader_open(&rebuilding->config.redis, &error);
    if (rebuilding->reader)
        rebuilding->live = in_force(rebuilding->reader, rebuilding->view, &rebuilding->config,
                                    rebuilding->epoch, &error);
    if (rebuilding->reader && !rebuilding->live && error.kind == ERROR_CONFIG) {
        say("%s; going by the files", error.text); /* it is to be replaced, or removed */
        rebuilding->live = definition_of(rebuilding->view, &rebuilding->config);
    }
    if (!rebuilding->live || !rebuilding_find(rebuilding, &error))
        return stop_with(rebuilding, say_error(&error));
    return 0;
}

void rebuilding_close(struct rebuilding *rebuilding)
{
    if (rebuilding->has_build)
        build_release(&rebuilding->build);
    definition_drop(rebuilding->live);
    definition_drop(rebuilding->next);
    comparison_release(&rebuilding->comparison);
    free(rebuilding->begins);
    free(rebuilding->at);
    redis_reader_close(rebuilding->reader);
    view_set_release(&rebuilding->views);
    config_release(&rebuilding->config);
}

bool rebuilding_find(struct rebuilding *rebuilding, struct error *error)
{
    if (rebuilding->has_build)
        build_release(&rebuilding->build);
    rebuilding->has_build = false;
    return generation_find(rebuilding->reader, view_name(rebuilding->view), &rebuilding->build,
                           &rebuilding->has_build, error);
}

/* The file stands in for the view's own, so that it is checked against all other views. */
int rebuilding_take_file(struct rebuilding *rebuilding, const char *path)
{
    struct faults faults = {0};
    const char *name = view_name(rebuilding->view);
    struct view *view = view_load(path, &faults);
    struct view **set = must_calloc(rebuilding->views.count + 1, sizeof(struct view *));
    for (size_t i = 0; i < rebuilding->views.count; i++)
        set[i] = rebuilding->views.at[i] == rebuilding->view ? view : rebuilding->views.at[i];
    if (view && strcmp(view_name(view), name) != 0)
        faults_add(&faults, path, "/view",
                   "this is view \"%s\"; the definition of view \"%s\" is asked "
                   "for",
                   view_name(view), name);
    if (view && !faults.errors)
        views_check(set, rebuilding->views.count, &rebuilding->config, &faults);
    bool good = view && !faults.errors;
    if (good)
        rebuilding->next = definition_of(view, &rebuilding->config);
    faults_print(&faults, stderr);
    faults_release(&faults);
    view_free(view);
    free(set);
    return good ? 0 : ERROR_CONFIG;
}

/* --- waiting --------------------------------------------------------------------------- */

static bool interrupted(const struct rebuilding *rebuilding, struct error *error)
{
    if (!*rebuilding->stop)
        return false;
    error_set(
        error, ERROR_NO,
        "interrupted; workers go on building generation %llu: run the command again to take it "
        "up, or `fanfold rebuild %s --cancel`",
        (unsigned long long)rebuilding->build.generation, view_name(rebuilding->view));
    return true;
}

static bool pause_ms(const struct rebuilding *rebuilding, int ms, struct error *error)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
    return !interrupted(rebuilding, error);
}

/* A worker says that the build stands still. Nobody builds it: said once. */
static bool watch(struct rebuilding *rebuilding, struct error *error)
{
    struct probes probes = {.uri = &rebuilding->config.amqp};
    struct status status = {0};
    char *name = generation_name(view_name(rebuilding->view), rebuilding->build.generation);
    bool good = true, worked_on = false;
    probes.error.kind = ERROR_UNAVAILABLE; /* the broker is not asked */
    if (!status_read_generation(&status, rebuilding->reader, name, &rebuilding->build, &probes,
                                error)) {
        probes_release(&probes);
        free(name);
        return false;
    }
    for (size_t i = 0; good && i < status.count; i++) {
        const struct task_status *task = &status.tasks[i];
        worked_on = worked_on || task->owner;
        if (strcmp(task->state, "stopped") == 0 && task->tries >= rebuilding->build.tries)
            good = error_set(error, ERROR_NO, "generation %llu stands still on %s: %s. Way out: %s",
                             (unsigned long long)rebuilding->build.generation, task->partition,
                             task->reason, task->way_out);
    }
    if (good && !worked_on && !rebuilding->said_waiting) {
        rebuilding->said_waiting = true;
        progress_clear(&rebuilding->progress);
        say("no worker builds it yet; workers that serve the view take it within seconds");
    }
    free(name);
    probes_release(&probes);
    status_release(&status);
    return good;
}

static uint64_t folded(bool has, uint64_t offset, uint64_t begins)
{
    return has && offset >= begins ? offset - begins + 1 : 0;
}

/* Where a build is to come to: the live view, or the end of the log. */
static bool target_of(struct rebuilding *rebuilding, size_t i, uint64_t *target, bool *has,
                      struct error *error)
{
    const struct generation_position *at = &rebuilding->at[i];
    struct stream_ends ends;
    *target = at->live;
    *has = at->live_has;
    if (rebuilding->build.follows)
        return true;
    if (!stream_probe_last(&rebuilding->config.amqp, rebuilding->build.partitions[i], UINT64_MAX,
                           &ends, error))
        return false;
    *has = !ends.empty;
    *target = ends.last;
    return true;
}

/* *near: little is left. *level: nothing is. */
static bool measure(struct rebuilding *rebuilding, bool *near, bool *level, struct error *error)
{
    uint64_t done = 0, all = 0;
    *near = *level = true;
    for (size_t i = 0; i < rebuilding->build.partition_count; i++) {
        const struct generation_position *at = &rebuilding->at[i];
        uint64_t target, begins = rebuilding->begins ? rebuilding->begins[i] : 0;
        bool has;
        if (!target_of(rebuilding, i, &target, &has, error))
            return false;
        uint64_t part = folded(at->build_has, at->build, begins),
                 whole = folded(has, target, begins);
        *near = *near && part + NEAR >= whole && (part || !whole);
        *level = *level && part >= whole;
        done += part;
        all += whole;
    }
    rebuilding->progress.bytes_all = all;
    progress_show_left(&rebuilding->progress, done, done);
    return true;
}

static bool look(struct rebuilding *rebuilding, struct error *error)
{
    if (!rebuilding->at)
        rebuilding->at = must_calloc(rebuilding->build.partition_count + 1, sizeof *rebuilding->at);
    return generation_positions(rebuilding->reader, view_name(rebuilding->view), &rebuilding->build,
                                rebuilding->at, error);
}

bool rebuilding_follow(struct rebuilding *rebuilding, struct error *error)
{
    bool near = false, level;
    int64_t watched = clock_monotonic_ms();
    progress_init(&rebuilding->progress, 1);
    rebuilding->progress.done = "events folded";
    while (!near) {
        if (!look(rebuilding, error) || !measure(rebuilding, &near, &level, error))
            break;
        if (near)
            break;
        if (clock_monotonic_ms() - watched > WATCH_MS) {
            watched = clock_monotonic_ms();
            if (!watch(rebuilding, error))
                break;
        }
        if (!pause_ms(rebuilding, POLL_MS, error))
            break;
    }
    progress_clear(&rebuilding->progress);
    return near;
}

/* --- hold, compare --------------------------------------------------------------------- */

static bool hold(struct rebuilding *rebuilding, struct error *error)
{
    rebuilding->held_ms = clock_monotonic_ms();
    return generation_hold(rebuilding->reader, view_name(rebuilding->view), &rebuilding->build,
                           HOLD_MS, rebuilding->at, error);
}

bool rebuilding_let_go(struct rebuilding *rebuilding, struct error *error)
{
    if (!rebuilding->held_ms)
        return true;
    rebuilding->held_ms = 0;
    return generation_release(rebuilding->reader, view_name(rebuilding->view), &rebuilding->build,
                              error);
}

/* Both stand at the same offsets, and stay there while it is held. */
static bool make_level(struct rebuilding *rebuilding, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + LEVEL_MS, watched = clock_monotonic_ms();
    bool near, level = false;
    for (;;) {
        if (!(rebuilding->build.follows ? hold(rebuilding, error) : look(rebuilding, error)) ||
            !measure(rebuilding, &near, &level, error))
            return false;
        if (level || (near && !rebuilding->build.follows))
            return true;
        if (clock_monotonic_ms() > deadline)
            return error_set(error, ERROR_UNAVAILABLE,
                             "the new generation did not come to where the view stands within %d "
                             "seconds; it goes on: run the command again",
                             LEVEL_MS / 1000);
        if (clock_monotonic_ms() - watched > WATCH_MS) {
            watched = clock_monotonic_ms();
            if (!watch(rebuilding, error))
                return false;
        }
        if (!pause_ms(rebuilding, POLL_MS, error))
            return false;
    }
}

/* Keeps the hold alive meanwhile; it must not have ended, and begun elsewhere. */
static bool on_compared(void *arg, uint64_t done, uint64_t all)
{
    struct rebuilding *rebuilding = arg;
    struct error error;
    rebuilding->progress.bytes_all = all;
    rebuilding->progress.done = "rows compared";
    progress_show_left(&rebuilding->progress, done, done);
    if (*rebuilding->stop)
        return false;
    return !rebuilding->held_ms || clock_monotonic_ms() - rebuilding->held_ms < RENEW_MS ||
           hold(rebuilding, &error);
}

/* What was compared still stands where it stood. */
static bool rests(struct rebuilding *rebuilding, const struct generation_position *level,
                  struct error *error)
{
    if (!look(rebuilding, error))
        return false;
    if (!rebuilding->build.follows ||
        generation_rests(level, rebuilding->at, rebuilding->build.partition_count))
        return true;
    return error_set(error, ERROR_NO,
                     "the view has moved on while its rows were compared; run the "
                     "command again");
}

static bool compare_held(struct rebuilding *rebuilding, uint64_t sample, struct error *error)
{
    size_t size = rebuilding->build.partition_count * sizeof *rebuilding->at;
    struct generation_position *level = must_alloc(size + 1);
    memcpy(level, rebuilding->at, size);
    bool good = compare_generations(rebuilding->reader, &rebuilding->build, sample, on_compared,
                                    rebuilding, &rebuilding->comparison, error) &&
                rests(rebuilding, level, error);
    free(level);
    return good;
}

bool rebuilding_compare(struct rebuilding *rebuilding, uint64_t sample, struct error *error)
{
    comparison_release(&rebuilding->comparison);
    bool good = make_level(rebuilding, error);
    progress_clear(&rebuilding->progress);
    progress_init(&rebuilding->progress, 1);
    good = good && compare_held(rebuilding, sample, error);
    progress_clear(&rebuilding->progress);
    struct error ignored;
    if (!good)
        rebuilding_let_go(rebuilding, &ignored);
    if (!good && *rebuilding->stop)
        interrupted(rebuilding, error);
    return good;
}

/* --- switch, remove -------------------------------------------------------------------- */

static bool steps(struct rebuilding *rebuilding, struct error *error)
{
    bool more = true;
    while (more)
        if (!generation_step(rebuilding->reader, view_name(rebuilding->view), &more, error))
            return false;
    return true;
}

bool rebuilding_finish(struct rebuilding *rebuilding, struct error *error)
{
    return steps(rebuilding, error) && rebuilding_find(rebuilding, error);
}

/* Too many rows for one script: they change places in steps, while commits wait. */
static void say_many(const struct rebuilding *rebuilding)
{
    size_t rows = rebuilding->comparison.there.count;
    if (rows + rebuilding->comparison.surplus.count > GENERATION_AT_ONCE)
        say("%zu rows change places in many steps: for some seconds readers see rows of both "
            "generations",
            rows);
}

bool rebuilding_switch(struct rebuilding *rebuilding, bool keep, bool *moved, struct error *error)
{
    bool more;
    *moved = false;
    say_many(rebuilding);
    if (!generation_switch(rebuilding->reader, view_name(rebuilding->view), &rebuilding->build,
                           keep, &rebuilding->comparison.there, &rebuilding->comparison.surplus,
                           rebuilding->at, &more, error)) {
        *moved = error->kind == ERROR_NO;
        return false;
    }
    rebuilding->held_ms = 0;
    return !more || steps(rebuilding, error);
}

bool rebuilding_remove(struct rebuilding *rebuilding, struct error *error)
{
    rebuilding->held_ms = 0;
    return generation_end(rebuilding->reader, view_name(rebuilding->view), &rebuilding->build,
                          error) &&
           steps(rebuilding, error);
}
