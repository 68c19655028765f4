/*
 * draft.c: an event under construction.
 *
 * The object is made of one block of nodes: [root][attributes …][extensions …]. Data and attributes
 * come first in it, because views ask for them most and a member is found by walking.
 */
#include "event/draft.h"
#include "base/timestamp.h"
#include "event/text.h"

#define TIMESTAMP_TEXT_LEN 24 /* of what timestamp_format() makes */

static const struct str attribute_names[ATTRIBUTE_TEXTS] = {
    [ATTRIBUTE_ID] = {"id", 2},
    [ATTRIBUTE_SOURCE] = {"source", 6},
    [ATTRIBUTE_TYPE] = {"type", 4},
    [ATTRIBUTE_SUBJECT] = {"subject", 7},
    [ATTRIBUTE_TIME] = {"time", 4},
    [ATTRIBUTE_CORRELATIONID] = {"correlationid", 13},
    [ATTRIBUTE_DATACONTENTTYPE] = {"datacontenttype", 15},
};

enum attribute attribute_of(struct str name)
{
    switch (name.len) {
    case 2:
        return str_eq(name, STR("id")) ? ATTRIBUTE_ID : ATTRIBUTE_EXTENSION;
    case 4:
        if (str_eq(name, STR("type")))
            return ATTRIBUTE_TYPE;
        if (str_eq(name, STR("time")))
            return ATTRIBUTE_TIME;
        return str_eq(name, STR("data")) ? ATTRIBUTE_DATA : ATTRIBUTE_EXTENSION;
    case 6:
        return str_eq(name, STR("source")) ? ATTRIBUTE_SOURCE : ATTRIBUTE_EXTENSION;
    case 7:
        return str_eq(name, STR("subject")) ? ATTRIBUTE_SUBJECT : ATTRIBUTE_EXTENSION;
    case 11:
        if (str_eq(name, STR("specversion")))
            return ATTRIBUTE_SPECVERSION;
        return str_eq(name, STR("data_base64")) ? ATTRIBUTE_DATA_BASE64 : ATTRIBUTE_EXTENSION;
    case 13:
        return str_eq(name, STR("correlationid")) ? ATTRIBUTE_CORRELATIONID : ATTRIBUTE_EXTENSION;
    case 15:
        return str_eq(name, STR("datacontenttype")) ? ATTRIBUTE_DATACONTENTTYPE
                                                    : ATTRIBUTE_EXTENSION;
    default:
        return ATTRIBUTE_EXTENSION;
    }
}

void draft_reserve(struct draft *draft, size_t extensions)
{
    size_t nodes = 1 + ATTRIBUTE_TEXTS + extensions;
    draft->nodes = arena_alloc(draft->arena, nodes * sizeof(*draft->nodes));
    draft->extension_count = 0;
}

static struct json *extension_nodes(const struct draft *draft)
{
    return draft->nodes + 1 + ATTRIBUTE_TEXTS;
}

/* Is text longer than the attribute may be? */
static bool too_long(enum attribute attribute, struct str text)
{
    return attribute <= ATTRIBUTE_SUBJECT && text.len > ATTRIBUTE_MAX;
}

bool draft_text(struct draft *draft, enum attribute attribute, struct str text, struct error *error)
{
    const char *name = attribute_names[attribute].at;
    if (text.len == 0)
        return true;
    if (too_long(attribute, text))
        return error_set(error, ERROR_NO, "%s is %zu bytes long; at most %d are allowed", name,
                         text.len, ATTRIBUTE_MAX);
    size_t at;
    const char *fault = text_fault(text, &at);
    if (fault)
        return error_set(error, ERROR_NO,
                         "%s: byte %zu %s; an attribute is UTF-8 text without control characters",
                         name, at, fault);
    draft->text[attribute] = text;
    return true;
}

void draft_offer(struct draft *draft, enum attribute attribute, struct str text)
{
    size_t at;
    if (text.len == 0 || str_is(draft->text[attribute]) || too_long(attribute, text) ||
        text_fault(text, &at))
        return;
    draft->text[attribute] = text;
}

/* Does a text that is RFC 3339 already have the form that events show ("2026-01-31T09:05:07.000Z")?
 * What Fanfold publishes does. A leap second is written otherwise than it is read. */
static bool is_normal_time(struct str text)
{
    return text.len == TIMESTAMP_TEXT_LEN && text.at[10] == 'T' && text.at[17] != '6' &&
           text.at[19] == '.' && text.at[23] == 'Z';
}

static void set_time(struct draft *draft, int64_t ms)
{
    char *text = arena_alloc(draft->arena, TIMESTAMP_TEXT_MAX);
    draft->text[ATTRIBUTE_TIME] = (struct str){text, timestamp_format(ms, text)};
    draft->time_ms = ms;
}

bool draft_time(struct draft *draft, struct str text, bool unix_too, struct error *error)
{
    int64_t ms;
    size_t at;
    if (unix_too ? timestamp_parse_any(text, &ms) : timestamp_parse(text, &ms)) {
        if (is_normal_time(text)) {
            draft->text[ATTRIBUTE_TIME] = text;
            draft->time_ms = ms;
        } else {
            set_time(draft, ms);
        }
        return true;
    }
    struct str shown = text_fault(text, &at) ? STR("…") : text;
    if (shown.len > 64)
        shown = STR("…");
    return error_set(error, ERROR_NO, "time \"%.*s\" is not RFC 3339 (2026-01-31T09:05:07Z)%s",
                     STRF(shown), unix_too ? ", nor a number of Unix seconds or milliseconds" : "");
}

bool time_from_number(int64_t number, int64_t *ms)
{
    const int64_t first = INT64_C(-62135596800000), last = INT64_C(253402300799999);
    const int64_t milliseconds_from = INT64_C(100000000000);
    if (number < first / 1000 || number > last)
        return false;
    *ms = number >= milliseconds_from ? number : number * 1000;
    return true;
}

bool draft_time_number(struct draft *draft, int64_t number)
{
    int64_t ms;
    if (!time_from_number(number, &ms))
        return false;
    set_time(draft, ms);
    return true;
}

bool draft_specversion(struct draft *draft, struct str text, struct error *error)
{
    size_t at;
    if (str_eq(text, STR("1.0"))) {
        draft->has_specversion = true;
        return true;
    }
    struct str shown = text.len > 64 || text_fault(text, &at) ? STR("…") : text;
    return error_set(error, ERROR_NO, "specversion is \"%.*s\"; only \"1.0\" is read", STRF(shown));
}

bool draft_has_extension(const struct draft *draft, struct str name)
{
    const struct json *extensions = extension_nodes(draft);
    for (size_t i = 0; i < draft->extension_count; i++) {
        if (str_eq(extensions[i].name, name))
            return true;
    }
    return false;
}

void draft_extension(struct draft *draft, struct json node)
{
    extension_nodes(draft)[draft->extension_count++] = node;
}

void draft_body(struct draft *draft, struct str bytes)
{
    if (bytes.len == 0)
        return;
    draft->data_bytes = bytes;
    if (bytes.len > DATA_MAX) {
        draft->data_fault =
            arena_printf(draft->arena, "data of %zu bytes is not read as JSON; at most %d are",
                         bytes.len, DATA_MAX);
        return;
    }
    struct error error;
    draft->data = json_parse(draft->arena, bytes, &error);
    if (!draft->data)
        draft->data_fault = arena_copy(draft->arena, str_of(error.text));
}

/* A header may be called like an attribute; it is none, but `all` shows it where there is no other.
 */
static bool is_shown(const struct draft *draft, struct str name, bool all)
{
    enum attribute attribute = attribute_of(name);
    if (attribute == ATTRIBUTE_EXTENSION)
        return true;
    bool given = attribute < ATTRIBUTE_TEXTS ? str_is(draft->text[attribute])
                                             : attribute == ATTRIBUTE_DATA && draft->data;
    return all && !given;
}

const struct json *draft_link(struct draft *draft, bool all)
{
    struct json *root = draft->nodes, *attributes = root + 1, *extensions = extension_nodes(draft);
    *root = (struct json){.kind = JSON_OBJECT};
    struct json **tail = &root->child;
    if (draft->data) {
        draft->data->name = STR("data");
        *tail = draft->data;
        tail = &draft->data->next;
        root->count++;
    }
    for (size_t i = 0; i < ATTRIBUTE_TEXTS; i++) {
        if (!str_is(draft->text[i]))
            continue;
        attributes[i] =
            (struct json){.kind = JSON_STRING, .text = draft->text[i], .name = attribute_names[i]};
        *tail = &attributes[i];
        tail = &attributes[i].next;
        root->count++;
    }
    for (size_t i = 0; i < draft->extension_count; i++) {
        if (!is_shown(draft, extensions[i].name, all))
            continue;
        *tail = &extensions[i];
        tail = &extensions[i].next;
        root->count++;
    }
    *tail = NULL;
    return root;
}

void draft_finish(struct draft *draft, struct cloudevent *event)
{
    /* Data that is JSON says so, whatever form it came in (CloudEvents JSON format, section 3.1):
     * so an event is the same before it is published and after. */
    if (draft->data && !str_is(draft->text[ATTRIBUTE_DATACONTENTTYPE]))
        draft->text[ATTRIBUTE_DATACONTENTTYPE] = STR("application/json");
    *event = (struct cloudevent){
        .root = draft_link(draft, false),
        .id = draft->text[ATTRIBUTE_ID],
        .source = draft->text[ATTRIBUTE_SOURCE],
        .type = draft->text[ATTRIBUTE_TYPE],
        .published_type = draft->text[ATTRIBUTE_TYPE],
        .subject = draft->text[ATTRIBUTE_SUBJECT],
        .has_time = str_is(draft->text[ATTRIBUTE_TIME]),
        .time_ms = draft->time_ms,
        .data_bytes = draft->data_bytes,
        .data_fault = draft->data_fault,
    };
}
