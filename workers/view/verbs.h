/*
 * verbs.h: the verbs of the view language, one table (DESIGN section 7, Action).
 */
#ifndef FANFOLD_VIEW_VERBS_H
#define FANFOLD_VIEW_VERBS_H

#include "view/compile.h"

#define VERB_COUNT 20

/* In the order in which the verbs of one action run. */
extern const struct verb verbs[VERB_COUNT];

/* NULL: the structure has no such verb. */
const struct verb *verb_find(enum structure structure, const char *name);

/* Does any structure have such a verb? */
bool verb_known(const char *name);

/* "set, set_once, add, …", in the arena. */
const char *verb_list(enum structure structure, struct arena *arena);

/* The operand of a verb, as it stands in the file. */
void verb_compile(struct compiler *c, const char *at, cJSON *item, const struct verb *verb,
                  struct verb_use *use);

/* A name (key, field, member): a template that does not look like a pointer. */
bool name_compile(struct compiler *c, const char *at, const char *text, struct template *name);

#endif
