/*
 * value.h: the values of the view language (DESIGN section 7, Names and values).
 */
#ifndef FANFOLD_VIEW_VALUE_H
#define FANFOLD_VIEW_VALUE_H

#include "view/compile.h"
#include "view/scope.h"

/* False when faults were added; *value is then not to be used. */
bool value_compile(struct compiler *c, const char *at, cJSON *item, struct value *value);

/* Does any pointer in it end in "?"? */
bool value_optional(const struct value *value);

/* The node is never null; it lives in the event, in the view, or in the scratch arena. */
enum outcome value_eval(const struct value *value, const struct scope *scope,
                        const struct json **node);

#endif
