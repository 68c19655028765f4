/*
 * compare.c: collects keys and asks compare.lua about them, in portions.
 */
#include <fanfold/compare.h>

#include "base/error.h"
#include "store/redis_reader_private.h"
#include "store/scripts.h"
#include <stdlib.h>

#define PORTION 500 /* keys of one call */

/* --- keys ------------------------------------------------------------------------------ */

static void add_key(struct row_keys *keys, const redisReply *key)
{
    if (keys->count == keys->cap) {
        keys->cap = keys->cap ? 2 * keys->cap : 1024;
        keys->at = must_realloc(keys->at, keys->cap * sizeof *keys->at);
    }
    size_t len = (size_t)key->len;
    keys->at[keys->count++] = (struct str){must_strndup(key->str, len), len};
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* SCAN gives some keys twice. */
static void sort_keys(struct row_keys *keys)
{
    size_t kept = 0;
    if (keys->count)
        qsort(keys->at, keys->count, sizeof *keys->at, by_key);
    for (size_t i = 0; i < keys->count; i++) {
        if (kept && str_eq(keys->at[i], keys->at[kept - 1]))
            free((char *)keys->at[i].at);
        else
            keys->at[kept++] = keys->at[i];
    }
    keys->count = kept;
}

/* Calls compare.lua; the answer is an array of texts. */
static redisReply *run(struct redis_reader *reader, const struct str *args, size_t count,
                       struct error *error)
{
    redisReply *reply = reader_run(reader, compare_lua, NULL, 0, args, count, error);
    if (!reply || (reader_is_texts(reply) && reply->elements > 0))
        return reply;
    reader_unexpected(reader, reply, "the comparison of rows", error);
    return NULL;
}

static bool go_on(compare_progress_fn *progress, void *arg, uint64_t done, uint64_t all,
                  struct error *error)
{
    if (!progress || progress(arg, done, all))
        return true;
    return error_set(error, ERROR_NO, "interrupted");
}

bool compare_keys(struct redis_reader *reader, const char *prefix, const char *const *starts,
                  size_t count, compare_progress_fn *progress, void *arg, struct row_keys *keys,
                  struct error *error)
{
    bool good = true;
    struct str *args = must_calloc(3 + count, sizeof *args);
    struct buf cursor = {0};
    args[0] = STR("keys");
    args[2] = str_of(prefix);
    for (size_t i = 0; i < count; i++)
        args[3 + i] = str_of(starts[i]);
    buf_add(&cursor, STR("0"));
    redisReply *reply;
    do {
        args[1] = buf_str(&cursor);
        reply = run(reader, args, 3 + count, error);
        if (!reply)
            break;
        buf_clear(&cursor);
        buf_add(&cursor, str_of(reply->element[0]->str));
        for (size_t i = 1; i < reply->elements; i++)
            add_key(keys, reply->element[i]);
        freeReplyObject(reply);
        good = go_on(progress, arg, 0, 0, error);
    } while (good && strcmp(buf_text(&cursor), "0") != 0);
    free(args);
    buf_release(&cursor);
    sort_keys(keys);
    return reply && good;
}

/* Keys that stand in either list; texts are borrowed. */
static struct row_keys merge(const struct row_keys *a, const struct row_keys *b)
{
    struct row_keys all = {.cap = a->count + b->count + 1};
    all.at = must_alloc(all.cap * sizeof *all.at);
    for (size_t i = 0, k = 0; i < a->count || k < b->count;) {
        int order = i == a->count ? 1 : k == b->count ? -1 : str_cmp(a->at[i], b->at[k]);
        all.at[all.count++] = order <= 0 ? a->at[i] : b->at[k];
        i += order <= 0;
        k += order >= 0;
    }
    return all;
}

/* Every n-th, so that `sample` at most are left. */
static void thin(struct row_keys *keys, uint64_t sample)
{
    size_t kept = 0;
    if (!sample || keys->count <= sample)
        return;
    for (uint64_t i = 0; i < sample; i++)
        keys->at[kept++] = keys->at[i * keys->count / sample];
    keys->count = kept;
}

/* --- one row after the other ----------------------------------------------------------- */

static void sample_add(struct row_sample *sample, struct str key)
{
    if (sample->count < COMPARE_SAMPLES)
        sample->at[sample->count++] = must_strndup(key.at, key.len);
}

static void keep_key(struct row_keys *keys, struct str key)
{
    redisReply copy = {.str = (char *)key.at, .len = key.len};
    add_key(keys, &copy);
}

static void note(struct comparison *comparison, struct str key, char code)
{
    if (code != '-')
        keep_key(&comparison->there, key);
    switch (code) {
    case '=':
        comparison->same++;
        break;
    case '~':
        comparison->changed++;
        sample_add(&comparison->changed_keys, key);
        break;
    case '+':
        comparison->only_there++;
        sample_add(&comparison->there_keys, key);
        break;
    default:
        comparison->only_here++;
        sample_add(&comparison->here_keys, key);
        keep_key(&comparison->surplus, key);
        break;
    }
}

/* Up to PORTION keys; returns how many were looked at, 0 on failure. */
static size_t compare_some(struct redis_reader *reader, const char *prefix,
                           const struct row_keys *keys, size_t first, struct comparison *comparison,
                           struct error *error)
{
    struct str args[2 + PORTION] = {STR("compare"), str_of(prefix)};
    size_t count = keys->count - first < PORTION ? keys->count - first : PORTION;
    memcpy(args + 2, keys->at + first, count * sizeof *args);
    redisReply *reply = run(reader, args, 2 + count, error);
    if (!reply)
        return 0;
    size_t looked = (size_t)reply->element[0]->len;
    if (looked > count || looked == 0)
        return reader_unexpected(reader, reply, "the comparison of rows", error);
    for (size_t i = 0; i < looked; i++)
        note(comparison, keys->at[first + i], reply->element[0]->str[i]);
    freeReplyObject(reply);
    return looked;
}

static bool compare_all(struct redis_reader *reader, const char *prefix,
                        const struct row_keys *keys, compare_progress_fn *progress, void *arg,
                        struct comparison *comparison, struct error *error)
{
    for (size_t done = 0; done < keys->count;) {
        size_t looked = compare_some(reader, prefix, keys, done, comparison, error);
        done += looked;
        if (!looked || !go_on(progress, arg, done, keys->count, error))
            return false;
    }
    return true;
}

bool compare_generations(struct redis_reader *reader, const struct build *build, uint64_t sample,
                         compare_progress_fn *progress, void *arg, struct comparison *comparison,
                         struct error *error)
{
    struct row_keys live = {0}, made = {0}, all = {0};
    char *prefix = generation_prefix(build->generation);
    bool good = compare_keys(reader, "", (const char *const *)build->old_rows, build->old_row_count,
                             progress, arg, &live, error) &&
                compare_keys(reader, prefix, (const char *const *)build->rows, build->row_count,
                             progress, arg, &made, error);
    if (good) {
        all = merge(&live, &made);
        thin(&all, sample);
        good = compare_all(reader, prefix, &all, progress, arg, comparison, error);
    }
    free(prefix);
    free(all.at);
    row_keys_release(&live);
    row_keys_release(&made);
    return good;
}

/* --- two servers ----------------------------------------------------------------------- */

/* Digests of keys[first …], up to PORTION; NULL on failure. */
static redisReply *digests(struct redis_reader *reader, const struct row_keys *keys, size_t first,
                           struct error *error)
{
    struct str args[1 + PORTION] = {STR("digest")};
    size_t count = keys->count - first < PORTION ? keys->count - first : PORTION;
    memcpy(args + 1, keys->at + first, count * sizeof *args);
    return run(reader, args, 1 + count, error);
}

static char code_of(const redisReply *here, const redisReply *there)
{
    if (here->len == there->len && memcmp(here->str, there->str, here->len) == 0)
        return '=';
    return !here->len ? '+' : !there->len ? '-' : '~';
}

static size_t compare_digests(struct redis_reader *here, struct redis_reader *there,
                              const struct row_keys *keys, size_t first,
                              struct comparison *comparison, struct error *error)
{
    size_t looked = 0;
    redisReply *a = digests(here, keys, first, error);
    redisReply *b = a ? digests(there, keys, first, error) : NULL;
    if (a && b)
        looked = a->elements < b->elements ? a->elements : b->elements;
    for (size_t i = 0; i < looked; i++)
        note(comparison, keys->at[first + i], code_of(a->element[i], b->element[i]));
    if (a)
        freeReplyObject(a);
    if (b)
        freeReplyObject(b);
    return looked;
}

bool compare_servers(struct redis_reader *here, struct redis_reader *there,
                     const char *const *starts, size_t count, compare_progress_fn *progress,
                     void *arg, struct comparison *comparison, struct error *error)
{
    struct row_keys ours = {0}, theirs = {0}, all = {0};
    bool good = compare_keys(here, "", starts, count, progress, arg, &ours, error) &&
                compare_keys(there, "", starts, count, progress, arg, &theirs, error);
    if (good)
        all = merge(&ours, &theirs);
    for (size_t done = 0; good && done < all.count;) {
        size_t looked = compare_digests(here, there, &all, done, comparison, error);
        done += looked;
        good = looked && go_on(progress, arg, done, all.count, error);
    }
    free(all.at);
    row_keys_release(&ours);
    row_keys_release(&theirs);
    return good;
}

uint64_t comparison_differences(const struct comparison *comparison)
{
    return comparison->changed + comparison->only_here + comparison->only_there;
}

static void sample_release(struct row_sample *sample)
{
    for (size_t i = 0; i < sample->count; i++)
        free(sample->at[i]);
}

void comparison_release(struct comparison *comparison)
{
    sample_release(&comparison->changed_keys);
    sample_release(&comparison->here_keys);
    sample_release(&comparison->there_keys);
    row_keys_release(&comparison->there);
    row_keys_release(&comparison->surplus);
    *comparison = (struct comparison){0};
}
