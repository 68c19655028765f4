/*
 * reader_parked.c: reads the parked events of a task, in portions: there may be very many.
 *
 * HSCAN gives fields in no order, and some twice while others come and go. So who wants them in
 * order either holds all (redis_reader_parked) or takes the index first, and then the events in
 * portions (redis_reader_parked_some).
 */
#include <fanfold/parked.h>

#include "base/error.h"
#include "store/redis_reader_private.h"
#include <errno.h>
#include <stdlib.h>

#define SCAN_COUNT 1000 /* fields that one call looks at */

static bool read_offset(const redisReply *field, uint64_t *offset, struct error *error)
{
    char *rest;
    errno = 0;
    *offset = strtoull(field->str, &rest, 10);
    if (field->str[0] >= '0' && field->str[0] <= '9' && !*rest && errno == 0)
        return true;
    return error_set(error, ERROR_CONFIG, "the field %.40s is no offset", field->str);
}

static void keep_texts(struct arena *arena, struct parked_event *event)
{
    struct str *const texts[] = {&event->reason, &event->key, &event->id, &event->source,
                                 &event->type};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_copy(arena, *texts[i]);
}

/* The record is parsed in memory of its own: it takes several times what is kept of it. */
static bool list_add(struct parked_list *list, struct arena *parsed, uint64_t offset,
                     const redisReply *record, struct error *error)
{
    arena_clear(parsed);
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 64;
        list->at = must_realloc(list->at, list->cap * sizeof *list->at);
    }
    struct parked_event *event = &list->at[list->count];
    *event = (struct parked_event){.offset = offset};
    struct str text = {record->str, (size_t)record->len};
    if (!parked_record_read(text, parsed, event, error)) {
        error->kind = ERROR_CONFIG;
        return error_prefix(error, "the record of offset %llu", (unsigned long long)offset);
    }
    keep_texts(&list->arena, event);
    list->count++;
    return true;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct parked_event *)a)->offset;
    uint64_t y = ((const struct parked_event *)b)->offset;
    return (x > y) - (x < y);
}

static void sort(struct parked_list *list)
{
    size_t kept = 0;
    if (list->count)
        qsort(list->at, list->count, sizeof *list->at, by_offset);
    for (size_t i = 0; i < list->count; i++)
        if (!kept || list->at[kept - 1].offset != list->at[i].offset)
            list->at[kept++] = list->at[i];
    list->count = kept;
}

static bool is_portion(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING && reply->element[0]->len < 32 &&
           reader_is_texts(reply->element[1]) && reply->element[1]->elements % 2 == 0;
}

/* One call; cursor[] becomes the next one. */
static bool scan(struct redis_reader *reader, const char *key, char cursor[32],
                 struct parked_list *list, struct error *error)
{
    redisReply *reply = reader_ask(reader, error, "HSCAN %s %s COUNT %d", key, cursor, SCAN_COUNT);
    if (!reply)
        return false;
    if (!is_portion(reply))
        return reader_unexpected(reader, reply, key, error);
    strcpy(cursor, reply->element[0]->str);
    const redisReply *fields = reply->element[1];
    struct arena parsed = {0};
    uint64_t offset;
    bool good = true;
    for (size_t i = 0; good && i < fields->elements; i += 2)
        good = read_offset(fields->element[i], &offset, error) &&
               list_add(list, &parsed, offset, fields->element[i + 1], error);
    arena_release(&parsed);
    freeReplyObject(reply);
    return good || error_prefix(error, "Redis at %s: %s", reader->where, key);
}

bool redis_reader_parked(struct redis_reader *reader, const char *view, const char *partition,
                         struct parked_list *list, struct error *error)
{
    struct parked_list read = {0};
    struct buf key = {0};
    char cursor[32] = "0";
    bool good;
    buf_printf(&key, "fanfold:parked:%s:%s", view, partition);
    do
        good = scan(reader, buf_text(&key), cursor, &read, error);
    while (good && strcmp(cursor, "0") != 0);
    buf_release(&key);
    if (!good) {
        parked_list_release(&read);
        return false;
    }
    sort(&read);
    *list = read;
    return true;
}

static int by_mark(const void *a, const void *b)
{
    uint64_t x = ((const struct parked_mark *)a)->offset;
    uint64_t y = ((const struct parked_mark *)b)->offset;
    return (x > y) - (x < y);
}

/* Moves a portion from the list to the index. */
static void mark(struct parked_index *index, struct parked_list *portion)
{
    size_t wanted = index->count + portion->count;
    if (wanted > index->cap) {
        index->cap = index->cap * 2 > wanted ? index->cap * 2 : wanted;
        index->at = must_realloc(index->at, index->cap * sizeof *index->at);
    }
    for (size_t i = 0; i < portion->count; i++) {
        const struct parked_event *event = &portion->at[i];
        index->at[index->count++] =
            (struct parked_mark){event->offset, event->parked_at_ms, event->waits};
    }
    portion->count = 0;
    arena_clear(&portion->arena);
}

static void sort_index(struct parked_index *index)
{
    size_t kept = 0;
    if (index->count)
        qsort(index->at, index->count, sizeof *index->at, by_mark);
    for (size_t i = 0; i < index->count; i++)
        if (!kept || index->at[kept - 1].offset != index->at[i].offset)
            index->at[kept++] = index->at[i];
    index->count = kept;
}

bool redis_reader_parked_index(struct redis_reader *reader, const char *view, const char *partition,
                               struct parked_index *index, struct error *error)
{
    struct parked_list portion = {0};
    struct parked_index read = {0};
    struct buf key = {0};
    char cursor[32] = "0";
    bool good;
    buf_printf(&key, "fanfold:parked:%s:%s", view, partition);
    do {
        good = scan(reader, buf_text(&key), cursor, &portion, error);
        mark(&read, &portion);
    } while (good && strcmp(cursor, "0") != 0);
    buf_release(&key);
    parked_list_release(&portion);
    if (!good) {
        parked_index_release(&read);
        return false;
    }
    sort_index(&read);
    *index = read;
    return true;
}

void parked_index_release(struct parked_index *index)
{
    free(index->at);
    *index = (struct parked_index){0};
}

bool redis_reader_parked_some(struct redis_reader *reader, const char *view, const char *partition,
                              const struct parked_mark *marks, size_t count,
                              struct parked_list *list, struct error *error)
{
    struct buf command = {0};
    buf_printf(&command, "HMGET fanfold:parked:%%s:%%s");
    for (size_t i = 0; i < count; i++)
        buf_printf(&command, " %llu", (unsigned long long)marks[i].offset);
    redisReply *reply = reader_ask(reader, error, buf_text(&command), view, partition);
    buf_release(&command);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        return reader_unexpected(reader, reply, "parked events", error);
    struct parked_list read = {0};
    struct arena parsed = {0};
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        if (reply->element[i]->type == REDIS_REPLY_STRING)
            good = list_add(&read, &parsed, marks[i].offset, reply->element[i], error);
    arena_release(&parsed);
    freeReplyObject(reply);
    if (good)
        *list = read;
    else
        parked_list_release(&read);
    return good || error_prefix(error, "Redis at %s: view %s", reader->where, view);
}

bool redis_reader_parked_payload(struct redis_reader *reader, const char *view,
                                 const char *partition, uint64_t offset, struct buf *payload,
                                 bool *kept, struct error *error)
{
    redisReply *reply = reader_ask(reader, error, "HGET fanfold:parked-payload:%s:%s %llu", view,
                                   partition, (unsigned long long)offset);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_NIL && reply->type != REDIS_REPLY_STRING)
        return reader_unexpected(reader, reply, "the body of a parked event", error);
    *kept = reply->type == REDIS_REPLY_STRING;
    if (*kept)
        buf_add(payload, (struct str){reply->str, (size_t)reply->len});
    freeReplyObject(reply);
    return true;
}
