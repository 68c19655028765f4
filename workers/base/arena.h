/*
 * arena.h: memory for one event or one batch, given back all at once.
 *
 *     struct arena arena = {0};            zeroed memory is an empty arena
 *     char *p = arena_alloc(&arena, n);    never NULL; aligned to 8; stays put until arena_clear
 *     arena_clear(&arena);                 forget everything, keep one block for reuse
 *     arena_release(&arena);               give the memory back; the arena is empty again
 */
#ifndef FANFOLD_BASE_ARENA_H
#define FANFOLD_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    char *next, *end; /* free room in the head block */
    size_t used;      /* bytes given out since arena_clear */
};

void *arena_alloc(struct arena *arena, size_t size);
struct str arena_copy(struct arena *arena, struct str text);
/* printf into the arena; the result is NUL-terminated behind its len. */
struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
/* The text of an integer, NUL-terminated too. */
struct str arena_int(struct arena *arena, int64_t value);
void arena_clear(struct arena *arena);
void arena_release(struct arena *arena);

#endif
