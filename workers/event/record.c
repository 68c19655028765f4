/*
 * record.c: the body of a record.
 */
#include "event/record.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const struct str magic = {"fanfold\1", 8};
#define HEAD_SIZE 25 /* magic, kind, offset, from */
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
    to = put_bytes(to, magic);
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
    size_t size = HEAD_SIZE + 9 + 4 + message->body.len;
    for (size_t i = 0; i < TEXTS; i++)
        size += 4 + texts[i]->len;
    for (size_t i = 0; i < message->header_count; i++)
        size += 1 + 4 + message->headers[i].name.len + 8 + message->headers[i].text.len;
    return size;
}

void record_write(struct message *record, const struct message *message, uint64_t from,
                  struct arena *arena)
{
    struct message event = *message;
    struct str *texts[TEXTS];
    texts_of(&event, texts);
    char *body = arena_alloc(arena, size_of(message, texts));
    char *to = put_head(body, false, message->offset, from);
    for (size_t i = 0; i < TEXTS; i++)
        to = put_text(to, *texts[i]);
    to = put(to, message->has_timestamp, 1);
    to = put(to, message->timestamp, 8);
    to = put(to, message->header_count, 4);
    for (size_t i = 0; i < message->header_count; i++)
        to = put_header(to, &message->headers[i]);
    to = put_bytes(to, message->body);
    *record = (struct message){.body = {body, (size_t)(to - body)}, .size = message->size};
}

void record_mark(struct message *record, uint64_t from, uint64_t offset, struct arena *arena)
{
    char *body = arena_alloc(arena, HEAD_SIZE);
    put_head(body, true, offset, from);
    *record = (struct message){.body = {body, HEAD_SIZE}};
}

/* --- reading --------------------------------------------------------------------------- */

struct reading {
    struct str left;
    bool ok; /* false: it ended too early, or says what cannot be */
};

static struct str get_bytes(struct reading *reading, size_t size)
{
    if (size > reading->left.len) {
        reading->ok = false;
        return STR("");
    }
    struct str bytes = {reading->left.at, size};
    reading->left = str_from(reading->left, size);
    return bytes;
}

static uint64_t get(struct reading *reading, size_t octets)
{
    struct str bytes = get_bytes(reading, octets);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.at[i];
    return value;
}

static struct str get_text(struct reading *reading)
{
    uint64_t size = get(reading, 4);
    return size == NO_TEXT ? (struct str){NULL, 0} : get_bytes(reading, (size_t)size);
}

static void get_header(struct reading *reading, struct message_header *header)
{
    const char *letter = memchr(letters, (int)get(reading, 1), sizeof letters);
    reading->ok = reading->ok && letter;
    *header = (struct message_header){.kind = letter ? (enum header_kind)(letter - letters) : 0};
    header->name = get_text(reading);
    if (header->kind == HEADER_TEXT) {
        header->text = get_text(reading);
        return;
    }
    uint64_t value = get(reading, 8);
    if (header->kind == HEADER_DOUBLE)
        memcpy(&header->real, &value, sizeof value);
    else
        header->integer = (int64_t)value;
}

/* The caller frees the headers. */
static struct message_header *get_headers(struct reading *reading, size_t *count)
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

static void get_head(struct reading *reading, struct message *message)
{
    struct str found = get_bytes(reading, magic.len);
    uint64_t kind = get(reading, 1);
    message->offset = get(reading, 8);
    message->from = get(reading, 8);
    message->mark = kind == 1;
    if (!str_eq(found, magic) || kind > 1 || message->from > message->offset ||
        message->offset > INT64_MAX || (message->mark && reading->left.len))
        reading->ok = false;
}

static void get_properties(struct reading *reading, struct message *message)
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

struct message *record_read(struct message *delivered)
{
    struct reading reading = {delivered->body, true};
    struct message message = {.record = delivered->record, .body = STR("")}, *event = NULL;
    struct message_header *headers = NULL;
    get_head(&reading, &message);
    if (!message.mark) {
        get_properties(&reading, &message);
        message.headers = headers = get_headers(&reading, &message.header_count);
        message.body = reading.left;
    }
    if (reading.ok) {
        event = message_new(&message);
        message_free(delivered);
    }
    free(headers);
    return event;
}

/* --- the chain ------------------------------------------------------------------------- */

enum record_place record_place(const struct message *message, uint64_t taken)
{
    if (message->offset < taken)
        return RECORD_OLD;
    return message->from > taken ? RECORD_GAP : RECORD_NEXT;
}
