/*
 * stream_attach.c: basic.qos and basic.consume with an x-stream-offset (FACTS 1.1, 1.2).
 */
#include "log/stream_attach.h"

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

static bool consume(struct amqp_link *link, const char *partition, struct stream_start start,
                    struct error *error)
{
    amqp_table_entry_t offset = {.key = amqp_cstring_bytes("x-stream-offset")};
    offset_value(start, &offset.value);
    amqp_basic_consume_t request = {
        .queue = amqp_cstring_bytes(partition),
        .consumer_tag = amqp_cstring_bytes("fanfold"),
        .arguments = {1, &offset},
    };
    return amqp_link_rpc(link, AMQP_BASIC_CONSUME_METHOD, &request, AMQP_BASIC_CONSUME_OK_METHOD,
                         NULL, error);
}

bool stream_attach(struct amqp_link *link, const char *partition, struct stream_start start,
                   uint16_t prefetch, struct error *error)
{
    amqp_basic_qos_t qos = {.prefetch_count = prefetch};
    if (!amqp_link_rpc(link, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD, NULL, error))
        return false;
    if (consume(link, partition, start, error))
        return true;
    if (link->closed_by == AMQP_NOT_FOUND && error->kind == ERROR_CONFIG)
        return stream_missing(link, partition, error);
    return false;
}
