/*
 * decode.c: AMQP message → event. Three forms, the first that applies (DESIGN section 3):
 *
 *   structured  content_type application/cloudevents+json: the body is the whole event;
 *   binary      attributes in headers "cloudEvents:id", …: the body is data;
 *   plain       any publisher: attributes by the log's `read`, else from the properties.
 *
 * The body is parsed once, and what an event needs besides is one block of nodes in the arena. The
 * attributes of an event (id, source, type, subject, time) must be right, or the message is none;
 * an extension that is wrong is left out, since nobody may lose an event over a tracing header.
 */
#include "event/header.h"
#include "event/pointer.h"
#include "event/structured.h"
#include "event/text.h"
#include "event/upcast.h"
#include <inttypes.h>

static void read_body(struct draft *draft, const struct message *message)
{
    draft_body(draft, message->body);
    size_t at;
    if (str_is(draft->data_fault) && message->content_encoding.len &&
        !text_fault(message->content_encoding, &at))
        draft->data_fault =
            arena_printf(draft->arena, "%.*s (content_encoding \"%.*s\" is not decoded)",
                         STRF(draft->data_fault), STRF(message->content_encoding));
}

static bool read_structured(struct draft *draft, const struct message *message, struct error *error)
{
    if (!text_starts_nocase(message->content_type, STR("application/cloudevents+json"))) {
        size_t at;
        struct str type = message->content_type;
        return error_set(error, ERROR_NO,
                         "content_type %.*s: of these, only application/cloudevents+json is read "
                         "(one event a message)",
                         STRF(text_fault(type, &at) ? STR("application/cloudevents…") : type));
    }
    if (message->body.len > DATA_MAX)
        return error_set(error, ERROR_NO, "structured CloudEvent of %zu bytes; at most %d are read",
                         message->body.len, DATA_MAX);
    struct json *root = json_parse(draft->arena, message->body, error);
    if (!root)
        return error_prefix(error, "structured CloudEvent");
    if (root->kind != JSON_OBJECT)
        return error_set(error, ERROR_NO, "structured CloudEvent: the body is not an object");
    struct structured from = {.root = root, .text = message->body};
    return structured_read(draft, &from, error);
}

/* The attributes that CloudEvents asks for (1.0.2 section 3.1); `form` says where they were sought.
 */
static bool require_attributes(const struct draft *draft, const char *form, struct error *error)
{
    if (!draft->has_specversion)
        return error_set(error, ERROR_NO, "%s CloudEvent without specversion; write \"1.0\"", form);
    if (!str_is(draft->text[ATTRIBUTE_ID]))
        return error_set(error, ERROR_NO, "%s CloudEvent without id", form);
    if (!str_is(draft->text[ATTRIBUTE_SOURCE]))
        return error_set(error, ERROR_NO, "%s CloudEvent without source", form);
    if (!str_is(draft->text[ATTRIBUTE_TYPE]))
        return error_set(error, ERROR_NO, "%s CloudEvent without type", form);
    return true;
}

/* One header "cloudEvents:<name>". Of an attribute that is there twice (under two prefixes) the
 * first counts. */
static bool read_attribute(struct draft *draft, const struct message_header *header,
                           struct str name, struct error *error)
{
    struct json value;
    enum attribute attribute = attribute_of(name);
    if (attribute == ATTRIBUTE_TIME && header->kind == HEADER_TIMESTAMP &&
        !str_is(draft->text[ATTRIBUTE_TIME]))
        return draft_time_number(draft, header->integer) ||
               error_set(error, ERROR_NO, "time %" PRId64 " is outside of the years 1 to 9999",
                         header->integer);
    if (!header_value(draft->arena, header, &value))
        return true;
    struct str text = header_scalar_text(&value);
    if (attribute == ATTRIBUTE_EXTENSION) {
        value.name = name;
        header_extension(draft, value);
        return true;
    }
    if (attribute == ATTRIBUTE_SPECVERSION)
        return draft_specversion(draft, text, error);
    if (attribute >= ATTRIBUTE_TEXTS || str_is(draft->text[attribute]) || text.len == 0)
        return true;
    if (attribute == ATTRIBUTE_TIME)
        return draft_time(draft, text, false, error);
    if (attribute > ATTRIBUTE_TIME) {
        draft_offer(draft, attribute, text);
        return true;
    }
    return draft_text(draft, attribute, text, error);
}

/* Headers that are no attributes: extensions under their own name. A correlation id is the same
 * thing wherever it stands. */
static void read_plain_headers(struct draft *draft, const struct message *message, bool binary)
{
    for (size_t i = 0; i < message->header_count; i++) {
        const struct message_header *header = &message->headers[i];
        struct json value;
        if (str_starts(header->name, STR("x-stream-offset")) ||
            (binary && header_prefix(header->name)) || !header_value(draft->arena, header, &value))
            continue;
        value.name = header->name;
        if (attribute_of(header->name) == ATTRIBUTE_CORRELATIONID)
            draft_offer(draft, ATTRIBUTE_CORRELATIONID, header_scalar_text(&value));
        else
            header_extension(draft, value);
    }
}

/* After a fault it reads on: who parks the event asks for its type. */
static bool read_binary(struct draft *draft, const struct message *message, struct error *error)
{
    struct error later; /* faults behind the first one */
    bool ok = true;
    draft_offer(draft, ATTRIBUTE_DATACONTENTTYPE, message->content_type);
    for (size_t i = 0; i < message->header_count; i++) {
        const struct message_header *header = &message->headers[i];
        size_t prefix = header_prefix(header->name);
        if (!prefix)
            continue;
        struct str name = header_lower(draft->arena, str_from(header->name, prefix));
        ok &= read_attribute(draft, header, name, ok ? error : &later);
    }
    draft_offer(draft, ATTRIBUTE_CORRELATIONID, message->correlation_id);
    read_plain_headers(draft, message, true);
    if (!ok || !require_attributes(draft, "binary", error))
        return false;
    read_body(draft, message);
    return true;
}

/* The text at a pointer of `read`; {NULL,0} when there is nothing that could be an attribute. */
static struct str find_text(const struct draft *draft, const struct json *root, const char *pointer)
{
    if (!pointer)
        return (struct str){NULL, 0};
    const struct json *node = pointer_find(root, str_of(pointer), draft->arena);
    return node ? header_scalar_text(node) : (struct str){NULL, 0};
}

static bool set_read(struct draft *draft, enum attribute attribute, struct str text,
                     struct error *error)
{
    if (attribute == ATTRIBUTE_TIME)
        return draft_time(draft, text, true, error);
    return draft_text(draft, attribute, text, error);
}

/* Sets what the log's `read` names and finds. It looks at the event as the properties, the headers
 * and the body make it. */
static bool apply_read(struct draft *draft, const struct read_rules *read, struct error *error)
{
    const struct {
        enum attribute attribute;
        const char *pointer;
    } rules[] = {
        {ATTRIBUTE_TYPE, read->type},
        {ATTRIBUTE_ID, read->id},
        {ATTRIBUTE_SOURCE, read->source},
        {ATTRIBUTE_SUBJECT, read->subject},
        {ATTRIBUTE_CORRELATIONID, read->correlationid},
        {ATTRIBUTE_TIME, read->time},
    };
    const struct json *root = draft_link(draft, true);
    struct error later; /* faults behind the first one */
    bool ok = true;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct str text = find_text(draft, root, rules[i].pointer);
        if (text.len == 0)
            continue;
        struct error *why = ok ? error : &later;
        if (!set_read(draft, rules[i].attribute, text, why))
            ok = error_prefix(why, "read from %s", rules[i].pointer);
    }
    return ok;
}

/* What the properties give and nothing else gave; what is wrong in them is left out. */
static void offer_properties(struct draft *draft, const struct message *message)
{
    draft_offer(draft, ATTRIBUTE_ID, message->message_id);
    draft_offer(draft, ATTRIBUTE_TYPE, message->type);
    draft_offer(draft, ATTRIBUTE_SOURCE, message->app_id);
    draft_offer(draft, ATTRIBUTE_SUBJECT, message->routing_key);
    draft_offer(draft, ATTRIBUTE_CORRELATIONID, message->correlation_id);
    if (message->has_timestamp && !str_is(draft->text[ATTRIBUTE_TIME]) &&
        message->timestamp <= INT64_MAX)
        draft_time_number(draft, (int64_t)message->timestamp);
}

/* What a property should have given but could not is an error. */
static bool check_properties(struct draft *draft, const struct message *message,
                             struct error *error)
{
    const struct {
        enum attribute attribute;
        const char *name;
        struct str text;
    } properties[] = {
        {ATTRIBUTE_ID, "message_id", message->message_id},
        {ATTRIBUTE_TYPE, "type", message->type},
        {ATTRIBUTE_SOURCE, "app_id", message->app_id},
        {ATTRIBUTE_SUBJECT, "routing key", message->routing_key},
    };
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (!str_is(draft->text[properties[i].attribute]) &&
            !draft_text(draft, properties[i].attribute, properties[i].text, error))
            return error_prefix(error, "property %s", properties[i].name);
    }
    if (message->has_timestamp && !str_is(draft->text[ATTRIBUTE_TIME]))
        return error_set(error, ERROR_NO,
                         "property timestamp: %" PRIu64
                         " is no time; Unix seconds or milliseconds of the years 1 to 9999 are",
                         message->timestamp);
    return true;
}

static bool read_plain(struct draft *draft, const struct message *message,
                       const struct read_rules *read, struct error *error)
{
    offer_properties(draft, message);
    draft_offer(draft, ATTRIBUTE_DATACONTENTTYPE, message->content_type);
    read_plain_headers(draft, message, false);
    read_body(draft, message);
    if (read && !apply_read(draft, read, error))
        return false;
    return check_properties(draft, message, error);
}

/* An attribute under a prefix makes a message a CloudEvent in binary mode. */
static bool is_binary(const struct message *message, struct arena *arena)
{
    for (size_t i = 0; i < message->header_count; i++) {
        struct str name = message->headers[i].name;
        size_t prefix = header_prefix(name);
        if (!prefix)
            continue;
        enum attribute attribute = attribute_of(header_lower(arena, str_from(name, prefix)));
        if (attribute == ATTRIBUTE_SPECVERSION || attribute == ATTRIBUTE_ID ||
            attribute == ATTRIBUTE_TYPE)
            return true;
    }
    return false;
}

static bool read_message(struct draft *draft, const struct decoder *decoder,
                         const struct message *message, struct error *error)
{
    if (message->header_count > HEADERS_MAX)
        return error_set(error, ERROR_NO, "message with %zu headers; at most %d are read",
                         message->header_count, HEADERS_MAX);
    if (text_starts_nocase(message->content_type, STR("application/cloudevents")))
        return read_structured(draft, message, error) &&
               require_attributes(draft, "structured", error);
    draft_reserve(draft, message->header_count);
    if (is_binary(message, draft->arena))
        return read_binary(draft, message, error);
    return read_plain(draft, message, decoder->read, error);
}

/* Every event has an id and a source; where the message gives none they are made from its place. */
static void fill_identity(struct draft *draft, const struct decoder *decoder,
                          const struct message *message)
{
    if (!str_is(draft->text[ATTRIBUTE_ID]))
        draft->text[ATTRIBUTE_ID] =
            arena_printf(draft->arena, "%s/%" PRIu64, decoder->partition, message->offset);
    size_t at; /* the broker lets an exchange have any bytes for a name */
    struct str exchange = text_fault(message->exchange, &at) ? STR("") : message->exchange;
    if (!str_is(draft->text[ATTRIBUTE_SOURCE]))
        draft->text[ATTRIBUTE_SOURCE] = arena_printf(draft->arena, "/%.*s", STRF(exchange));
}

bool cloudevent_decode(const struct decoder *decoder, const struct message *message,
                       struct arena *arena, struct cloudevent *event, struct error *error)
{
    struct draft draft = {.arena = arena};
    bool ok = read_message(&draft, decoder, message, error);
    if (!ok) {
        if (!draft.nodes)
            draft_reserve(&draft, 0);
        offer_properties(&draft, message);
        draft.data = NULL;
        draft.data_bytes = draft.data_fault = (struct str){NULL, 0};
    }
    fill_identity(&draft, decoder, message);
    draft_finish(&draft, event);
    if (decoder->upcast && ok)
        upcast_apply(decoder->upcast, event, arena);
    else if (decoder->upcast)
        upcast_type(decoder->upcast, event);
    return ok;
}
