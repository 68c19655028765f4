/*
 * row.h: compiles an action on a row: a structure, its key, its verbs (DESIGN section 7, Action).
 */
#ifndef FANFOLD_VIEW_ROW_H
#define FANFOLD_VIEW_ROW_H

#include "view/compile.h"

/* key: the member that names the structure. */
void row_compile(struct compiler *c, const char *at, cJSON *object, cJSON *key,
                 struct action *action);

/* The structure that a member names, or STRUCTURE_COUNT. "set" is one only with a text. */
enum structure structure_of(const cJSON *member);

#endif
