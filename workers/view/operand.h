/*
 * operand.h: a value of an event as the text that a change carries (DESIGN section 7, Text,
 * Numbers).
 */
#ifndef FANFOLD_VIEW_OPERAND_H
#define FANFOLD_VIEW_OPERAND_H

#include "view/model.h"

/* What becomes text: RFC 8785, a text without its quotes. Points into node or the arena. */
bool text_of(const struct json *node, struct arena *arena, struct str *text, const char *label,
             struct error *error);

/* The integer that node is, or is the text of. label names it in the error. */
bool integer_of(const struct json *node, int64_t *value, const char *label, struct error *error);

/* As the verb needs it. Points into node or the arena. */
bool operand_render(const struct verb *verb, const struct json *node, struct arena *arena,
                    struct str *text, const char *label, struct error *error);

/* Milliseconds since 1970 of a text or number. */
bool time_of(const struct json *node, int64_t *ms, const char *label, struct error *error);

#define SHOWN_MAX 64
/* A short rendering of node for messages: "\"abc\"", "12", "a list". */
const char *show_node(const struct json *node, char out[SHOWN_MAX]);

#endif
