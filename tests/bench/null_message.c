/*
 * null_message.c: see null_message.h.
 */
#include "null_message.h"

#include <string.h>

static const char body[] =
    "{\"n\":0,\"price_cents\":790,\"amount_cents\":2370,\"order\":\"o-0000001\",\"customer\":{"
    "\"id\":\"c-0042\",\"country\":\"PT\",\"segment\":\"retail\"},\"channel\":\"web\",\"currency\":"
    "\"EUR\",\"warehouse\":\"w-03\"}";

static amqp_table_entry_t text(const char *name, const char *value)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(name)};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(value);
    return entry;
}

static void set_headers(struct null_message *message)
{
    const amqp_table_entry_t headers[] = {
        text("cloudEvents:specversion", "1.0"),
        text("cloudEvents:id", message->id),
        text("cloudEvents:source", "/bench"),
        text("cloudEvents:type", "sold"),
        text("cloudEvents:subject", message->subject),
        text("cloudEvents:time", "2026-01-01T00:00:00Z"),
    };
    memcpy(message->headers, headers, sizeof headers);
}

void null_message_init(struct null_message *message, uint64_t rows)
{
    *message =
        (struct null_message){.rows = rows, .id = "sums-0000000", .subject = "article-0000000"};
    memcpy(message->body, body, sizeof body);
    message->n = strchr(message->body, '0');
    set_headers(message);
    message->properties = (amqp_basic_properties_t){
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG |
                  AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .headers = {sizeof message->headers / sizeof *message->headers, message->headers},
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .message_id = amqp_cstring_bytes(message->id),
        .timestamp = 1767225600,
        .type = amqp_cstring_bytes("sold"),
        .app_id = amqp_cstring_bytes("/bench"),
    };
}

/* printf would be a good part of what a publisher costs. */
static void write_digits(char *text, uint64_t number)
{
    char *end = text + strlen(text);
    for (int i = 1; i <= NULL_DIGITS; i++, number /= 10)
        end[-i] = (char)('0' + number % 10);
}

void null_message_send(struct null_message *message, amqp_connection_state_t link,
                       const char *exchange, uint64_t number)
{
    if (number > NULL_NUMBER_MAX)
        null_fail("more events than there are numbers");
    write_digits(message->id, number);
    write_digits(message->subject, number * 7919 % message->rows);
    *message->n = (char)('1' + number % 7);
    int status = amqp_basic_publish(link, NULL_CHANNEL, amqp_cstring_bytes(exchange),
                                    amqp_cstring_bytes(message->subject), 1, 0,
                                    &message->properties, amqp_cstring_bytes(message->body));
    if (status != AMQP_STATUS_OK)
        null_fail("%s", amqp_error_string2(status));
}

uint64_t null_message_number(const char *id, size_t length)
{
    uint64_t number = 0;
    if (length <= NULL_DIGITS || id[length - NULL_DIGITS - 1] != '-')
        null_fail("%.*s: not an id of a null publisher", (int)length, id);
    for (size_t i = length - NULL_DIGITS; i < length; i++)
        number = number * 10 + (uint64_t)(id[i] - '0');
    return number;
}
