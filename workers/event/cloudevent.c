/*
 * cloudevent.c: what one asks of an event: its keys, and its text.
 */
#include "event/base64.h"
#include "event/draft.h"

struct hash128 cloudevent_key(const struct cloudevent *event)
{
    const struct str texts[] = {event->source, event->id};
    return hash128_of(texts, 2);
}

uint64_t cloudevent_content(const struct cloudevent *event)
{
    const struct str texts[] = {event->published_type, event->data_bytes};
    return hash128_of(texts, 2).lo;
}

/* JSON text on one line: within it, line breaks are blanks between tokens. */
static void add_source(struct buf *out, struct str source)
{
    char *to = buf_room(out, source.len);
    for (size_t i = 0; i < source.len; i++)
        to[i] = source.at[i] == '\n' || source.at[i] == '\r' ? ' ' : source.at[i];
    out->len += source.len;
}

static bool add_value(struct buf *out, const struct json *value, struct error *error)
{
    if ((value->kind == JSON_ARRAY || value->kind == JSON_OBJECT) && str_is(value->text)) {
        add_source(out, value->text);
        return true;
    }
    if (value->kind == JSON_NUMBER) {
        buf_add(out, value->text);
        return true;
    }
    return json_canonical(out, value, error);
}

static bool add_member(struct buf *out, const struct json *member, struct error *error)
{
    buf_add_byte(out, ',');
    buf_add_json_string(out, member->name);
    buf_add_byte(out, ':');
    return add_value(out, member, error);
}

static bool add_attributes(struct buf *out, const struct cloudevent *event, struct error *error)
{
    buf_add(out, STR("{\"specversion\":\"1.0\""));
    for (const struct json *member = event->root->child; member; member = member->next) {
        if (attribute_of(member->name) != ATTRIBUTE_DATA && !add_member(out, member, error))
            return false;
    }
    return true;
}

bool cloudevent_to_json(struct buf *out, const struct cloudevent *event, struct error *error)
{
    size_t start = out->len;
    if (!add_attributes(out, event, error)) {
        out->len = start;
        return false;
    }
    if (json_member(event->root, STR("data"))) {
        buf_add(out, STR(",\"data\":"));
        add_source(out, event->data_bytes);
    } else if (str_is(event->data_bytes)) {
        buf_add(out, STR(",\"data_base64\":\""));
        base64_encode(out, event->data_bytes);
        buf_add_byte(out, '"');
    }
    buf_add_byte(out, '}');
    return true;
}
