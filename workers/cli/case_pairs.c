/*
 * case_pairs.c: lists of names and texts.
 */
#include "cli/case_pairs.h"

#include <stdlib.h>

/* Room doubles whenever the count is a power of two. */
void case_pairs_add(struct arena *arena, struct case_pairs *pairs, struct str name, struct str text)
{
    if ((pairs->count & (pairs->count - 1)) == 0) {
        size_t cap = pairs->count ? pairs->count * 2 : 1;
        struct case_pair *at = arena_alloc(arena, cap * sizeof *at);
        if (pairs->count)
            memcpy(at, pairs->at, pairs->count * sizeof *at);
        pairs->at = at;
    }
    pairs->at[pairs->count++] =
        (struct case_pair){arena_copy(arena, name), arena_copy(arena, text)};
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct case_pair *)a)->name, ((const struct case_pair *)b)->name);
}

void case_pairs_sort(struct case_pairs *pairs)
{
    if (pairs->count)
        qsort(pairs->at, pairs->count, sizeof *pairs->at, by_name);
}

const struct case_pair *case_pairs_find(const struct case_pairs *pairs, struct str name)
{
    const struct case_pair key = {.name = name};
    return pairs->count ? bsearch(&key, pairs->at, pairs->count, sizeof key, by_name) : NULL;
}
