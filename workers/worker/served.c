/*
 * served.c: which definition each view is folded by. A worker begins with what its files say; when
 * the pool's tick finds another epoch in Redis, it ends its tasks and takes the definition that is
 * stored there. So in a pool whose hosts have different files all fold alike, and a definition
 * comes into force everywhere at the moment that `adopt` or a switch of generations writes it.
 */
#include "base/log.h"
#include "worker/process.h"

#include <stdio.h>
#include <stdlib.h>

struct served *served_find(const struct process *process, const char *name)
{
    for (size_t i = 0; i < process->served_count; i++)
        if (!process->served[i]->gone && strcmp(process->served[i]->role.name, name) == 0)
            return process->served[i];
    return NULL;
}

/* --- tasks ----------------------------------------------------------------------------- */

static bool is_idle(const struct served *served)
{
    const struct process *process = served->process;
    for (size_t i = 0; i < process->task_count; i++)
        if (process->tasks[i]->served == served && !task_is_idle(process->tasks[i]))
            return false;
    return true;
}

/* No task of it has folded anything that is stored. */
static bool is_fresh(const struct served *served)
{
    const struct process *process = served->process;
    for (size_t i = 0; i < process->task_count; i++)
        if (process->tasks[i]->served == served && process->tasks[i]->committed.epoch[0])
            return false;
    return true;
}

static void add_task(struct served *served, size_t log, size_t partition)
{
    struct process *process = served->process;
    struct task *task = task_new(&process->host, &served->role, served->current, log, partition);
    task->served = served;
    memcpy(task->epoch, served->epoch, sizeof task->epoch);
    process->tasks =
        must_realloc(process->tasks, (process->task_count + 1) * sizeof *process->tasks);
    process->tasks[process->task_count++] = task;
}

static void remove_tasks(struct served *served, const char *why)
{
    struct process *process = served->process;
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (task->served != served || task->removed)
            continue;
        task->removed = true;
        task_end(task, why);
    }
}

/* From now on the tasks are those of this definition. The definition is taken over. */
static void take_definition(struct served *served, struct definition *definition, const char *epoch)
{
    remove_tasks(served, "another definition is in force");
    definition_drop(served->current);
    served->current = definition;
    snprintf(served->epoch, sizeof served->epoch, "%s", epoch);
    for (size_t i = 0; i < definition->log_count; i++)
        for (int k = 0; k < definition->logs[i].partitions; k++)
            add_task(served, i, (size_t)k);
    served->process->host.tick_wanted = true;
    host_wake(&served->process->host);
}

/* --- files ----------------------------------------------------------------------------- */

static void take_wish(struct served *served)
{
    char epoch[EPOCH_MAX];
    definition_epoch(served->wished, 1, epoch);
    take_definition(served, definition_use(served->wished), epoch);
}

struct served *served_add(struct process *process, const char *name, const char *file,
                          struct definition *wished)
{
    struct served *served = must_calloc(1, sizeof *served);
    *served = (struct served){.process = process,
                              .role = {.name = must_strdup(name), .row_prefix = must_strdup("")},
                              .file = must_strdup(file),
                              .wished = wished};
    process->served =
        must_realloc(process->served, (process->served_count + 1) * sizeof(struct served *));
    process->served[process->served_count++] = served;
    if (wished)
        take_wish(served);
    return served;
}

bool served_is_changed(const struct served *served)
{
    return served->wished && served->current &&
           strcmp(served->wished->digest, served->current->digest) != 0;
}

static void say_changed(const struct served *served)
{
    if (served_is_changed(served))
        log_warning("%s: definition changed: %s is not what is in force; the definition in force "
                    "keeps running",
                    served->role.name, served->file);
}

void served_wish(struct served *served, struct definition *wished)
{
    bool same = strcmp(served->wished->digest, wished->digest) == 0;
    definition_drop(served->wished);
    served->wished = wished;
    served->refused_epoch[0] = '\0';
    if (same)
        return;
    if (served_is_changed(served) && is_fresh(served))
        take_wish(served);
    else
        say_changed(served);
}

/* --- what is in force ------------------------------------------------------------------ */

static void refuse(struct served *served, const char *epoch, const char *why)
{
    snprintf(served->refused_epoch, sizeof served->refused_epoch, "%s", epoch);
    if (strcmp(served->refused, why) == 0)
        return;
    error_fit(served->refused, sizeof served->refused, why);
    log_error("%s: refused: %s", served->role.name, served->refused);
}

void served_other_epoch(struct served *served, const char *found)
{
    if (strcmp(served->refused_epoch, found) == 0)
        return;
    snprintf(served->found, sizeof served->found, "%s", found);
    host_wake(&served->process->host);
}

void served_end(struct served *served, const char *why)
{
    if (served->gone)
        return;
    served->gone = true;
    remove_tasks(served, why);
    host_wake(&served->process->host);
}

static void take_stored(struct served *served, const char *epoch, struct str text)
{
    struct faults faults = {0};
    struct buf why = {0};
    struct definition *definition = text.len ? definition_parse(served->file, text, &faults) : NULL;
    if (definition && strcmp(definition->digest, epoch_digest(epoch)) == 0) {
        served->refused[0] = served->refused_epoch[0] = '\0';
        log_info("%s: folding by the definition in force, epoch %s", served->role.name, epoch);
        take_definition(served, definition, epoch);
        say_changed(served);
    } else {
        buf_printf(&why,
                   "another definition is in force: Redis has epoch %s, this worker's files "
                   "give %s; and what is stored of it cannot be folded here",
                   epoch, served->wished ? served->wished->digest : "none");
        if (faults.count)
            buf_printf(&why, ": %s", faults.at[0].text);
        else if (definition)
            buf_add(&why, STR(": its plugin has another version here"));
        refuse(served, epoch, buf_text(&why));
        definition_drop(definition);
    }
    faults_release(&faults);
    buf_release(&why);
}

static void on_definition(void *arg, enum store_status status, struct str epoch,
                          struct str definition, const struct error *error)
{
    struct served *served = arg;
    (void)error;
    served->fetching = false;
    host_wake(&served->process->host);
    bool wanted = !served->gone && served->found[0];
    served->found[0] = '\0'; /* the next tick finds the epoch again */
    if (status == STORE_OK && wanted && epoch.len)
        take_stored(served, epoch.at, definition);
}

/* The same definition in another generation: nothing is to be fetched. */
static bool take_generation(struct served *served)
{
    struct process *process = served->process;
    if (!served->current || strcmp(served->current->digest, epoch_digest(served->found)) != 0)
        return false;
    memcpy(served->epoch, served->found, sizeof served->epoch);
    served->found[0] = '\0';
    for (size_t i = 0; i < process->task_count; i++)
        if (process->tasks[i]->served == served && !process->tasks[i]->removed)
            memcpy(process->tasks[i]->epoch, served->epoch, sizeof served->epoch);
    process->host.tick_wanted = true;
    return true;
}

static void served_free(struct served *served)
{
    definition_drop(served->wished);
    definition_drop(served->current);
    free(served->role.name);
    free(served->role.row_prefix);
    free(served->role.leader);
    free(served->role.aside_of);
    free(served->file);
    free(served);
}

static bool has_tasks(const struct process *process, const struct served *served)
{
    for (size_t i = 0; i < process->task_count; i++)
        if (process->tasks[i]->served == served)
            return true;
    return false;
}

/* Tasks that are not asked for by a tick under way, and then what they belong to. */
static void collect(struct process *process)
{
    size_t kept = 0;
    if (process->ticking)
        return;
    for (size_t i = 0; i < process->task_count; i++) {
        if (process->tasks[i]->removed && task_is_idle(process->tasks[i]))
            task_free(process->tasks[i]);
        else
            process->tasks[kept++] = process->tasks[i];
    }
    process->task_count = kept;
    kept = 0;
    for (size_t i = 0; i < process->served_count; i++) {
        struct served *served = process->served[i];
        if (served->gone && !served->fetching && !has_tasks(process, served))
            served_free(served);
        else
            process->served[kept++] = served;
    }
    process->served_count = kept;
}

void served_turn(struct process *process)
{
    for (size_t i = 0; i < process->served_count; i++) {
        struct served *served = process->served[i];
        if (served->gone || !served->found[0] || served->fetching || !is_idle(served) ||
            take_generation(served) || !redis_store_is_up(process->redis))
            continue;
        served->fetching = true;
        redis_store_definition(process->redis, served->role.name, on_definition, served);
    }
    collect(process);
}

void served_release(struct process *process)
{
    for (size_t i = 0; i < process->served_count; i++)
        served_free(process->served[i]);
    free(process->served);
}
