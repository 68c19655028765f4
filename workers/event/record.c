/*
 * record.c: the headers of a record.
 */
#include "event/record.h"

static const struct str name_offset = {"fanfold-offset", 14}, name_from = {"fanfold-from", 12},
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

void record_write(struct message *record, const struct message *message, struct str exchange,
                  uint64_t from, struct message_header *headers)
{
    size_t count = 0;
    headers[count++] = integer(name_offset, message->offset);
    headers[count++] = integer(name_from, from);
    headers[count++] = text(name_key, message->routing_key);
    if (!str_eq(message->exchange, exchange))
        headers[count++] = text(name_exchange, message->exchange);
    if (message->header_count)
        memcpy(headers + count, message->headers, message->header_count * sizeof *headers);
    *record = *message;
    record->headers = headers;
    record->header_count = count + message->header_count;
}

void record_mark(struct message *record, uint64_t from, uint64_t offset,
                 struct message_header headers[RECORD_HEADERS])
{
    headers[0] = integer(name_offset, offset);
    headers[1] = integer(name_from, from);
    headers[2] = (struct message_header){.name = name_mark, .kind = HEADER_BOOL, .integer = 1};
    *record = (struct message){.headers = headers, .header_count = 3, .body = STR("")};
}

/* Ours are before those of the message, which may have some of the same names. */
struct head {
    bool has_offset, has_from, has_key, has_exchange, has_mark;
    uint64_t offset, from;
    struct str key, exchange;
    size_t count;
};

static bool take_integer(const struct message_header *header, struct str name, bool *has,
                         uint64_t *value)
{
    if (*has || header->kind != HEADER_INT || header->integer < 0 || !str_eq(header->name, name))
        return false;
    *value = (uint64_t)header->integer;
    return *has = true;
}

static bool take_text(const struct message_header *header, struct str name, bool *has,
                      struct str *value)
{
    if (*has || header->kind != HEADER_TEXT || !str_eq(header->name, name))
        return false;
    *value = header->text;
    return *has = true;
}

static bool take_mark(const struct message_header *header, bool *has)
{
    if (*has || header->kind != HEADER_BOOL || !str_eq(header->name, name_mark))
        return false;
    return *has = true;
}

static bool read_head(const struct message *message, struct head *head)
{
    *head = (struct head){0};
    for (; head->count < message->header_count && head->count < RECORD_HEADERS; head->count++) {
        const struct message_header *header = &message->headers[head->count];
        bool full = head->has_mark || head->has_exchange;
        if (full || !(take_integer(header, name_offset, &head->has_offset, &head->offset) ||
                      take_integer(header, name_from, &head->has_from, &head->from) ||
                      take_text(header, name_key, &head->has_key, &head->key) ||
                      take_text(header, name_exchange, &head->has_exchange, &head->exchange) ||
                      take_mark(header, &head->has_mark)))
            break;
    }
    return head->has_offset && head->has_from && (head->has_key || head->has_mark) &&
           head->from <= head->offset;
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
    message->headers += head.count;
    message->header_count -= head.count;
    return true;
}

enum record_place record_place(const struct message *message, uint64_t taken)
{
    if (message->offset < taken)
        return RECORD_OLD;
    return message->from > taken ? RECORD_GAP : RECORD_NEXT;
}
