/*
 * literal.h: JSON of the view file as a canonical text, and as the nodes that events are made of.
 */
#ifndef FANFOLD_VIEW_LITERAL_H
#define FANFOLD_VIEW_LITERAL_H

#include "view/model.h"
#include <cjson/cJSON.h>

/* RFC 8785 text of item, in the arena. Refuses integers that cJSON cannot hold exactly. */
bool literal_text(const cJSON *item, struct arena *arena, struct str *text, struct error *error);

/* The node of that text; members sorted, so that their order in the file does not matter. */
const struct json *literal_node(const cJSON *item, struct arena *arena, struct error *error);

/* Sorts the members of all objects by their names: their order in a file says nothing, so it must
 * not decide in which order a view does things either. */
void literal_sort(cJSON *item);

#endif
