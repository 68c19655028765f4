/*
 * files.c: which views are served follows from the files.
 */
#include "base/log.h"
#include "worker/process.h"
#include <stdlib.h>

static void log_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->at[i];
        (fault->warning ? log_warning : log_error)("%s:%s: %s", fault->file, fault->pointer,
                                                   fault->text);
    }
}

/* One reading of the files. */
struct files {
    struct config config;
    struct view_set views;
    struct faults faults; /* of view files that are left out */
};

static void files_release(struct files *files)
{
    view_set_release(&files->views);
    config_release(&files->config);
    faults_release(&files->faults);
}

/* A worker serves one Redis: one that cannot be reached holds up no other. */
static bool choose_target(const struct worker_options *options, struct config *config,
                          struct faults *faults)
{
    struct error error;
    if (config_choose(config, options->target, &error))
        return true;
    faults_add(faults, config->path, "/targets", "a worker serves one target: %s", error.text);
    return false;
}

/* False: the configuration itself is bad; faults (of the caller) say why. */
static bool files_read(const struct worker_options *options, struct files *files,
                       struct faults *faults)
{
    *files = (struct files){0};
    if (!config_load(options->config_path, &files->config, faults))
        return false;
    if (!choose_target(options, &files->config, faults)) {
        config_release(&files->config);
        return false;
    }
    view_set_load(&files->config, &files->views, &files->faults);
    view_set_keep_target(&files->views, files->config.target);
    log_faults(&files->faults);
    return true;
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
                "there is no view \"%s\" in %s (or its file has a fault%s%s); --view takes the "
                "name of one",
                options->views[i], files->config.views,
                files->config.target ? ", or it is not kept in " : "",
                files->config.target ? files->config.target : "");
    return faults->errors == 0;
}

/* Views that are new are served from now on, others learn what their files say now. */
static void serve_views(struct process *process, const struct files *files)
{
    for (size_t i = 0; i < files->views.count; i++) {
        const struct view *view = files->views.at[i];
        if (!is_served(process->options, view_name(view)))
            continue;
        struct definition *wished = definition_of(view, &files->config);
        struct served *served = served_find(process, view_name(view));
        if (served)
            served_wish(served, wished);
        else
            served_add(process, view_name(view), view_file(view), wished);
    }
}

static void record_logs(struct process *process, const struct config *config)
{
    const struct log_config **logs = must_calloc(config->log_count, sizeof *logs);
    for (size_t i = 0; i < config->log_count; i++)
        logs[i] = &config->logs[i];
    recorders_want(process, logs, config->log_count);
    free(logs);
}

static void keep_faults(struct process *process, struct files *files)
{
    faults_release(&process->faults);
    process->faults = files->faults;
    files->faults = (struct faults){0};
}

bool files_load(struct process *process, struct faults *faults)
{
    struct files files;
    if (!files_read(process->options, &files, faults))
        return false;
    if (!check_served(process->options, &files, faults)) {
        files_release(&files);
        return false;
    }
    process->config = files.config;
    serve_views(process, &files);
    record_logs(process, &files.config);
    keep_faults(process, &files);
    files.config = (struct config){0};
    files_release(&files);
    return true;
}

static bool has_fault(const struct files *files, const char *file)
{
    for (size_t i = 0; i < files->faults.count; i++)
        if (!files->faults.at[i].warning && strcmp(files->faults.at[i].file, file) == 0)
            return true;
    return false;
}

/* A view goes when it is no longer in the files. One whose file has a fault now goes on as it was.
 */
static void end_removed(struct process *process, const struct files *files)
{
    for (size_t i = 0; i < process->served_count; i++) {
        struct served *served = process->served[i];
        if (served->wished && !view_set_find(&files->views, served->role.name) &&
            !has_fault(files, served->file))
            served_end(served, "its view is no longer in the files, or in this target");
    }
}

void files_reload(struct process *process)
{
    struct faults faults = {0};
    struct files files;
    bool good = files_read(process->options, &files, &faults);
    log_faults(&faults);
    faults_release(&faults);
    if (!good) {
        log_error("the configuration has faults: nothing was changed");
        return;
    }
    end_removed(process, &files);
    for (size_t i = 0; i < process->task_count; i++)
        task_retry(process->tasks[i]);
    serve_views(process, &files);
    record_logs(process, &files.config);
    keep_faults(process, &files);
    log_info("read the configuration again: %zu views", files.views.count);
    files_release(&files);
}
