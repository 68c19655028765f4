/*
 * scope.h: what a pointer can see while an event is folded, and how an evaluation ends.
 */
#ifndef FANFOLD_VIEW_SCOPE_H
#define FANFOLD_VIEW_SCOPE_H

#include "view/model.h"

#define FOLD_BYTES_MAX ((size_t)64 * 1024 * 1024) /* of texts that one event may make */

enum outcome {
    OUTCOME_SOME,    /* there is a result */
    OUTCOME_NOTHING, /* an optional pointer found nothing: leave out the smallest whole around it */
    OUTCOME_PARK,    /* scope->why says why */
};

/* The element that an each is at. */
struct frame {
    const struct json *element;
    size_t index;
    struct str key; /* its name in an object; {NULL,0} in a list */
};

struct scope {
    const struct cloudevent *event;
    struct frame frames[EACH_MAX]; /* outermost first */
    int depth;
    const struct json *rows[WITHS_MAX]; /* of with, by slot; NULL: nothing */
    struct arena *scratch;
    struct error *why;
};

/* Sets scope->why. */
void scope_why(const struct scope *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets it, and is OUTCOME_PARK. A macro, so that a static analyser sees which way it goes. */
#define scope_park(scope, ...) (scope_why((scope), __VA_ARGS__), OUTCOME_PARK)

#endif
