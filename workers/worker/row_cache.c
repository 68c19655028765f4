/*
 * row_cache.c: see row_cache.h. A row keeps its place until all are cleared.
 */
#include "worker/row_cache.h"
#include "base/error.h"
#include <stdlib.h>

struct cached_row {
    enum row_state state;
    char *text; /* owned; NULL: none */
    size_t len;
    uint64_t changed_in; /* the batch that changed it last, plus 1; 0: none */
};

static struct cached_row *find(const struct row_cache *cache, struct str key)
{
    const uint64_t *place = map_get(&cache->index, key);
    return place ? &cache->rows[*place - 1] : NULL;
}

static struct cached_row *get(struct row_cache *cache, struct str key)
{
    uint64_t *place = map_put(&cache->index, key);
    if (*place)
        return &cache->rows[*place - 1];
    if (cache->count == cache->cap) {
        cache->cap = cache->cap ? cache->cap * 2 : 64;
        cache->rows = must_realloc(cache->rows, cache->cap * sizeof *cache->rows);
    }
    cache->rows[cache->count++] = (struct cached_row){.state = ROW_UNREAD};
    *place = cache->count;
    cache->bytes += key.len + sizeof(struct map_entry) + 2 * sizeof(struct cached_row);
    return &cache->rows[cache->count - 1];
}

static void forget_text(struct row_cache *cache, struct cached_row *row)
{
    cache->bytes -= row->len;
    free(row->text);
    row->text = NULL;
    row->len = 0;
    row->state = ROW_UNREAD;
}

void row_cache_put(struct row_cache *cache, const struct row_name *name, const struct row *row)
{
    struct cached_row *cached = get(cache, name->key);
    forget_text(cache, cached);
    cached->state = row->state;
    if (row->state != ROW_THERE)
        return;
    cached->text = must_strndup(row->text.at, row->text.len);
    cached->len = row->text.len;
    cache->bytes += cached->len;
}

struct row row_cache_look(const struct row_cache *cache, const struct row_name *name)
{
    const struct cached_row *row = find(cache, name->key);
    if (!row)
        return (struct row){.state = ROW_UNREAD};
    return (struct row){row->state, {row->text, row->len}};
}

void row_cache_change(struct row_cache *cache, struct str key)
{
    struct cached_row *row = get(cache, key);
    forget_text(cache, row);
    row->changed_in = cache->batch + 1;
}

bool row_cache_is_changed(const struct row_cache *cache, struct str key)
{
    const struct cached_row *row = find(cache, key);
    return row && row->changed_in == cache->batch + 1;
}

void row_cache_sent(struct row_cache *cache)
{
    cache->batch++;
}

void row_cache_clear(struct row_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++)
        free(cache->rows[i].text);
    cache->count = 0;
    cache->bytes = 0;
    map_clear(&cache->index);
}

void row_cache_release(struct row_cache *cache)
{
    row_cache_clear(cache);
    free(cache->rows);
    map_release(&cache->index);
    *cache = (struct row_cache){0};
}
