/*
 * line.c: one line of NDJSON → event, for `fanfold publish` and `fanfold try`. Strict where reading
 * is lenient: a mistake is mended most easily by the one who makes it.
 */
#include "event/header.h"
#include "event/structured.h"

/* A text that the line does not give. */
static bool fill(struct draft *draft, enum attribute attribute, struct str text,
                 struct error *error)
{
    return str_is(draft->text[attribute]) || draft_text(draft, attribute, text, error);
}

static bool fill_texts(struct draft *draft, const struct publish_defaults *defaults,
                       struct str made_id, struct error *error)
{
    if (defaults->time.len && !str_is(draft->text[ATTRIBUTE_TIME]) &&
        !draft_time(draft, defaults->time, true, error))
        return false;
    return fill(draft, ATTRIBUTE_TYPE, defaults->type, error) &&
           fill(draft, ATTRIBUTE_ID, defaults->id, error) &&
           fill(draft, ATTRIBUTE_ID, made_id, error) &&
           fill(draft, ATTRIBUTE_SOURCE, defaults->source, error) &&
           fill(draft, ATTRIBUTE_SOURCE, STR("/fanfold/publish"), error) &&
           fill(draft, ATTRIBUTE_SUBJECT, defaults->subject, error) &&
           fill(draft, ATTRIBUTE_CORRELATIONID, defaults->correlationid, error);
}

/* The headers given beside the line, where it has no extension of that name. */
static bool fill_extensions(struct draft *draft, const struct publish_defaults *defaults,
                            struct error *error)
{
    for (size_t i = 0; i < defaults->header_count; i++) {
        const struct message_header *header = &defaults->headers[i];
        struct json value;
        if (attribute_of(header->name) != ATTRIBUTE_EXTENSION)
            return error_set(error, ERROR_NO,
                             "header \"%.*s\": that is an attribute of the event; give it by its "
                             "own flag or in the line",
                             STRF(header->name));
        if (draft_has_extension(draft, header->name))
            continue;
        size_t before = draft->extension_count;
        if (header_value(draft->arena, header, &value)) {
            value.name = header->name;
            header_extension(draft, value);
        }
        if (draft->extension_count == before)
            return error_set(error, ERROR_NO,
                             "a header's name or value is empty, has a control character or is "
                             "not UTF-8");
    }
    return true;
}

static bool require(const struct draft *draft, bool is_data, struct error *error)
{
    if (!str_is(draft->text[ATTRIBUTE_TYPE]))
        return error_set(error, ERROR_NO, "no \"type\": %s",
                         is_data
                             ? "give -t TYPE for lines that are data only, or write CloudEvents "
                               "({\"specversion\":\"1.0\",\"type\":…,\"data\":…})"
                             : "write one, or give -t TYPE");
    if (!str_is(draft->text[ATTRIBUTE_ID]))
        return error_set(error, ERROR_NO, "no \"id\": write one, or give --id ID");
    return true;
}

/* An empty attribute is a slip: filled in silently it would cost the event its identity. */
static bool refuse_empty(const struct json *root, struct error *error)
{
    static const char *const names[] = {"id", "source", "type", "subject"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json *value = json_member(root, str_of(names[i]));
        if (value && value->kind == JSON_STRING && value->text.len == 0)
            return error_set(
                error, ERROR_NO,
                "\"%s\" is empty: CloudEvents wants at least one character; write one, or "
                "leave the member out",
                names[i]);
    }
    return true;
}

bool cloudevent_from_line(struct str line, const struct publish_defaults *defaults,
                          struct str made_id, struct arena *arena, struct cloudevent *event,
                          struct error *error)
{
    if (line.len > DATA_MAX)
        return error_set(error, ERROR_NO, "%zu bytes; an event has at most %d", line.len, DATA_MAX);
    struct json *root = json_parse(arena, line, error);
    if (!root)
        return error_prefix(error, "not JSON");
    struct draft draft = {.arena = arena};
    bool is_data = json_member(root, STR("specversion")) == NULL;
    if (is_data) {
        draft_reserve(&draft, defaults->header_count);
        draft.data = root;
        draft.data_bytes = structured_value_text(arena, root, line);
    } else {
        struct structured from = {
            .root = root, .text = line, .publishing = true, .room = defaults->header_count};
        if (!refuse_empty(root, error) || !structured_read(&draft, &from, error))
            return false;
    }
    if (!fill_texts(&draft, defaults, made_id, error) ||
        !fill_extensions(&draft, defaults, error) || !require(&draft, is_data, error))
        return false;
    draft_finish(&draft, event);
    return true;
}
