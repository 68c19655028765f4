/*
 * pattern.h: which texts a template can give, so that two keys that could collide are found before
 * any event comes.
 */
#ifndef FANFOLD_VIEW_PATTERN_H
#define FANFOLD_VIEW_PATTERN_H

#include "view/model.h"

enum pattern_kind {
    PATTERN_KEY,  /* what stands for {…} is not empty: an empty part of a key parks */
    PATTERN_NAME, /* fields and members: it may be empty */
};

/* Could both give the same text? */
bool templates_meet(const struct template *a, const struct template *b, enum pattern_kind kind);

/* Could a key from the template start with prefix? */
bool template_meets_prefix(const struct template *key, struct str prefix);

/* Could the template give this key? */
bool template_gives(const struct template *from, struct str key);

/* The same literals around any {…}: "stock:{./sku}" and "stock:{subject}". */
bool templates_alike(const struct template *a, const struct template *b);

#endif
