/*
 * stream_attach.c: basic.qos and basic.consume with an x-stream-offset (FACTS 1.1, 1.2).
 */
#include "log/stream_attach.h"

#include <stdio.h>

bool stream_missing(const struct amqp_link *link, const char *partition, struct error *error)
{
    return error_set(error, ERROR_CONFIG,
                     "%s: there is no log \"%s\"; run `fanfold setup` to declare it", link->where,
                     partition);
}

static void offset_value(struct stream_start start, amqp_field_value_t *value)
{
    value->kind = AMQP_FIELD_KIND_UTF8;
    switch (start.kind) {
    case STREAM_FIRST:
        value->value.bytes = amqp_cstring_bytes("first");
        break;
    case STREAM_NEXT:
        value->value.bytes = amqp_cstring_bytes("next");
        break;
    case STREAM_LAST:
        value->value.bytes = amqp_cstring_bytes("last");
        break;
    case STREAM_OFFSET:
        value->kind = AMQP_FIELD_KIND_I64;
        value->value.i64 = start.value > INT64_MAX ? INT64_MAX : (int64_t)start.value;
        break;
    case STREAM_TIME:
        value->kind = AMQP_FIELD_KIND_TIMESTAMP;
        value->value.u64 = start.value;
        break;
    }
}

/* basic.consume, and what it points to. */
struct consume {
    char tag[32];
    amqp_table_entry_t offset;
    amqp_basic_consume_t request;
};

static void set_tag(char tag[static 32], unsigned number)
{
    snprintf(tag, 32, "fanfold-%u", number);
}

static void consume_init(struct consume *consume, const char *partition, unsigned number,
                         struct stream_start start)
{
    set_tag(consume->tag, number);
    consume->offset.key = amqp_cstring_bytes("x-stream-offset");
    offset_value(start, &consume->offset.value);
    consume->request = (amqp_basic_consume_t){
        .queue = amqp_cstring_bytes(partition),
        .consumer_tag = amqp_cstring_bytes(consume->tag),
        .arguments = {1, &consume->offset},
    };
}

bool stream_attach(struct amqp_link *link, const char *partition, struct stream_start start,
                   uint16_t prefetch, struct error *error)
{
    amqp_basic_qos_t qos = {.prefetch_count = prefetch};
    struct consume consume;
    consume_init(&consume, partition, 0, start);
    if (!amqp_link_rpc(link, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD, NULL, error))
        return false;
    if (amqp_link_rpc(link, AMQP_BASIC_CONSUME_METHOD, &consume.request,
                      AMQP_BASIC_CONSUME_OK_METHOD, NULL, error))
        return true;
    if (link->closed_by == AMQP_NOT_FOUND && error->kind == ERROR_CONFIG)
        return stream_missing(link, partition, error);
    return false;
}

static bool send(struct amqp_link *link, amqp_method_number_t id, void *request,
                 struct error *error)
{
    int status = amqp_send_method(link->state, AMQP_LINK_CHANNEL, id, request);
    return status == AMQP_STATUS_OK || amqp_link_failed(link, status, error);
}

/* What is unacknowledged for long closes the channel, also after a cancel; before it, the
 * acknowledgement would be credit for the subscription that ends. */
bool stream_cancel_send(struct amqp_link *link, unsigned number, uint64_t delivered,
                        struct error *error)
{
    char tag[32];
    set_tag(tag, number);
    amqp_basic_cancel_t cancel = {.consumer_tag = amqp_cstring_bytes(tag)};
    amqp_basic_ack_t done = {.delivery_tag = delivered, .multiple = 1};
    return send(link, AMQP_BASIC_CANCEL_METHOD, &cancel, error) &&
           (!delivered || send(link, AMQP_BASIC_ACK_METHOD, &done, error));
}

bool stream_consume_send(struct amqp_link *link, const char *partition, unsigned number,
                         struct stream_start start, uint16_t prefetch, struct error *error)
{
    amqp_basic_qos_t qos = {.prefetch_count = prefetch};
    struct consume consume;
    consume_init(&consume, partition, number, start);
    return send(link, AMQP_BASIC_QOS_METHOD, &qos, error) &&
           send(link, AMQP_BASIC_CONSUME_METHOD, &consume.request, error);
}
