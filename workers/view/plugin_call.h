/*
 * plugin_call.h: one call of a plugin's init or fold, and what the functions of the host share.
 *
 * The first thing that goes wrong stops the call: call->why says what, and from then on each
 * function of the host gives nothing and takes nothing (fanfold/fold.h, Errors).
 */
#ifndef FANFOLD_VIEW_PLUGIN_CALL_H
#define FANFOLD_VIEW_PLUGIN_CALL_H

#include "view/plugin.h"
#include "view/scope.h"

struct fanfold_call {
    const struct view *view;
    const struct json *root;        /* the event, or the parameters */
    const struct cloudevent *event; /* NULL in init */
    struct changes *changes;        /* NULL in init */
    struct arena *scratch;
    size_t mark;   /* changes before this event */
    size_t before; /* bytes in the arenas before it */
    bool stopped;
    struct error *why; /* set when stopped */
};

extern const struct fanfold_host plugin_host;

/* The first reason counts. */
void call_stop(struct fanfold_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void call_vstop(struct fanfold_call *call, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Stops the call when its texts are more than FOLD_BYTES_MAX. */
bool call_has_room(struct fanfold_call *call);

/* text in the scratch arena, with a NUL behind it; "" when the call is stopped. */
const char *call_keep(struct fanfold_call *call, struct str text);

#endif
