/*
 * views.h: the view files of a folder, or of a list, loaded together.
 *
 *     struct view_set views = {0};
 *     struct faults faults = {0};
 *     view_set_load(&config, &views, &faults);     false: some file is bad; the good ones are there
 *     …
 *     view_set_release(&views);
 *
 * A file with a fault, of its own or together with another file (views_check), is left out, so a
 * worker runs what is good and says what is not.
 */
#ifndef FANFOLD_WORKER_VIEWS_H
#define FANFOLD_WORKER_VIEWS_H

#include "base/config.h"
#include "base/folder.h"
#include <fanfold/view.h>

/* Files of one folder at most: a wrong folder is noticed before it is read. */
#define VIEW_SET_MAX 10000

struct view_set {
    struct view **at;
    size_t count, cap;
};

/* The cases of a view stand beside it (cli/cases.h); they are no view. */
#define VIEW_CASES_ENDING ".cases.json"

/* The view files of a folder: its `*.json` but `*.cases.json`, not deeper, by file name in byte
 * order. */
bool view_folder_list(const char *path, struct folder *folder, struct faults *faults);
/* All of config->views. */
bool view_set_load(const struct config *config, struct view_set *set, struct faults *faults);
/* The same of any folder. config: NULL leaves out the checks that need one. */
bool view_set_load_folder(const char *path, const struct config *config, struct view_set *set,
                          struct faults *faults);
/* These files. config: NULL leaves out the checks that need one. */
bool view_set_load_files(const char *const *paths, size_t count, const struct config *config,
                         struct view_set *set, struct faults *faults);
/* NULL when there is none of that name. */
struct view *view_set_find(const struct view_set *set, const char *name);
/* Frees the others. */
void view_set_keep(struct view_set *set, const char *const *names, size_t count);
/* Frees those that are not kept in that target; NULL: the one Redis has no name, all are. */
void view_set_keep_target(struct view_set *set, const char *target);
void view_set_release(struct view_set *set);

#endif
