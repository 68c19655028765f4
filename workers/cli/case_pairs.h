/*
 * case_pairs.h: names with a text each: rows by key, reasons by id.
 *
 *     struct case_pairs pairs = {0};
 *     case_pairs_add(&arena, &pairs, key, row);      copies both into the arena
 *     case_pairs_sort(&pairs);                       by name in byte order
 *     pair = case_pairs_find(&pairs, key);           NULL: there is none of that name
 */
#ifndef FANFOLD_CLI_CASE_PAIRS_H
#define FANFOLD_CLI_CASE_PAIRS_H

#include "base/arena.h"

struct case_pair {
    struct str name, text;
};

struct case_pairs {
    struct case_pair *at;
    size_t count;
};

void case_pairs_add(struct arena *arena, struct case_pairs *pairs, struct str name,
                    struct str text);
void case_pairs_sort(struct case_pairs *pairs);
const struct case_pair *case_pairs_find(const struct case_pairs *pairs, struct str name);

#endif
