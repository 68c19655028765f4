/*
 * reader_keys.c: which keys begin with a prefix.
 *
 * SCAN gives keys in no order, and some twice. So that the answer is always the same, namely the
 * first ones in byte order, all that match are looked at; but never more than about twice the limit
 * is kept.
 */
#include <fanfold/redis_reader.h>

#include "base/error.h"
#include "store/redis_reader_private.h"
#include <stdlib.h>

#define SCAN_COUNT     1000 /* keys that one call looks at */
#define SCAN_CALLS_MAX 1000

struct key_list {
    struct str *at; /* each its own memory */
    size_t count, cap;
};

/* Redis' globs know * ? [ ] \ and, inside brackets, ^ and -. */
static void add_glob(struct buf *out, const char *prefix)
{
    for (; *prefix; prefix++) {
        if (strchr("*?[]\\", *prefix))
            buf_add_byte(out, '\\');
        buf_add_byte(out, *prefix);
    }
    buf_add_byte(out, '*');
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void list_add(struct key_list *list, const redisReply *key)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->at = must_realloc(list->at, list->cap * sizeof *list->at);
    }
    size_t len = (size_t)key->len;
    list->at[list->count++] = (struct str){must_strndup(key->str, len), len};
}

/* Sorts, and keeps the first `limit` different keys. */
static void list_cut(struct key_list *list, size_t limit)
{
    size_t kept = 0;
    if (list->count)
        qsort(list->at, list->count, sizeof *list->at, by_key);
    for (size_t i = 0; i < list->count; i++) {
        bool again = kept && str_eq(list->at[i], list->at[kept - 1]);
        if (again || kept == limit)
            free((char *)list->at[i].at);
        else
            list->at[kept++] = list->at[i];
    }
    list->count = kept;
}

static void list_release(struct key_list *list)
{
    list_cut(list, 0);
    free(list->at);
}

/* One call; cursor[] becomes the next one. */
static bool scan(struct redis_reader *reader, const char *glob, char cursor[32],
                 struct key_list *list, struct error *error)
{
    redisReply *reply =
        reader_ask(reader, error, "SCAN %s MATCH %s COUNT %d", cursor, glob, SCAN_COUNT);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING || reply->element[0]->len >= 32 ||
        !reader_is_texts(reply->element[1]))
        return reader_unexpected(reader, reply, "SCAN", error);
    strcpy(cursor, reply->element[0]->str);
    const redisReply *keys = reply->element[1];
    for (size_t i = 0; i < keys->elements; i++)
        list_add(list, keys->element[i]);
    freeReplyObject(reply);
    return true;
}

bool redis_reader_keys(struct redis_reader *reader, const char *prefix, size_t limit,
                       void (*key)(void *arg, struct str key), void *arg, struct error *error)
{
    struct key_list list = {0};
    struct buf glob = {0};
    char cursor[32] = "0";
    bool ok = true;
    add_glob(&glob, prefix);
    for (int calls = 0; ok && calls < SCAN_CALLS_MAX; calls++) {
        ok = scan(reader, buf_text(&glob), cursor, &list, error);
        if (list.count > 2 * limit)
            list_cut(&list, limit);
        if (strcmp(cursor, "0") == 0)
            break;
    }
    list_cut(&list, limit);
    for (size_t i = 0; ok && i < list.count; i++)
        key(arg, list.at[i]);
    list_release(&list);
    buf_release(&glob);
    return ok;
}
