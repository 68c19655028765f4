/*
 * pointer.h: RFC 6901 pointers with the scopes of the view language: /… into the event, . ./ ../
 * into the elements of each, @r/… into a row of with, a "?" at the end for "may be nothing" (DESIGN
 * section 7, Names and values).
 */
#ifndef FANFOLD_VIEW_POINTER_H
#define FANFOLD_VIEW_POINTER_H

#include "view/model.h"
#include "view/scope.h"

enum pointer_form {
    POINTER_MARKED, /* a "?" at the end is a mark */
    POINTER_PLAIN,  /* in "at": a "?" is an ordinary character */
};

/* Does a value that begins so mean a pointer? */
bool pointer_like(struct str text);

/* On failure the error says what would be right. */
bool pointer_compile(struct arena *arena, struct str text, const struct around *around,
                     enum pointer_form form, struct pointer *pointer, struct error *error);

/* What it points to, or NULL for nothing (missing and null alike). False: the event must park. */
bool pointer_look(const struct pointer *pointer, const struct scope *scope,
                  const struct json **node);

/* The same, where nothing parks the event unless the pointer is optional. */
enum outcome pointer_read(const struct pointer *pointer, const struct scope *scope,
                          const struct json **node);

#endif
