/*
 * ram_commit.c: the changes of a batch, one by one in event order, on rows in memory.
 *
 * The same results, refusals and foreign data as commit.lua gives; where that has to work row by
 * row and look for the first fault afterwards, this twin simply goes through the batch and takes it
 * back.
 */
#include "store/ram_commit.h"
#include "base/error.h"
#include "base/number.h"
#include "store/ram_newest.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const structure_names[STRUCTURE_COUNT] = {
    "hash", "counter", "zset", "set", "list", "hll", "json",
};

struct ram_row *ram_rows_find(const struct ram_rows *rows, struct str key)
{
    const uint64_t *place = map_get(&rows->index, key);
    return place ? rows->at[*place - 1] : NULL;
}

struct ram_row *ram_rows_get(struct ram_rows *rows, struct str key)
{
    uint64_t *place = map_put(&rows->index, key);
    if (*place)
        return rows->at[*place - 1];
    if (rows->count == rows->cap) {
        rows->cap = rows->cap ? rows->cap * 2 : 64;
        rows->at = must_realloc(rows->at, rows->cap * sizeof(struct ram_row *));
    }
    struct ram_row *row = must_calloc(1, sizeof(*row));
    row->key = (struct str){must_strndup(key.at, key.len), key.len};
    rows->at[rows->count++] = row;
    *place = rows->count;
    return row;
}

void ram_rows_release(struct ram_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        ram_row_free(rows->at[i]);
    free(rows->at);
    map_release(&rows->index);
    ram_journal_release(&rows->journal);
    *rows = (struct ram_rows){0};
}

/* Sets the reason; false, for the caller to return. */
static bool fault(struct commit_result *result, enum commit_outcome outcome, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

static bool fault(struct commit_result *result, enum commit_outcome outcome, const char *format,
                  ...)
{
    struct error error;
    va_list args;
    va_start(args, format);
    error_vset(&error, ERROR_NO, format, args);
    va_end(args);
    error_fit(result->reason, sizeof(result->reason), error.text);
    result->outcome = outcome;
    return false;
}

/* An integer text as Fanfold writes it: no "1.0", no "+1", no "-0". */
static bool is_int_text(struct str text, int64_t *value)
{
    char again[24];
    if (text.len == 0 || text.len >= sizeof(again) || number_int(text, value) != NUMBER_OK)
        return false;
    int length = snprintf(again, sizeof(again), "%lld", (long long)*value);
    return str_eq(text, (struct str){again, (size_t)length});
}

/* Any JSON number as the nearest double, also one that number_double() finds too large. */
static double as_double(struct str text)
{
    char *terminated = must_strndup(text.at, text.len);
    double value = strtod(terminated, NULL);
    free(terminated);
    return value;
}

/* held + change's value, within ±2^53. held beyond that is the caller's business. */
static bool add(const struct change *change, int64_t held, int64_t *total,
                struct commit_result *result)
{
    int64_t delta;
    if (number_int(change->value, &delta) != NUMBER_OK)
        return fault(result, COMMIT_REFUSED, "%.*s is not an integer", STRF(change->value));
    *total = held + delta;
    if (*total <= NUMBER_INT_MAX && *total >= -NUMBER_INT_MAX)
        return true;
    const char *what = change->structure == STRUCTURE_HASH   ? "field "
                       : change->structure == STRUCTURE_ZSET ? "the score of "
                                                             : "the value";
    return fault(result, COMMIT_REFUSED,
                 "%s%.*s of %.*s is %lld; adding %lld would go beyond 2^53 (9007199254740992)",
                 what, STRF(change->field), STRF(change->key), (long long)held, (long long)delta);
}

static enum commit_outcome unless_own(const struct change *change)
{
    return change->flags & CHANGE_OWN_INTEGER ? COMMIT_FOREIGN : COMMIT_REFUSED;
}

static void put_int(struct ram_rows *rows, struct ram_row *row, struct str name, int64_t value)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%lld", (long long)value);
    ram_row_put(&rows->journal, row, name, (struct str){text, (size_t)length}, 0);
}

/* HASH_ADD and, with the name "", COUNTER_ADD. */
static bool add_text(struct ram_rows *rows, struct ram_row *row, const struct change *change,
                     struct str name, enum commit_outcome not_integer, struct commit_result *result)
{
    const struct ram_cell *cell = ram_row_find(row, name);
    int64_t held = 0, total = 0;
    if (cell && !is_int_text(cell->text, &held))
        return fault(result, not_integer, "%.*s of %.*s is not an integer but %.*s", STRF(name),
                     STRF(change->key), STRF(cell->text));
    if (!add(change, held, &total, result))
        return false;
    put_int(rows, row, name, total);
    return true;
}

static bool hash_extreme(struct ram_rows *rows, struct ram_row *row, const struct change *change,
                         struct commit_result *result)
{
    const struct ram_cell *cell = ram_row_find(row, change->field);
    int order = 1;
    if (cell && number_is(cell->text) != number_is(change->value))
        return fault(
            result, COMMIT_REFUSED,
            "field %.*s of %.*s is %.*s; it cannot be compared with %.*s: one is a number, "
            "the other a text",
            STRF(change->field), STRF(change->key), STRF(cell->text), STRF(change->value));
    if (cell && number_is(cell->text)) {
        double held = as_double(cell->text), given = as_double(change->value);
        order = (given > held) - (given < held);
    } else if (cell) {
        order = str_cmp(change->value, cell->text);
    }
    if (!cell || (change->op == CHANGE_HASH_MAX ? order > 0 : order < 0))
        ram_row_put(&rows->journal, row, change->field, change->value, 0);
    return true;
}

static bool zset_add(struct ram_rows *rows, struct ram_row *row, const struct change *change,
                     struct commit_result *result)
{
    const struct ram_cell *cell = ram_row_find(row, change->field);
    double held = cell ? cell->score : 0;
    int64_t total = 0;
    if (held != floor(held) || fabs(held) > (double)NUMBER_INT_MAX)
        return fault(result, unless_own(change),
                     "the score of %.*s in %.*s is not an integer but %g", STRF(change->field),
                     STRF(change->key), held);
    if (!add(change, (int64_t)held, &total, result))
        return false;
    ram_row_put(&rows->journal, row, change->field, (struct str){0}, (double)total);
    return true;
}

static void zset_score(struct ram_rows *rows, struct ram_row *row, const struct change *change)
{
    const struct ram_cell *cell = ram_row_find(row, change->field);
    double given = as_double(change->value);
    if (!cell || change->op == CHANGE_ZSET_SCORE ||
        (change->op == CHANGE_ZSET_MAX ? given > cell->score : given < cell->score))
        ram_row_put(&rows->journal, row, change->field, (struct str){0}, given);
}

static void delete_row(struct ram_rows *rows, struct ram_row *row)
{
    ram_row_wipe(&rows->journal, row);
    row->deleted = true;
    row->has_expire = row->has_keep = row->has_keep_age = false;
}

/* A statement about the row at the end of the batch: "7", milliseconds. */
static void at_end(const struct change *change, bool *has, int64_t *value)
{
    *has = number_int(change->value, value) == NUMBER_OK;
}

/* The structure is that of the row. */
static bool apply(struct ram_rows *rows, struct ram_row *stamps, struct ram_row *row,
                  const struct change *change, struct commit_result *result)
{
    struct ram_journal *journal = &rows->journal;
    const struct str none = {0};
    if (str_is(row->stamp) && !ram_newest_counts(journal, stamps, row, change))
        return true;
    switch ((enum change_op)change->op) {
    case CHANGE_HASH_SET:
        ram_row_put(journal, row, change->field, change->value, 0);
        break;
    case CHANGE_HASH_SET_ONCE:
        if (!ram_row_find(row, change->field))
            ram_row_put(journal, row, change->field, change->value, 0);
        break;
    case CHANGE_HASH_ADD:
        return add_text(rows, row, change, change->field, unless_own(change), result);
    case CHANGE_HASH_MAX:
    case CHANGE_HASH_MIN:
        return hash_extreme(rows, row, change, result);
    case CHANGE_COUNTER_ADD:
        return add_text(rows, row, change, STR(""), COMMIT_FOREIGN, result);
    case CHANGE_ZSET_ADD:
        return zset_add(rows, row, change, result);
    case CHANGE_ZSET_SCORE:
    case CHANGE_ZSET_MAX:
    case CHANGE_ZSET_MIN:
        zset_score(rows, row, change);
        break;
    case CHANGE_HASH_REMOVE:
    case CHANGE_ZSET_REMOVE:
    case CHANGE_SET_EXCLUDE:
        ram_row_remove(journal, row, change->field);
        break;
    case CHANGE_SET_INCLUDE:
    case CHANGE_HLL_COUNT:
        ram_row_put(journal, row, change->field, none, 0);
        break;
    case CHANGE_LIST_PUSH:
        ram_row_push(journal, row, change->value);
        break;
    case CHANGE_JSON_PUT:
        ram_row_put(journal, row, STR(""), change->value, 0);
        break;
    case CHANGE_ZSET_KEEP:
    case CHANGE_LIST_KEEP:
        at_end(change, &row->has_keep, &row->keep);
        break;
    case CHANGE_ZSET_KEEP_AGE:
        at_end(change, &row->has_keep_age, &row->keep_age_ms);
        break;
    case CHANGE_DELETE:
        if (str_is(row->stamp))
            ram_newest_delete(journal, stamps, row);
        else
            delete_row(rows, row);
        break;
    case CHANGE_EXPIRE:
        at_end(change, &row->has_expire, &row->expire_ms);
        break;
    case CHANGE_STAMP:
        row->stamp = change->value;
        break;
    }
    return true;
}

/* Counters and documents are both texts to Redis. */
static bool same_type(uint8_t a, uint8_t b)
{
    bool text_a = a == STRUCTURE_COUNTER || a == STRUCTURE_JSON;
    bool text_b = b == STRUCTURE_COUNTER || b == STRUCTURE_JSON;
    return a == b || (text_a && text_b);
}

/* The row that the change is for; NULL when it is of another structure. */
static struct ram_row *row_for(struct ram_rows *rows, const struct change *change,
                               struct commit_result *result)
{
    struct ram_row *row = ram_rows_get(rows, change->key);
    if (row->touched && row->structure != change->structure) {
        fault(result, COMMIT_REFUSED,
              "%.*s is a %s for earlier changes of this batch, and another structure for this one",
              STRF(change->key), structure_names[row->structure]);
        return NULL;
    }
    if (!row->touched && row->cells.count && !same_type(row->structure, change->structure)) {
        fault(result, COMMIT_FOREIGN, "%.*s is not a %s but a %s", STRF(change->key),
              structure_names[change->structure], structure_names[row->structure]);
        return NULL;
    }
    row->touched = true;
    row->structure = change->structure;
    return row;
}

static void finish(struct ram_row *row)
{
    if (row->deleted)
        row->expire_at_ms = 0;
    if (row->has_keep && row->structure == STRUCTURE_LIST)
        ram_row_keep_newest(row, row->keep);
    else if (row->has_keep)
        ram_row_keep_highest(row, row->keep);
    if (row->has_keep_age)
        ram_row_keep_age(row, (double)row->keep_age_ms);
    if (row->has_expire)
        row->expire_at_ms = row->expire_ms;
    if (row->cells.count == 0)
        row->expire_at_ms = 0;
}

static void untouch(struct ram_row *row)
{
    row->touched = row->deleted = false;
    row->has_expire = row->has_keep = row->has_keep_age = false;
    row->stamp = (struct str){0};
}

void ram_rows_apply(struct ram_rows *rows, struct ram_row *stamps, const struct changes *changes,
                    struct commit_result *result)
{
    *result = (struct commit_result){.outcome = COMMIT_OK};
    size_t done = 0;
    for (; done < changes->count; done++) {
        const struct change *change = &changes->at[done];
        struct ram_row *row = row_for(rows, change, result);
        if (!row || !apply(rows, stamps, row, change, result)) {
            result->event = change->event;
            break;
        }
    }
    bool good = result->outcome == COMMIT_OK;
    if (good)
        ram_journal_forget(&rows->journal);
    else
        ram_journal_undo(&rows->journal);
    for (size_t i = 0; i < changes->count && i <= done; i++) {
        struct ram_row *row = ram_rows_find(rows, changes->at[i].key);
        if (good && row->touched)
            finish(row);
        untouch(row);
    }
}
