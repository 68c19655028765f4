/*
 * upcast_path.h: places inside `data`, as upcast rules name them (private to upcast_rules.c).
 */
#ifndef FANFOLD_BASE_UPCAST_PATH_H
#define FANFOLD_BASE_UPCAST_PATH_H

#include "base/upcast_rules.h"

/* Longest pointer, type or dataschema, in bytes. */
#define UPCAST_NAME_MAX 1024

bool upcast_has_control(struct str text);

/* A JSON Pointer (RFC 6901) to a member of data, or of something in it. False: error says what it
 * is, and what would be right. */
bool upcast_path_read(struct arena *arena, struct str text, struct upcast_path *path,
                      struct error *error);

/* Is one of them the other, or inside it? */
bool upcast_paths_overlap(const struct upcast_path *a, const struct upcast_path *b);

/* Are they members of the same object? */
bool upcast_path_is_beside(const struct upcast_path *a, const struct upcast_path *b);

#endif
