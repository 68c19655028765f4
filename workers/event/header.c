/*
 * header.c: AMQP headers ↔ attributes and extensions.
 *
 * Written names: "cloudEvents:<name>" when it is a name that CloudEvents allows (letters a-z and
 * digits). Other extensions ("x-github-event") stay headers under their own name, as foreign
 * readers know them, unless that name would be read back as something else.
 */
#include "event/header.h"
#include "base/number.h"
#include "base/timestamp.h"
#include "event/text.h"
#include <inttypes.h>
#include <math.h>

#define SHORTSTR_MAX 255 /* AMQP 0-9-1: names of headers */

static const struct str written_prefix = {"cloudEvents:", 12};

size_t header_prefix(struct str name)
{
    if (name.len < 3 || (name.at[0] | 0x20) != 'c')
        return 0;
    if (str_starts(name, written_prefix)) /* as nearly everybody writes it: quickly */
        return written_prefix.len;
    if (text_starts_nocase(name, STR("ce-")) || text_starts_nocase(name, STR("ce_")))
        return 3;
    if (text_starts_nocase(name, STR("cloudevents:")) ||
        text_starts_nocase(name, STR("cloudevents_")))
        return 12;
    return 0;
}

struct str header_lower(struct arena *arena, struct str name)
{
    if (attribute_of(name) != ATTRIBUTE_EXTENSION || !text_has_upper(name))
        return name;
    char *lower = arena_alloc(arena, name.len);
    for (size_t i = 0; i < name.len; i++) {
        bool upper = name.at[i] >= 'A' && name.at[i] <= 'Z';
        lower[i] = (char)(upper ? name.at[i] + 32 : name.at[i]);
    }
    return (struct str){lower, name.len};
}

bool header_value(struct arena *arena, const struct message_header *header, struct json *value)
{
    *value = (struct json){.kind = JSON_STRING};
    char *text;
    int64_t ms;
    switch (header->kind) {
    case HEADER_TEXT:
        value->text = header->text;
        return true;
    case HEADER_INT:
        value->kind = JSON_NUMBER;
        value->text = arena_int(arena, header->integer);
        return true;
    case HEADER_DOUBLE:
        if (!isfinite(header->real))
            return false;
        text = arena_alloc(arena, NUMBER_TEXT_MAX);
        value->kind = JSON_NUMBER;
        value->text = (struct str){text, number_format(header->real, text)};
        return true;
    case HEADER_BOOL:
        value->kind = header->integer ? JSON_TRUE : JSON_FALSE;
        return true;
    case HEADER_TIMESTAMP:
        if (!time_from_number(header->integer, &ms))
            return false;
        text = arena_alloc(arena, TIMESTAMP_TEXT_MAX);
        value->text = (struct str){text, timestamp_format(ms, text)};
        return true;
    }
    return false;
}

struct str header_scalar_text(const struct json *value)
{
    switch (value->kind) {
    case JSON_STRING:
    case JSON_NUMBER:
        return value->text;
    case JSON_TRUE:
        return STR("true");
    case JSON_FALSE:
        return STR("false");
    default:
        return (struct str){NULL, 0};
    }
}

void header_extension(struct draft *draft, struct json value)
{
    size_t at;
    if (value.name.len == 0 || text_fault(value.name, &at) ||
        (value.kind == JSON_STRING && text_fault(value.text, &at)) ||
        draft_has_extension(draft, value.name))
        return;
    draft_extension(draft, value);
}

static bool is_cloudevents_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return true;
}

/* Names that the broker or a reader of headers takes for something else. */
static bool is_special_name(struct str name)
{
    return header_prefix(name) || str_starts(name, STR("x-stream-offset")) ||
           str_eq(name, STR("CC")) || str_eq(name, STR("BCC"));
}

static bool written_name(struct arena *arena, struct str name, struct str *written,
                         struct error *error)
{
    bool special = is_special_name(name);
    if (special && text_has_upper(name))
        return error_set(error, ERROR_NO,
                         "extension \"%.*s\": AMQP readers take this header for something else; "
                         "write its name in lower case",
                         STRF(name));
    if (!special && !is_cloudevents_name(name)) {
        *written = name;
    } else {
        size_t len = written_prefix.len + name.len;
        char *text = arena_alloc(arena, len);
        memcpy(text, written_prefix.at, written_prefix.len);
        memcpy(text + written_prefix.len, name.at, name.len);
        *written = (struct str){text, len};
    }
    if (written->len > SHORTSTR_MAX)
        return error_set(error, ERROR_NO,
                         "extension \"%.*s…\": its header has a name of %zu bytes; AMQP allows %d",
                         20, name.at, written->len, SHORTSTR_MAX);
    return true;
}

static bool number_header(const struct json *member, struct message_header *header,
                          struct error *error)
{
    if (number_int(member->text, &header->integer) == NUMBER_OK) {
        header->kind = HEADER_INT;
        return true;
    }
    header->kind = HEADER_DOUBLE;
    if (number_double(member->text, &header->real) == NUMBER_OK)
        return true;
    return error_set(error, ERROR_NO,
                     "extension \"%.*s\" is a number beyond ±2^53; write it as a text",
                     STRF(member->name));
}

bool header_from_member(struct arena *arena, const struct json *member,
                        struct message_header *header, struct error *error)
{
    struct message_header made = {.kind = HEADER_TEXT, .text = member->text};
    if (!written_name(arena, member->name, &made.name, error))
        return false;
    switch (member->kind) {
    case JSON_STRING:
        break;
    case JSON_NUMBER:
        made.text = (struct str){NULL, 0};
        if (!number_header(member, &made, error))
            return false;
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        made.kind = HEADER_BOOL;
        made.text = (struct str){NULL, 0};
        made.integer = member->kind == JSON_TRUE;
        break;
    default:
        return error_set(error, ERROR_NO,
                         "extension \"%.*s\" is an array or an object, which a header cannot "
                         "hold; put it inside \"data\"",
                         STRF(member->name));
    }
    *header = made;
    return true;
}
