/*
 * null_publisher.c: the limit of every publisher with confirms: sends one message again and again
 * by rabbitmq-c, with a bounded window of unconfirmed ones, and does nothing else. The message is
 * like those that `fanfold publish` makes of the benchmark's events: persistent, mandatory, with
 * the same properties and headers.
 *
 *     null_publisher URL EXCHANGE EVENTS      ends when all are confirmed
 */
#include "null_link.h"

#define WINDOW 2000

static const char body[] =
    "{\"n\":3,\"price_cents\":790,\"amount_cents\":2370,\"order\":\"o-0000001\",\"customer\":{"
    "\"id\":\"c-0042\",\"country\":\"PT\",\"segment\":\"retail\"},\"channel\":\"web\",\"currency\":"
    "\"EUR\",\"warehouse\":\"w-03\"}";

static amqp_table_entry_t text(const char *name, const char *value)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes(name)};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(value);
    return entry;
}

static void send(amqp_connection_state_t link, const char *exchange, amqp_table_t headers)
{
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG |
                  AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .headers = headers,
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .message_id = amqp_cstring_bytes("sums-0000001"),
        .timestamp = 1767225600,
        .type = amqp_cstring_bytes("sold"),
        .app_id = amqp_cstring_bytes("/bench"),
    };
    int status = amqp_basic_publish(link, NULL_CHANNEL, amqp_cstring_bytes(exchange),
                                    amqp_cstring_bytes("article-0042"), 1, 0, &properties,
                                    (amqp_bytes_t){sizeof body - 1, (void *)(uintptr_t)body});
    if (status != AMQP_STATUS_OK)
        null_fail("%s", amqp_error_string2(status));
}

/* How many are confirmed in all: one stream confirms in order, so the latest says it, single or
 * multiple. */
static uint64_t await_confirm(amqp_connection_state_t link)
{
    amqp_frame_t frame;
    amqp_maybe_release_buffers(link);
    null_frame(link, &frame);
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
        null_fail("a message was refused or returned");
    return ((amqp_basic_ack_t *)frame.payload.method.decoded)->delivery_tag;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        null_fail("usage: null_publisher URL EXCHANGE EVENTS");
    uint64_t events = null_count(argv[3]), confirmed = 0;
    amqp_connection_state_t link = null_connect(argv[1]);
    amqp_confirm_select(link, NULL_CHANNEL);
    null_check(link, "confirm.select");
    amqp_table_entry_t headers[] = {
        text("cloudEvents:specversion", "1.0"),
        text("cloudEvents:id", "sums-0000001"),
        text("cloudEvents:source", "/bench"),
        text("cloudEvents:type", "sold"),
        text("cloudEvents:subject", "article-0042"),
        text("cloudEvents:time", "2026-01-01T00:00:00Z"),
    };
    amqp_table_t table = {sizeof headers / sizeof *headers, headers};
    for (uint64_t sent = 0; sent < events; sent++) {
        while (sent - confirmed >= WINDOW)
            confirmed = await_confirm(link);
        send(link, argv[2], table);
    }
    while (confirmed < events)
        confirmed = await_confirm(link);
    null_close(link);
    return 0;
}
