/*
 * arena.c: a chain of blocks, the newest first; allocation moves a pointer.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Blocks double from the least to the most; larger wishes get a block of their own, which is not
 * kept: one giant event must not hold its memory for ever. */
#define BLOCK_MIN ((size_t)16 * 1024)
#define BLOCK_MAX ((size_t)1024 * 1024)
#define ALIGNMENT 8

struct arena_block {
    struct arena_block *older;
    size_t size; /* of data */
    char data[] __attribute__((aligned(ALIGNMENT)));
};

static void use_block(struct arena *arena, struct arena_block *block)
{
    arena->head = block;
    arena->next = block->data;
    arena->end = block->data + block->size;
}

static void add_block(struct arena *arena, size_t wanted)
{
    size_t size = BLOCK_MIN;
    if (arena->head)
        size = arena->head->size >= BLOCK_MAX / 2 ? BLOCK_MAX : arena->head->size * 2;
    if (size < wanted)
        size = wanted;
    struct arena_block *block = must_alloc(sizeof *block + size);
    block->older = arena->head;
    block->size = size;
    use_block(arena, block);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (!arena->head || rounded > (size_t)(arena->end - arena->next))
        add_block(arena, rounded);
    void *memory = arena->next;
    arena->next += rounded;
    arena->used += rounded;
    return memory;
}

struct str arena_copy(struct arena *arena, struct str text)
{
    if (!str_is(text))
        return text;
    char *copy = arena_alloc(arena, text.len + 1);
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return (struct str){copy, text.len};
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t size = len > 0 ? (size_t)len : 0;
    char *text = arena_alloc(arena, size + 1);
    vsnprintf(text, size + 1, format, again);
    va_end(again);
    return (struct str){text, size};
}

struct str arena_int(struct arena *arena, int64_t value)
{
    char text[NUMBER_TEXT_MAX];
    size_t len = number_format_int(value, text);
    return arena_copy(arena, (struct str){text, len});
}

static void free_chain(struct arena_block *block)
{
    while (block) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
}

void arena_clear(struct arena *arena)
{
    struct arena_block *head = arena->head;
    if (!head)
        return;
    if (head->size > BLOCK_MAX) {
        arena_release(arena);
        return;
    }
    free_chain(head->older);
    head->older = NULL;
    use_block(arena, head);
    arena->used = 0;
}

void arena_release(struct arena *arena)
{
    free_chain(arena->head);
    *arena = (struct arena){0};
}
