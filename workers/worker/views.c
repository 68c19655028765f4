/*
 * views.c: loads view files that belong together.
 */
#include "worker/views.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct paths {
    char **at;
    size_t count, cap;
};

static void paths_add(struct paths *paths, const char *folder, const char *name)
{
    if (paths->count == paths->cap) {
        paths->cap = paths->cap ? paths->cap * 2 : 16;
        paths->at = must_realloc(paths->at, paths->cap * sizeof *paths->at);
    }
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder, name);
    paths->at[paths->count++] = must_strdup(buf_text(&path));
    buf_release(&path);
}

static void paths_release(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->at[i]);
    free(paths->at);
}

/* Hidden files are editors' and other tools' business. */
static bool is_view_file(const char *name)
{
    static const char ending[] = ".json";
    size_t len = strlen(name), tail = sizeof ending - 1;
    return name[0] != '.' && len > tail && strcmp(name + len - tail, ending) == 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_folder(const char *folder, struct paths *paths, struct faults *faults)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        faults_add(faults, folder, "",
                   "cannot read the folder of views: %s; \"views\" in the "
                   "configuration names it",
                   strerror(errno));
        return false;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (is_view_file(entry->d_name) && paths->count <= VIEW_SET_MAX)
            paths_add(paths, folder, entry->d_name);
    closedir(dir);
    if (paths->count > VIEW_SET_MAX) {
        faults_add(faults, folder, "", "more than %d view files; is this the right folder?",
                   VIEW_SET_MAX);
        return false;
    }
    if (paths->count)
        qsort(paths->at, paths->count, sizeof *paths->at, compare_paths);
    return true;
}

static void view_set_add(struct view_set *set, struct view *view)
{
    if (set->count == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 16;
        set->at = must_realloc(set->at, set->cap * sizeof *set->at);
    }
    set->at[set->count++] = view;
}

/* Is one of the faults from index `since` on an error of this file? */
static bool has_error(const struct faults *faults, size_t since, const char *file)
{
    for (size_t i = since; i < faults->count; i++)
        if (!faults->at[i].warning && strcmp(faults->at[i].file, file) == 0)
            return true;
    return false;
}

static void drop_faulty(struct view_set *set, const struct faults *faults, size_t since)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (has_error(faults, since, view_file(set->at[i])))
            view_free(set->at[i]);
        else
            set->at[kept++] = set->at[i];
    }
    set->count = kept;
}

bool view_set_load_files(const char *const *paths, size_t count, const struct config *config,
                         struct view_set *set, struct faults *faults)
{
    size_t errors = faults->errors;
    for (size_t i = 0; i < count; i++) {
        struct view *view = view_load(paths[i], faults);
        if (view)
            view_set_add(set, view);
    }
    size_t since = faults->count;
    views_check(set->at, set->count, config, faults);
    drop_faulty(set, faults, since);
    return faults->errors == errors;
}

bool view_set_load_folder(const char *folder, const struct config *config, struct view_set *set,
                          struct faults *faults)
{
    struct paths paths = {0};
    bool listed = list_folder(folder, &paths, faults);
    bool loaded = listed && view_set_load_files((const char *const *)paths.at, paths.count, config,
                                                set, faults);
    paths_release(&paths);
    return loaded;
}

bool view_set_load(const struct config *config, struct view_set *set, struct faults *faults)
{
    return view_set_load_folder(config->views, config, set, faults);
}

struct view *view_set_find(const struct view_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(view_name(set->at[i]), name) == 0)
            return set->at[i];
    return NULL;
}

static bool is_named(const struct view *view, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(view_name(view), names[i]) == 0)
            return true;
    return false;
}

void view_set_keep(struct view_set *set, const char *const *names, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (is_named(set->at[i], names, count))
            set->at[kept++] = set->at[i];
        else
            view_free(set->at[i]);
    }
    set->count = kept;
}

void view_set_keep_target(struct view_set *set, const char *target)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!target || view_is_in(set->at[i], target))
            set->at[kept++] = set->at[i];
        else
            view_free(set->at[i]);
    }
    set->count = kept;
}

void view_set_release(struct view_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        view_free(set->at[i]);
    free(set->at);
    *set = (struct view_set){0};
}
