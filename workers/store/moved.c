/*
 * moved.c: how far the former partitions had come.
 */
#include <fanfold/moved.h>

#include "base/error.h"
#include "base/partitions.h"

#include <stdlib.h>

#define SETS_MAX 64

/* Cuts a number and the blank behind it off the text. */
static bool take_number(struct str *text, uint64_t *number)
{
    size_t i = 0;
    uint64_t value = 0;
    for (; i < text->len && text->at[i] >= '0' && text->at[i] <= '9'; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text->at[i] - '0'), &value))
            return false;
    if (i == 0 || (i < text->len && text->at[i] != ' '))
        return false;
    *number = value;
    *text = str_from(*text, i < text->len ? i + 1 : i);
    return true;
}

static bool read_set(struct str text, struct moved_set *set)
{
    uint64_t count;
    if (!text.len || text.at[text.len - 1] == ' ')
        return false;
    if (!take_number(&text, &count) || count < 1 || count > PARTITIONS_MAX)
        return false;
    set->partitions = (size_t)count;
    set->next = must_calloc(set->partitions, sizeof *set->next);
    for (size_t i = 0; i < set->partitions; i++)
        if (!take_number(&text, &set->next[i]))
            return false;
    return text.len == 0;
}

static void note_bounds(struct moved *moved, const struct moved_set *set)
{
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < set->partitions; i++) {
        if (set->next[i] < lowest)
            lowest = set->next[i];
        if (set->next[i] > moved->high)
            moved->high = set->next[i];
    }
    if (lowest > moved->low)
        moved->low = lowest;
}

bool moved_read(struct str text, struct moved *moved)
{
    *moved = (struct moved){0};
    if (text.len && text.at[text.len - 1] == ';')
        return false;
    while (text.len) {
        const char *end = memchr(text.at, ';', text.len);
        size_t len = end ? (size_t)(end - text.at) : text.len;
        moved->sets = must_realloc(moved->sets, (moved->count + 1) * sizeof *moved->sets);
        struct moved_set *set = &moved->sets[moved->count++];
        *set = (struct moved_set){0};
        if (moved->count > SETS_MAX || !read_set((struct str){text.at, len}, set)) {
            moved_release(moved);
            return false;
        }
        note_bounds(moved, set);
        text = str_from(text, end ? len + 1 : len);
    }
    return true;
}

bool moved_has(const struct moved *moved, uint64_t offset, uint64_t hash)
{
    if (offset >= moved->high)
        return false;
    for (size_t i = 0; i < moved->count; i++)
        if (offset < moved->sets[i].next[hash % moved->sets[i].partitions])
            return true;
    return false;
}

void moved_release(struct moved *moved)
{
    for (size_t i = 0; i < moved->count; i++)
        free(moved->sets[i].next);
    free(moved->sets);
    *moved = (struct moved){0};
}
