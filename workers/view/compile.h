/*
 * compile.h: what the parts of the compiler share. Each compile function adds a fault for
 * everything that is wrong below `at` (a JSON pointer into the file) and goes on, so that a person
 * sees all faults at once; whether there were any is asked once, at the end.
 */
#ifndef FANFOLD_VIEW_COMPILE_H
#define FANFOLD_VIEW_COMPILE_H

#include "base/jsonfile.h"
#include "view/model.h"

struct compiler {
    struct view *view;
    struct arena *arena; /* the view's */
    struct faults *faults;
    const char *file;
    size_t errors;        /* faults that there were before this file */
    struct around around; /* the place that is being compiled */
    int nest;             /* do lists around it */
    bool on_disk;         /* `file` is a path: a plugin may be looked for beside it */
    bool declares;        /* in "rows" of a plugin: verbs are only named */
};

/* "a number", "the text \"abc\"", "a list": what was found where something else belongs. */
const char *compile_found(const struct compiler *c, const cJSON *item);

/* Takes "about" out of a structural object: it says nothing to the fold, nor to the digest. */
void compile_about(struct compiler *c, const char *at, cJSON *object);

/* The rule of a pattern of event types; a fault when it is none. Room in view->rules and
 * view->prefixes is the caller's matter, and so is rules_sort() behind the last one. */
struct rule *rule_add(struct compiler *c, const char *at, const char *text);
void rules_sort(struct view *view);

/* action.c: a list of actions, not empty. */
void actions_compile(struct compiler *c, const char *at, cJSON *list, struct action **actions,
                     size_t *count);

/* check.c: what only the whole view can tell: families, collisions, keep, expire, commuting. */
void view_check(struct compiler *c);

#endif
