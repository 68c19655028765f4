/*
 * row_cache.h: rows that a task has read for its fold, and which of them they are still true of.
 *
 *     row_cache_put(&cache, &name, &row);         as it stands where the open batch begins
 *     row = row_cache_look(&cache, &name);        ROW_UNREAD: not there, or not true any more
 *     row_cache_change(&cache, key);              the open batch changes it: its text is gone
 *     if (row_cache_is_changed(&cache, key)) …    then it cannot be read before the batch is sent
 *     row_cache_sent(&cache);                     the open batch was sent, and the next one begins
 *     row_cache_clear(&cache);
 *
 * It holds texts, not values: a value takes many times its text, and is made for one event.
 */
#ifndef FANFOLD_WORKER_ROW_CACHE_H
#define FANFOLD_WORKER_ROW_CACHE_H

#include <fanfold/row.h>

struct cached_row;

struct row_cache {
    struct map index; /* key → place + 1 */
    struct cached_row *rows;
    size_t count, cap;
    size_t bytes;   /* of memory, about */
    uint64_t batch; /* which batch is open */
};

void row_cache_put(struct row_cache *cache, const struct row_name *name, const struct row *row);
struct row row_cache_look(const struct row_cache *cache, const struct row_name *name);
void row_cache_change(struct row_cache *cache, struct str key);
bool row_cache_is_changed(const struct row_cache *cache, struct str key);
void row_cache_sent(struct row_cache *cache);
void row_cache_clear(struct row_cache *cache);
void row_cache_release(struct row_cache *cache);

#endif
