/*
 * jsonfile.h: reads a JSON file that people write: comments are allowed, faults say where.
 *
 * Comments (// to the end of the line, and slash-star … star-slash) are blanked before cJSON
 * parses, line breaks kept, so that "line 3, column 7" is right. Repeated members in one object are
 * faults. Files over JSONFILE_MAX bytes are refused before they are read.
 */
#ifndef FANFOLD_BASE_JSONFILE_H
#define FANFOLD_BASE_JSONFILE_H

#include "base/arena.h"
#include "base/faults.h"
#include <cjson/cJSON.h>

#define JSONFILE_MAX (4 * 1024 * 1024)

/* Returns the tree (cJSON_Delete it) or NULL, with faults added under the name `path`. */
cJSON *jsonfile_load(const char *path, struct faults *faults);

/* The same from memory; file is the name used in faults. */
cJSON *jsonfile_parse(const char *file, struct str text, struct faults *faults);

/* After the same checks its text, comments blanked, in the arena: for what must keep numbers as
 * they are written (json.h), which cJSON does not. {NULL,0}: faults were added. */
struct str jsonfile_text(const char *path, struct arena *arena, struct faults *faults);

/* Adds a fault for each member of object that is not among known[], naming the nearest known one.
 * pointer: where the object stands. */
void jsonfile_known(const cJSON *object, const char *file, const char *pointer,
                    const char *const *known, size_t count, struct faults *faults);

/* pointer + "/" + name with ~ and / escaped (RFC 6901 section 3). The caller frees the result. */
char *jsonfile_pointer(const char *pointer, const char *name);
char *jsonfile_pointer_index(const char *pointer, size_t index);

#endif
