/*
 * map.h: a hash table from text to a number; the map copies its keys.
 *
 *     struct map m = {0};
 *     uint64_t *slot = map_put(&m, key);    finds or inserts (new: *slot == 0)
 *     uint64_t *slot = map_get(&m, key);    NULL when absent
 *     map_remove(&m, key);
 *     for (size_t i = 0; map_next(&m, &i, &key, &value); ) …
 *     map_clear(&m); map_release(&m);
 *
 * Slots move when something is put or removed.
 */
#ifndef FANFOLD_BASE_MAP_H
#define FANFOLD_BASE_MAP_H

#include "base/str.h"

struct map_entry {
    char *key;
    size_t len;
    uint64_t hash, value;
};

struct map {
    struct map_entry *entries;
    size_t count, cap;
};

uint64_t *map_get(const struct map *map, struct str key);
uint64_t *map_put(struct map *map, struct str key);
bool map_remove(struct map *map, struct str key);
bool map_next(const struct map *map, size_t *cursor, struct str *key, uint64_t *value);
void map_clear(struct map *map);
void map_release(struct map *map);

#endif
