/*
 * record.c: the body of a record, entry by entry.
 */
#include "event/record.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const struct str magic = {"fanfold\1", 8};
#define HEAD_SIZE 17 /* kind, offset, from */
#define NO_TEXT   UINT32_MAX

/* Of each kind of header. */
static const char letters[] = {
    [HEADER_TEXT] = 'S', [HEADER_INT] = 'l',       [HEADER_DOUBLE] = 'd',
    [HEADER_BOOL] = 't', [HEADER_TIMESTAMP] = 'T',
};
/* The least that one takes: its letter, no name, an empty text. */
#define HEADER_SIZE_MIN 9

#define TEXTS 8

static void texts_of(struct message *message, struct str *texts[TEXTS])
{
    struct str *const all[TEXTS] = {
        &message->exchange,         &message->routing_key,    &message->content_type,
        &message->content_encoding, &message->message_id,     &message->type,
        &message->app_id,           &message->correlation_id,
    };
    memcpy(texts, all, sizeof all);
}

/* --- writing --------------------------------------------------------------------------- */

static char *put(char *to, uint64_t value, int octets)
{
    for (int i = octets; i-- > 0; value >>= 8)
        to[i] = (char)(value & 0xff);
    return to + octets;
}

static char *put_bytes(char *to, struct str bytes)
{
    if (bytes.len)
        memcpy(to, bytes.at, bytes.len);
    return to + bytes.len;
}

static char *put_text(char *to, struct str text)
{
    to = put(to, str_is(text) ? text.len : NO_TEXT, 4);
    return put_bytes(to, text);
}

static char *put_head(char *to, bool mark, uint64_t offset, uint64_t from)
{
    to = put(to, mark, 1);
    to = put(to, offset, 8);
    return put(to, from, 8);
}

static char *put_header(char *to, const struct message_header *header)
{
    to = put(to, (uint64_t)letters[header->kind], 1);
    to = put_text(to, header->name);
    if (header->kind == HEADER_TEXT)
        return put_text(to, header->text);
    uint64_t value = (uint64_t)header->integer;
    if (header->kind == HEADER_DOUBLE)
        memcpy(&value, &header->real, sizeof value);
    return put(to, value, 8);
}

static size_t size_of(const struct message *message, struct str *const *texts)
{
    size_t size = HEAD_SIZE + 9 + 4 + 4 + message->body.len;
    for (size_t i = 0; i < TEXTS; i++)
        size += 4 + texts[i]->len;
    for (size_t i = 0; i < message->header_count; i++)
        size += 1 + 4 + message->headers[i].name.len + 8 + message->headers[i].text.len;
    return size;
}

void record_begin(struct buf *body)
{
    buf_clear(body);
    buf_add(body, magic);
}

void record_add(struct buf *body, const struct message *message, uint64_t from)
{
    struct message event = *message;
    struct str *texts[TEXTS];
    texts_of(&event, texts);
    char *begin = buf_room(body, size_of(message, texts)), *to = begin;
    to = put_head(to, false, message->offset, from);
    for (size_t i = 0; i < TEXTS; i++)
        to = put_text(to, *texts[i]);
    to = put(to, message->has_timestamp, 1);
    to = put(to, message->timestamp, 8);
    to = put(to, message->header_count, 4);
    for (size_t i = 0; i < message->header_count; i++)
        to = put_header(to, &message->headers[i]);
    to = put_text(to, message->body);
    body->len += (size_t)(to - begin);
}

void record_add_mark(struct buf *body, uint64_t from, uint64_t offset)
{
    put_head(buf_room(body, HEAD_SIZE), true, offset, from);
    body->len += HEAD_SIZE;
}

/* --- reading --------------------------------------------------------------------------- */

static struct str get_bytes(struct record_reading *reading, size_t size)
{
    if (size > reading->left.len) {
        reading->ok = false;
        return STR("");
    }
    struct str bytes = {reading->left.at, size};
    reading->left = str_from(reading->left, size);
    return bytes;
}

static uint64_t get(struct record_reading *reading, size_t octets)
{
    struct str bytes = get_bytes(reading, octets);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.at[i];
    return value;
}

static struct str get_text(struct record_reading *reading)
{
    uint64_t size = get(reading, 4);
    return size == NO_TEXT ? (struct str){NULL, 0} : get_bytes(reading, (size_t)size);
}

static struct str get_some_text(struct record_reading *reading)
{
    struct str text = get_text(reading);
    if (!str_is(text))
        reading->ok = false;
    return text;
}

static void get_header(struct record_reading *reading, struct message_header *header)
{
    const char *letter = memchr(letters, (int)get(reading, 1), sizeof letters);
    reading->ok = reading->ok && letter;
    *header = (struct message_header){.kind = letter ? (enum header_kind)(letter - letters) : 0};
    header->name = get_some_text(reading);
    if (header->kind == HEADER_TEXT) {
        header->text = get_some_text(reading);
        return;
    }
    uint64_t value = get(reading, 8);
    if (header->kind == HEADER_DOUBLE)
        memcpy(&header->real, &value, sizeof value);
    else
        header->integer = (int64_t)value;
}

/* The caller frees the headers. */
static struct message_header *get_headers(struct record_reading *reading, size_t *count)
{
    *count = (size_t)get(reading, 4);
    if (*count > reading->left.len / HEADER_SIZE_MIN)
        reading->ok = false;
    if (!reading->ok || *count == 0)
        return NULL;
    struct message_header *headers = must_calloc(*count, sizeof *headers);
    for (size_t i = 0; i < *count && reading->ok; i++)
        get_header(reading, &headers[i]);
    return headers;
}

static void get_head(struct record_reading *reading, struct message *message)
{
    uint64_t kind = get(reading, 1);
    message->offset = get(reading, 8);
    message->from = get(reading, 8);
    message->mark = kind == 1;
    if (kind > 1 || message->from > message->offset || message->offset > INT64_MAX)
        reading->ok = false;
}

static void get_properties(struct record_reading *reading, struct message *message)
{
    struct str *texts[TEXTS];
    texts_of(message, texts);
    for (size_t i = 0; i < TEXTS; i++)
        *texts[i] = get_text(reading);
    uint64_t has_timestamp = get(reading, 1);
    if (has_timestamp > 1)
        reading->ok = false;
    message->has_timestamp = has_timestamp == 1;
    message->timestamp = get(reading, 8);
}

struct record_reading record_open(const struct message *delivered)
{
    struct record_reading reading = {delivered, delivered->body, true};
    struct str found = get_bytes(&reading, magic.len);
    reading.ok = str_eq(found, magic) && reading.left.len;
    return reading;
}

struct message *record_next(struct record_reading *reading)
{
    if (!reading->ok || !reading->left.len)
        return NULL;
    struct message shape = {.record = reading->delivered->record, .body = STR("")};
    struct message_header *headers = NULL;
    get_head(reading, &shape);
    if (!shape.mark) {
        get_properties(reading, &shape);
        shape.headers = headers = get_headers(reading, &shape.header_count);
        shape.body = get_some_text(reading);
    }
    struct message *message = reading->ok ? message_new(&shape) : NULL;
    free(headers);
    return message;
}

/* --- the chain ------------------------------------------------------------------------- */

enum record_place record_place(const struct message *message, uint64_t taken)
{
    if (message->offset < taken)
        return RECORD_OLD;
    return message->from > taken ? RECORD_GAP : RECORD_NEXT;
}
