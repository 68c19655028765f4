/*
 * pointer.h: RFC 6901, for the `read` of a log.
 */
#ifndef FANFOLD_EVENT_POINTER_H
#define FANFOLD_EVENT_POINTER_H

#include "base/json.h"

/* What the pointer finds under root, or NULL. "" is root itself. */
const struct json *pointer_find(const struct json *root, struct str pointer, struct arena *arena);

#endif
