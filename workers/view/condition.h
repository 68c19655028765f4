/*
 * condition.h: "if": {pointer: value} or {pointer: {"eq"|"ne"|"lt"|"le"|"gt"|"ge": value, "in":
 * [value, …], "exists": bool}}; all must hold (DESIGN section 7, Conditions).
 */
#ifndef FANFOLD_VIEW_CONDITION_H
#define FANFOLD_VIEW_CONDITION_H

#include "view/compile.h"
#include "view/scope.h"

void conditions_compile(struct compiler *c, const char *at, cJSON *object, struct action *action);

/* False: the event must park (scope->why). */
bool conditions_hold(const struct condition *conditions, size_t count, const struct scope *scope,
                     bool *hold);

#endif
