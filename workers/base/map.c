/*
 * map.c: open addressing with linear probing; removal closes the gap, so there are no tombstones.
 */
#include "base/map.h"
#include "base/error.h"
#include "base/hash.h"

#include <stdlib.h>

#define CAP_MIN 16 /* a power of two, like every cap */

/* The entry of key, or the free one where it would go. The table is never full. */
static struct map_entry *find(const struct map *map, struct str key, uint64_t hash)
{
    size_t mask = map->cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_entry *e = &map->entries[i];
        if (!e->key)
            return e;
        if (e->hash == hash && str_eq(key, (struct str){e->key, e->len}))
            return e;
    }
}

static void grow(struct map *map)
{
    struct map larger = {.cap = map->cap ? map->cap * 2 : CAP_MIN, .count = map->count};
    larger.entries = must_calloc(larger.cap, sizeof *larger.entries);
    for (size_t i = 0; i < map->cap; i++) {
        struct map_entry *e = &map->entries[i];
        if (e->key)
            *find(&larger, (struct str){e->key, e->len}, e->hash) = *e;
    }
    free(map->entries);
    *map = larger;
}

uint64_t *map_get(const struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    struct map_entry *e = find(map, key, hash64(key));
    return e->key ? &e->value : NULL;
}

uint64_t *map_put(struct map *map, struct str key)
{
    if ((map->count + 1) * 4 > map->cap * 3)
        grow(map);
    uint64_t hash = hash64(key);
    struct map_entry *e = find(map, key, hash);
    if (!e->key) {
        *e = (struct map_entry){must_strndup(key.at, key.len), key.len, hash, 0};
        map->count++;
    }
    return &e->value;
}

/* Moves later entries of the same probe run into the hole, so that each stays reachable. */
static void close_gap(struct map *map, size_t hole)
{
    size_t mask = map->cap - 1;
    for (size_t i = (hole + 1) & mask; map->entries[i].key; i = (i + 1) & mask) {
        size_t home = map->entries[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue; /* its home lies behind the hole */
        map->entries[hole] = map->entries[i];
        hole = i;
    }
    map->entries[hole] = (struct map_entry){0};
}

bool map_remove(struct map *map, struct str key)
{
    if (map->count == 0)
        return false;
    struct map_entry *e = find(map, key, hash64(key));
    if (!e->key)
        return false;
    free(e->key);
    map->count--;
    close_gap(map, (size_t)(e - map->entries));
    return true;
}

bool map_next(const struct map *map, size_t *cursor, struct str *key, uint64_t *value)
{
    while (*cursor < map->cap) {
        const struct map_entry *e = &map->entries[(*cursor)++];
        if (!e->key)
            continue;
        *key = (struct str){e->key, e->len};
        *value = e->value;
        return true;
    }
    return false;
}

void map_clear(struct map *map)
{
    for (size_t i = 0; i < map->cap; i++)
        free(map->entries[i].key);
    if (map->cap)
        memset(map->entries, 0, map->cap * sizeof *map->entries);
    map->count = 0;
}

void map_release(struct map *map)
{
    map_clear(map);
    free(map->entries);
    *map = (struct map){0};
}
