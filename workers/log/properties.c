/*
 * properties.c: AMQP's properties and header table <-> struct message.
 */
#include "log/properties.h"

#include "base/error.h"

#include <string.h>

#define SHORT_TEXT_MAX 255

static bool read_integer(const amqp_field_value_t *value, int64_t *integer)
{
    switch (value->kind) {
    case AMQP_FIELD_KIND_I8:
        *integer = value->value.i8; /* a number: NOLINT(bugprone-signed-char-misuse,cert-str34-c) */
        return true;
    case AMQP_FIELD_KIND_U8:
        *integer = value->value.u8;
        return true;
    case AMQP_FIELD_KIND_I16:
        *integer = value->value.i16;
        return true;
    case AMQP_FIELD_KIND_U16:
        *integer = value->value.u16;
        return true;
    case AMQP_FIELD_KIND_I32:
        *integer = value->value.i32;
        return true;
    case AMQP_FIELD_KIND_U32:
        *integer = value->value.u32;
        return true;
    case AMQP_FIELD_KIND_I64:
        *integer = value->value.i64;
        return true;
    case AMQP_FIELD_KIND_U64:
        *integer = (int64_t)value->value.u64;
        return value->value.u64 <= INT64_MAX;
    default:
        return false;
    }
}

/* False: not a scalar, or not one that has a place in struct message_header. */
static bool read_value(const amqp_field_value_t *value, struct message_header *header)
{
    switch (value->kind) {
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
        header->kind = HEADER_TEXT;
        header->text = str_of_amqp(value->value.bytes);
        return true;
    case AMQP_FIELD_KIND_BOOLEAN:
        header->kind = HEADER_BOOL;
        header->integer = value->value.boolean != 0;
        return true;
    case AMQP_FIELD_KIND_TIMESTAMP:
        header->kind = HEADER_TIMESTAMP;
        header->integer = (int64_t)value->value.u64;
        return true;
    case AMQP_FIELD_KIND_F32:
        header->kind = HEADER_DOUBLE;
        header->real = (double)value->value.f32;
        return true;
    case AMQP_FIELD_KIND_F64:
        header->kind = HEADER_DOUBLE;
        header->real = value->value.f64;
        return true;
    default:
        header->kind = HEADER_INT;
        return read_integer(value, &header->integer);
    }
}

static void read_headers(const amqp_table_t *table, struct header_room *room,
                         struct message *message, bool *has_offset)
{
    size_t entries = table->num_entries > 0 ? (size_t)table->num_entries : 0;
    if (entries > room->cap) {
        room->at = must_realloc(room->at, entries * sizeof *room->at);
        room->cap = entries;
    }
    for (size_t i = 0; i < entries; i++) {
        const amqp_table_entry_t *entry = &table->entries[i];
        struct message_header *header = &room->at[message->header_count];
        *header = (struct message_header){.name = str_of_amqp(entry->key)};
        if (!read_value(&entry->value, header))
            continue;
        if (header->kind == HEADER_INT && str_eq(header->name, STR("x-stream-offset"))) {
            message->offset = message->from = message->record = (uint64_t)header->integer;
            *has_offset = true;
        } else {
            message->header_count++;
        }
    }
    message->headers = room->at;
}

void properties_read(const amqp_basic_properties_t *properties, struct header_room *room,
                     struct message *message, bool *has_offset)
{
    amqp_flags_t set = properties->_flags;
    *has_offset = false;
    if (set & AMQP_BASIC_CONTENT_TYPE_FLAG)
        message->content_type = str_of_amqp(properties->content_type);
    if (set & AMQP_BASIC_CONTENT_ENCODING_FLAG)
        message->content_encoding = str_of_amqp(properties->content_encoding);
    if (set & AMQP_BASIC_MESSAGE_ID_FLAG)
        message->message_id = str_of_amqp(properties->message_id);
    if (set & AMQP_BASIC_TYPE_FLAG)
        message->type = str_of_amqp(properties->type);
    if (set & AMQP_BASIC_APP_ID_FLAG)
        message->app_id = str_of_amqp(properties->app_id);
    if (set & AMQP_BASIC_CORRELATION_ID_FLAG)
        message->correlation_id = str_of_amqp(properties->correlation_id);
    if (set & AMQP_BASIC_TIMESTAMP_FLAG) {
        message->has_timestamp = true;
        message->timestamp = properties->timestamp;
    }
    if (set & AMQP_BASIC_HEADERS_FLAG)
        read_headers(&properties->headers, room, message, has_offset);
}

static void write_value(const struct message_header *header, amqp_field_value_t *value)
{
    switch (header->kind) {
    case HEADER_TEXT:
        value->kind = AMQP_FIELD_KIND_UTF8;
        value->value.bytes = amqp_bytes_of(header->text);
        break;
    case HEADER_INT:
        value->kind = AMQP_FIELD_KIND_I64;
        value->value.i64 = header->integer;
        break;
    case HEADER_DOUBLE:
        value->kind = AMQP_FIELD_KIND_F64;
        value->value.f64 = header->real;
        break;
    case HEADER_BOOL:
        value->kind = AMQP_FIELD_KIND_BOOLEAN;
        value->value.boolean = header->integer != 0;
        break;
    case HEADER_TIMESTAMP:
        value->kind = AMQP_FIELD_KIND_TIMESTAMP;
        value->value.u64 = (uint64_t)header->integer;
        break;
    }
}

static amqp_table_t write_headers(const struct message *message, struct entry_room *room)
{
    if (message->header_count > room->cap) {
        room->at = must_realloc(room->at, message->header_count * sizeof *room->at);
        room->cap = message->header_count;
    }
    for (size_t i = 0; i < message->header_count; i++) {
        room->at[i].key = amqp_bytes_of(message->headers[i].name);
        write_value(&message->headers[i], &room->at[i].value);
    }
    return (amqp_table_t){(int)message->header_count, room->at};
}

static amqp_flags_t write_text(struct str text, amqp_bytes_t *to, amqp_flags_t flag)
{
    if (!str_is(text))
        return 0;
    *to = amqp_bytes_of(text);
    return flag;
}

void properties_write(const struct message *message, struct entry_room *room,
                      amqp_basic_properties_t *properties)
{
    *properties = (amqp_basic_properties_t){.delivery_mode = AMQP_DELIVERY_PERSISTENT};
    amqp_basic_properties_t *p = properties;
    p->_flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    p->_flags |= write_text(message->content_type, &p->content_type, AMQP_BASIC_CONTENT_TYPE_FLAG);
    p->_flags |= write_text(message->content_encoding, &p->content_encoding,
                            AMQP_BASIC_CONTENT_ENCODING_FLAG);
    p->_flags |= write_text(message->message_id, &p->message_id, AMQP_BASIC_MESSAGE_ID_FLAG);
    p->_flags |= write_text(message->type, &p->type, AMQP_BASIC_TYPE_FLAG);
    p->_flags |= write_text(message->app_id, &p->app_id, AMQP_BASIC_APP_ID_FLAG);
    p->_flags |=
        write_text(message->correlation_id, &p->correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG);
    if (message->has_timestamp) {
        p->timestamp = message->timestamp;
        p->_flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    }
    if (message->header_count) {
        p->headers = write_headers(message, room);
        p->_flags |= AMQP_BASIC_HEADERS_FLAG;
    }
}

const char *properties_fault(const struct message *message, size_t frame_max)
{
    struct {
        struct str text;
        const char *fault;
    } shorts[] = {
        {message->routing_key, "its routing key is longer than 255 bytes"},
        {message->content_type, "its content type is longer than 255 bytes"},
        {message->content_encoding, "its content encoding is longer than 255 bytes"},
        {message->message_id, "its message id is longer than 255 bytes"},
        {message->type, "its type is longer than 255 bytes"},
        {message->app_id, "its app id (source) is longer than 255 bytes"},
        {message->correlation_id, "its correlation id is longer than 255 bytes"},
    };
    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
        if (shorts[i].text.len > SHORT_TEXT_MAX)
            return shorts[i].fault;

    size_t total = sizeof shorts / sizeof *shorts * (SHORT_TEXT_MAX + 1) + 64;
    for (size_t i = 0; i < message->header_count; i++) {
        const struct message_header *header = &message->headers[i];
        if (header->name.len > SHORT_TEXT_MAX)
            return "the name of a header is longer than 255 bytes";
        total += header->name.len + header->text.len + 16;
    }
    return total > frame_max ? "its headers are too large for one AMQP frame" : NULL;
}
