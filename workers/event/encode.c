/*
 * encode.c: event → AMQP message in binary mode. What a reader without any knowledge of CloudEvents
 * looks at, the properties, says the same as the headers.
 */
#include "event/header.h"
#include "event/text.h"

#define SHORTSTR_MAX 255 /* AMQP 0-9-1: routing key and properties */

static bool check_shortstr(const char *what, struct str text, struct error *error)
{
    return text.len <= SHORTSTR_MAX ||
           error_set(error, ERROR_NO, "%s is %zu bytes long; AMQP allows %d", what, text.len,
                     SHORTSTR_MAX);
}

static bool check_properties(const struct message *message, struct error *error)
{
    return check_shortstr("exchange", message->exchange, error) &&
           check_shortstr("routing key", message->routing_key, error) &&
           check_shortstr("id (property message_id)", message->message_id, error) &&
           check_shortstr("source (property app_id)", message->app_id, error) &&
           check_shortstr("type (property type)", message->type, error) &&
           check_shortstr("datacontenttype (property content_type)", message->content_type,
                          error) &&
           check_shortstr("correlationid (property correlation_id)", message->correlation_id,
                          error);
}

static bool encode_headers(const struct cloudevent *event, struct arena *arena,
                           struct message *message, struct error *error)
{
    size_t room = event->root->count + (size_t)1, count = 0;
    struct message_header *headers = arena_alloc(arena, room * sizeof(*headers));
    headers[count++] = (struct message_header){
        .name = STR("cloudEvents:specversion"), .kind = HEADER_TEXT, .text = STR("1.0")};
    for (const struct json *member = event->root->child; member; member = member->next) {
        enum attribute attribute = attribute_of(member->name);
        if (attribute == ATTRIBUTE_DATA || attribute == ATTRIBUTE_DATACONTENTTYPE ||
            member->kind == JSON_NULL)
            continue;
        if (!header_from_member(arena, member, &headers[count++], error))
            return false;
    }
    message->headers = headers;
    message->header_count = count;
    return true;
}

static struct str member_text(const struct cloudevent *event, struct str name)
{
    const struct json *member = json_member(event->root, name);
    return member && member->kind == JSON_STRING ? member->text : (struct str){NULL, 0};
}

bool cloudevent_encode(const struct cloudevent *event, struct str exchange, struct str key,
                       struct arena *arena, struct message *message, struct error *error)
{
    if (event->type.len == 0)
        return error_set(error, ERROR_NO, "no type; a CloudEvent needs one");
    struct message made = {
        .exchange = exchange,
        .routing_key = str_is(key) ? key : event->subject,
        .content_type = member_text(event, STR("datacontenttype")),
        .message_id = event->id,
        .type = event->type,
        .app_id = event->source,
        .correlation_id = member_text(event, STR("correlationid")),
        .has_timestamp = event->has_time && event->time_ms >= 0,
        .body = event->data_bytes,
    };
    if (made.has_timestamp)
        made.timestamp = (uint64_t)event->time_ms / 1000;
    if (text_starts_nocase(made.content_type, STR("application/cloudevents")))
        return error_set(error, ERROR_NO,
                         "datacontenttype application/cloudevents… says that data is an event "
                         "itself; publish that event");
    if (!check_properties(&made, error) || !encode_headers(event, arena, &made, error))
        return false;
    *message = made;
    return true;
}
