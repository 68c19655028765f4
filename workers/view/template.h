/*
 * template.h: texts with {…} in them: Redis keys, fields, members, and texts as values (DESIGN
 * section 7, Names and values).
 */
#ifndef FANFOLD_VIEW_TEMPLATE_H
#define FANFOLD_VIEW_TEMPLATE_H

#include "view/model.h"
#include "view/scope.h"

/* As levels of each: the template says what keys look like, and what stands in its {…} is only a
 * name. */
#define NAMES_FREE (-1)

/* On failure the error says what would be right. */
bool template_compile(struct arena *arena, struct str text, const struct around *around,
                      struct template *out, struct error *error);

/* The text; in the scratch arena, in the event or in the view. */
enum outcome template_text(const struct template *from, const struct scope *scope,
                           struct str *text);

/* The same for a Redis key, which is stricter: no part is empty, an object, or a list; no control
 * characters; VIEW_KEY_MAX bytes. */
enum outcome template_key(const struct template *from, const struct scope *scope, struct str *text);

/* The time that a part with a unit is cut from. */
enum outcome part_time(const struct part *part, const struct scope *scope, int64_t *ms);

/* Any of U+0000 … U+001F, U+007F … U+009F? */
bool has_control(struct str text);

/* Does any part end in "?"? */
bool template_optional(const struct template *from);

#endif
