/*
 * record.c: the headers of a record.
 */
#include "event/record.h"

#define HEADERS_MAX 4 /* of ours */

static const struct str prefix = {"fanfold-", 8}, prefix_own = {"fanfold-own-", 12},
                        name_offset = {"fanfold-offset", 14}, name_from = {"fanfold-from", 12},
                        name_key = {"fanfold-key", 11}, name_exchange = {"fanfold-exchange", 16},
                        name_mark = {"fanfold-mark", 12};

static struct message_header integer(struct str name, uint64_t value)
{
    return (struct message_header){.name = name, .kind = HEADER_INT, .integer = (int64_t)value};
}

static struct message_header text(struct str name, struct str value)
{
    return (struct message_header){.name = name, .kind = HEADER_TEXT, .text = value};
}

static struct message_header *room(struct arena *arena, size_t count)
{
    return arena_alloc(arena, count * sizeof(struct message_header));
}

static struct message_header own(const struct message_header *header, struct arena *arena)
{
    struct message_header written = *header;
    if (str_starts(header->name, prefix))
        written.name = arena_printf(arena, "%.*s%.*s", STRF(prefix_own), STRF(header->name));
    return written;
}

void record_write(struct message *record, const struct message *message, struct str exchange,
                  uint64_t from, struct arena *arena)
{
    struct message_header *headers = room(arena, message->header_count + HEADERS_MAX);
    size_t count = 0;
    headers[count++] = integer(name_offset, message->offset);
    headers[count++] = integer(name_from, from);
    headers[count++] = text(name_key, message->routing_key);
    if (!str_eq(message->exchange, exchange))
        headers[count++] = text(name_exchange, message->exchange);
    for (size_t i = 0; i < message->header_count; i++)
        headers[count++] = own(&message->headers[i], arena);
    *record = *message;
    record->headers = headers;
    record->header_count = count;
}

void record_mark(struct message *record, uint64_t from, uint64_t offset, struct arena *arena)
{
    struct message_header *headers = room(arena, HEADERS_MAX);
    headers[0] = integer(name_offset, offset);
    headers[1] = integer(name_from, from);
    headers[2] = (struct message_header){.name = name_mark, .kind = HEADER_BOOL, .integer = 1};
    *record = (struct message){.headers = headers, .header_count = 3, .body = STR("")};
}

struct head {
    bool has_offset, has_from, has_key, has_exchange, has_mark;
    uint64_t offset, from;
    struct str key, exchange;
};

static bool take_integer(const struct message_header *header, struct str name, bool *has,
                         uint64_t *value)
{
    if (header->kind != HEADER_INT || header->integer < 0 || !str_eq(header->name, name))
        return false;
    *value = (uint64_t)header->integer;
    return *has = true;
}

static bool take_text(const struct message_header *header, struct str name, bool *has,
                      struct str *value)
{
    if (header->kind != HEADER_TEXT || !str_eq(header->name, name))
        return false;
    *value = header->text;
    return *has = true;
}

static bool take_mark(const struct message_header *header, bool *has)
{
    if (header->kind != HEADER_BOOL || !str_eq(header->name, name_mark))
        return false;
    return *has = true;
}

/* Is the header one of ours? */
static bool take(const struct message_header *header, struct head *head)
{
    return str_starts(header->name, prefix) &&
           (take_integer(header, name_offset, &head->has_offset, &head->offset) ||
            take_integer(header, name_from, &head->has_from, &head->from) ||
            take_text(header, name_key, &head->has_key, &head->key) ||
            take_text(header, name_exchange, &head->has_exchange, &head->exchange) ||
            take_mark(header, &head->has_mark));
}

static bool read_head(const struct message *message, struct head *head)
{
    *head = (struct head){0};
    for (size_t i = 0; i < message->header_count; i++)
        take(&message->headers[i], head);
    return head->has_offset && head->has_from && (head->has_key || head->has_mark) &&
           head->from <= head->offset;
}

/* Leaves those of the message, with the names that they had in the intake. */
static void remove_ours(struct message *message)
{
    struct message_header *headers = (struct message_header *)(uintptr_t)message->headers;
    struct head ignored = {0};
    size_t count = 0;
    for (size_t i = 0; i < message->header_count; i++) {
        struct message_header header = headers[i];
        if (take(&header, &ignored))
            continue;
        if (str_starts(header.name, prefix_own))
            header.name = str_from(header.name, prefix_own.len);
        headers[count++] = header;
    }
    message->header_count = count;
}

bool record_read(struct message *message, struct str exchange)
{
    struct head head;
    if (!read_head(message, &head))
        return false;
    message->offset = head.offset;
    message->from = head.from;
    message->mark = head.has_mark;
    message->routing_key = head.key;
    message->exchange = head.has_exchange ? head.exchange : exchange;
    remove_ours(message);
    return true;
}

enum record_place record_place(const struct message *message, uint64_t taken)
{
    if (message->offset < taken)
        return RECORD_OLD;
    return message->from > taken ? RECORD_GAP : RECORD_NEXT;
}
