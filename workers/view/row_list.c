/* row_list.c: a growing list of names of rows, each once. */
#include <fanfold/row.h>

#include "base/error.h"
#include <stdlib.h>

void row_list_add(struct row_list *list, const struct row_name *name)
{
    uint64_t *place = map_put(&list->index, name->key);

    if (*place)
        return;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->at = must_realloc(list->at, list->cap * sizeof(*list->at));
    }
    list->at[list->count++] =
        (struct row_name){name->structure, arena_copy(&list->arena, name->key)};
    *place = list->count;
}

void row_list_clear(struct row_list *list)
{
    list->count = 0;
    map_clear(&list->index);
    arena_clear(&list->arena);
}

void row_list_release(struct row_list *list)
{
    free(list->at);
    map_release(&list->index);
    arena_release(&list->arena);
    *list = (struct row_list){0};
}
