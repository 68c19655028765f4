/*
 * builds.c: a generation in the making is served like a view of its own, "stock@2": position, lease
 * and parked events under that name, its rows behind a prefix (generation.h).
 */
#include "base/log.h"
#include "worker/process.h"
#include <fanfold/generation.h>

#include <stdlib.h>

static void set_role(struct role *role, const char *view, const struct build *build)
{
    if (!role->row_prefix[0]) {
        free(role->row_prefix);
        role->row_prefix = generation_prefix(build->generation);
    }
    role->leader = build->follows && !role->leader ? must_strdup(view) : role->leader;
    role->aside_of = build->aside && !role->aside_of ? must_strdup(view) : role->aside_of;
    role->strict = build->strict;
}

static void retry_tasks(struct process *process, const struct served *served)
{
    for (size_t i = 0; i < process->task_count; i++)
        if (process->tasks[i]->served == served)
            task_retry(process->tasks[i]);
}

static struct served *serve(struct process *process, const struct served *view, const char *name,
                            const struct build *build)
{
    struct served *served = served_find(process, name);
    if (!served) {
        served = served_add(process, name, view->file, NULL);
        served->tries = (double)build->tries;
        set_role(&served->role, view->role.name, build);
    } else if (served->tries != (double)build->tries) {
        served->tries = (double)build->tries;
        set_role(&served->role, view->role.name, build);
        retry_tasks(process, served);
    }
    if (!served->current)
        served_other_epoch(served, "?"); /* to be fetched at once: it has no tasks to wait for */
    return served;
}

static void on_switched(void *arg, const char *why)
{
    struct process *process = arg;
    process->switching = false;
    if (why && !process->switch_failed)
        log_warning("a step of a switch of generations, or of a removal, has failed (%s); trying "
                    "again",
                    why);
    process->switch_failed = why;
    process->host.tick_wanted = process->host.tick_wanted || !why;
    host_wake(&process->host);
}

/* Whoever began the switch may have died: each step of it can be done by anybody. */
static void help_switch(struct process *process, const char *view)
{
    if (process->switching || process->draining)
        return;
    process->switching = true;
    generation_finish(process->redis, view, on_switched, process);
}

static bool is_made(const struct served *served, struct served *const *current, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (current[i] == served)
            return true;
    return false;
}

void builds_update(struct process *process, const struct pool_build *builds, size_t count)
{
    struct served **current = must_calloc(count + 1, sizeof *current);
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        struct served *view = served_find(process, builds[i].view);
        struct build build;
        if (!view || !view->wished || !build_read(builds[i].text, &build))
            continue;
        char *name = generation_name(builds[i].view, build.generation);
        if (build.state != BUILD_FOLDING)
            help_switch(process, builds[i].view);
        else
            current[made++] = serve(process, view, name, &build);
        free(name);
        build_release(&build);
    }
    for (size_t i = 0; i < process->served_count; i++) {
        struct served *served = process->served[i];
        if (!served->wished && !is_made(served, current, made))
            served_end(served, "it is not being built any more");
    }
    free(current);
}
