/*
 * reader_parked.c: reads the parked events of a task, in portions: there may be very many.
 */
#include <fanfold/parked.h>

#include "base/error.h"
#include "store/redis_reader_private.h"
#include <errno.h>
#include <stdlib.h>

#define SCAN_COUNT 1000 /* fields that one call looks at */

static bool read_offset(const redisReply *field, uint64_t *offset)
{
    char *rest;
    errno = 0;
    *offset = strtoull(field->str, &rest, 10);
    return field->str[0] >= '0' && field->str[0] <= '9' && !*rest && errno == 0;
}

static bool list_add(struct parked_list *list, const redisReply *field, const redisReply *record,
                     struct error *error)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 64;
        list->at = must_realloc(list->at, list->cap * sizeof *list->at);
    }
    struct parked_event *event = &list->at[list->count];
    *event = (struct parked_event){0};
    if (!read_offset(field, &event->offset))
        return error_set(error, ERROR_CONFIG, "the field %.40s is no offset", field->str);
    struct str text = {record->str, (size_t)record->len};
    if (!parked_record_read(text, &list->arena, event, error)) {
        error->kind = ERROR_CONFIG;
        return error_prefix(error, "the record of offset %s", field->str);
    }
    list->count++;
    return true;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct parked_event *)a)->offset;
    uint64_t y = ((const struct parked_event *)b)->offset;
    return (x > y) - (x < y);
}

/* HSCAN gives fields in no order, and some twice while others come and go. */
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
    bool good = true;
    for (size_t i = 0; good && i < fields->elements; i += 2)
        good = list_add(list, fields->element[i], fields->element[i + 1], error);
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
