/*
 * files.c: which tasks there are follows from the files.
 */
#include "base/log.h"
#include "worker/process.h"
#include <stdio.h>
#include <stdlib.h>

static void log_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->at[i];
        (fault->warning ? log_warning : log_error)("%s:%s: %s", fault->file, fault->pointer,
                                                   fault->text);
    }
}

static void files_free(struct files *files)
{
    view_set_release(&files->views);
    config_release(&files->config);
    faults_release(&files->faults);
    free(files);
}

/* NULL: the configuration itself is bad; faults (of the caller) say why. */
static struct files *files_read(const char *path, struct faults *faults)
{
    struct files *files = must_calloc(1, sizeof *files);
    if (!config_load(path, &files->config, faults)) {
        free(files);
        return NULL;
    }
    view_set_load(&files->config, &files->views, &files->faults);
    return files;
}

static bool is_served(const struct worker_options *options, const char *view)
{
    for (size_t i = 0; i < options->view_count; i++)
        if (strcmp(options->views[i], view) == 0)
            return true;
    return options->view_count == 0;
}

static bool check_served(const struct worker_options *options, const struct files *files,
                         struct faults *faults)
{
    for (size_t i = 0; i < options->view_count; i++)
        if (!view_set_find(&files->views, options->views[i]))
            faults_add(
                faults, files->config.path, "/views",
                "there is no view \"%s\" in %s (or its file has a fault); --view takes the name "
                "of one",
                options->views[i], files->config.views);
    return faults->errors == 0;
}

static struct task *find_task(const struct process *process, const char *view,
                              const char *partition)
{
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (!task->removed && strcmp(view_name(task->view), view) == 0 &&
            strcmp(task->partition, partition) == 0)
            return task;
    }
    return NULL;
}

static void add_task(struct process *process, struct files *files, const struct view *view,
                     const struct log_config *log)
{
    struct task *task = task_new(&process->host, view, log);
    struct task *running = find_task(process, view_name(view), task->partition);
    if (running && running->refused[0] && task_is_idle(running) &&
        strcmp(running->epoch, task->epoch) != 0) {
        running->removed = true; /* never ran: the other definition may be the one in force */
        running = NULL;
    }
    if (running) {
        if (strcmp(running->epoch, task->epoch) != 0) {
            snprintf(running->refused, sizeof running->refused,
                     "definition changed: the one that was read before keeps running");
            log_warning("%s on %s: %s", view_name(view), task->partition, running->refused);
        } else {
            running->refused[0] = '\0';
        }
        task_free(task);
        return;
    }
    task->origin = files;
    files->tasks++;
    process->tasks =
        must_realloc(process->tasks, (process->task_count + 1) * sizeof *process->tasks);
    process->tasks[process->task_count++] = task;
}

static void add_tasks(struct process *process, struct files *files)
{
    for (size_t v = 0; v < files->views.count; v++) {
        const struct view *view = files->views.at[v];
        if (!is_served(process->options, view_name(view)))
            continue;
        for (size_t e = 0; e < view_exchange_count(view); e++)
            add_task(process, files, view, config_log(&files->config, view_exchange(view, e)));
    }
}

bool files_load(struct process *process, struct faults *faults)
{
    struct files *files = files_read(process->options->config_path, faults);
    if (!files)
        return false;
    log_faults(&files->faults);
    if (!check_served(process->options, files, faults)) {
        files_free(files);
        return false;
    }
    process->files = files;
    add_tasks(process, files);
    return true;
}

static bool has_fault(const struct files *files, const char *file)
{
    for (size_t i = 0; i < files->faults.count; i++)
        if (!files->faults.at[i].warning && strcmp(files->faults.at[i].file, file) == 0)
            return true;
    return false;
}

/* A task goes when its view, or that view's exchange, is no longer in the files. A view whose file
 * has a fault now goes on as it was. */
static bool is_gone(const struct task *task, const struct files *files)
{
    const struct view *view = view_set_find(&files->views, view_name(task->view));
    if (!view)
        return !has_fault(files, view_file(task->view));
    for (size_t e = 0; e < view_exchange_count(view); e++)
        if (strcmp(view_exchange(view, e), task->log->exchange) == 0)
            return false;
    return true;
}

void files_reload(struct process *process)
{
    struct faults faults = {0};
    struct files *files = files_read(process->options->config_path, &faults);
    log_faults(&faults);
    faults_release(&faults);
    if (!files) {
        log_error("the configuration has faults: nothing was changed");
        return;
    }
    log_faults(&files->faults);
    files->next = process->files;
    process->files = files;
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (!task->removed && is_gone(task, files)) {
            task->removed = true;
            task_end(task, "its view is no longer in the files");
        }
        task_retry(task);
    }
    add_tasks(process, files);
    log_info("read the configuration again: %zu views", files->views.count);
}

static bool has_feed(const struct process *process, const struct files *files)
{
    const struct config *config = &files->config;
    for (size_t i = 0; i < process->feed_count; i++) {
        const struct log_config *log = feed_log(process->feeds[i]);
        if (log >= config->logs && log < config->logs + config->log_count)
            return true;
    }
    return false;
}

static void collect_readings(struct process *process)
{
    struct files **link = &process->files->next; /* the newest one stays */
    while (*link) {
        struct files *files = *link;
        /* The first reading holds the address of the broker. */
        if (files->tasks || !files->next || has_feed(process, files)) {
            link = &files->next;
            continue;
        }
        *link = files->next;
        files_free(files);
    }
}

void files_collect(struct process *process)
{
    if (process->ticking)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < process->task_count; i++) {
        struct task *task = process->tasks[i];
        if (task->removed && task_is_idle(task)) {
            task->origin->tasks--;
            task_free(task);
        } else {
            process->tasks[kept++] = task;
        }
    }
    process->task_count = kept;
    collect_readings(process);
}

void files_release(struct process *process)
{
    while (process->files) {
        struct files *files = process->files;
        process->files = files->next;
        files_free(files);
    }
}
