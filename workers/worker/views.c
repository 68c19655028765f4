/*
 * views.c: loads view files that belong together.
 */
#include "worker/views.h"

#include <stdlib.h>
#include <string.h>

/* Cases of `fanfold test` stand beside the views. */
static void leave_out_cases(struct folder *folder)
{
    size_t kept = 0;
    for (size_t i = 0; i < folder->count; i++) {
        if (folder_ends(folder->at[i], VIEW_CASES_ENDING))
            free(folder->at[i]);
        else
            folder->at[kept++] = folder->at[i];
    }
    folder->count = kept;
}

bool view_folder_list(const char *path, struct folder *folder, struct faults *faults)
{
    struct error error;
    if (!folder_list(path, ".json", VIEW_SET_MAX, folder, &error)) {
        faults_add(faults, path, "",
                   "cannot read the folder of views: %s; \"views\" in the "
                   "configuration names it",
                   error.text);
        return false;
    }
    leave_out_cases(folder);
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

bool view_set_load_folder(const char *path, const struct config *config, struct view_set *set,
                          struct faults *faults)
{
    struct folder folder = {0};
    bool listed = view_folder_list(path, &folder, faults);
    bool loaded = listed && view_set_load_files((const char *const *)folder.at, folder.count,
                                                config, set, faults);
    folder_release(&folder);
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
