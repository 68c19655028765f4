/* match.c: which rules an event type has, and what a view says of itself. */
#include "view/pointer.h"

#include "view/match.h"
#include "view/operand.h"
#include <stdlib.h>

static int compare(const void *type, const void *rule)
{
    return str_cmp(*(const struct str *)type, ((const struct rule *)rule)->prefix);
}

const struct rule *match_next(const struct view *view, struct str type, size_t *cursor)
{
    if (*cursor == 0) {
        const struct rule *exact =
            bsearch(&type, view->rules, view->rule_count, sizeof(*exact), compare);
        *cursor = 1;
        if (exact)
            return exact;
    }
    while (*cursor <= view->prefix_count) {
        const struct rule *rule = &view->prefixes[(*cursor)++ - 1];
        if (str_starts(type, rule->prefix))
            return rule;
    }
    return NULL;
}

bool view_matches(const struct view *view, struct str type)
{
    size_t cursor = 0;

    return match_next(view, type, &cursor) != NULL;
}

/* An attribute that is known even of an event that could not be decoded. */
static struct str known_attribute(const struct pointer *pointer, const struct cloudevent *event)
{
    const struct {
        const char *name;
        struct str value;
    } attributes[] = {{"id", event->id},
                      {"source", event->source},
                      {"type", event->type},
                      {"subject", event->subject}};

    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]) && pointer->count == 1; i++)
        if (str_eq(pointer->tokens[0].name, str_of(attributes[i].name)))
            return attributes[i].value;
    return (struct str){NULL, 0};
}

struct str view_park_key(const struct view *view, const struct cloudevent *event,
                         struct arena *scratch)
{
    struct error error;
    struct scope scope = {.event = event, .scratch = scratch, .why = &error};
    const struct json *node;
    struct str text;

    if (!view->has_park_by)
        return (struct str){NULL, 0};
    text = known_attribute(&view->park_by, event);
    if (str_is(text))
        return text.len ? arena_copy(scratch, text) : (struct str){NULL, 0};
    if (!event->root || !pointer_look(&view->park_by, &scope, &node) || !node ||
        !text_of(node, scratch, &text, view->park_by.text, &error))
        return (struct str){NULL, 0};
    return arena_copy(scratch, text);
}

const char *view_name(const struct view *view)
{
    return view->name;
}

const char *view_file(const struct view *view)
{
    return view->file;
}

const char *view_about(const struct view *view)
{
    return view->about;
}

size_t view_exchange_count(const struct view *view)
{
    return view->exchange_count;
}

const char *view_exchange(const struct view *view, size_t index)
{
    return view->exchanges[index];
}

enum on_error view_on_error(const struct view *view)
{
    return view->on_error;
}

bool view_commutes(const struct view *view)
{
    return view->commutes;
}

const char *view_order_why(const struct view *view)
{
    return view->order_why ? view->order_why : "";
}

bool view_reads(const struct view *view)
{
    return view->withs != NULL;
}

uint64_t view_digest(const struct view *view)
{
    return view->digest;
}

struct str view_text(const struct view *view)
{
    return view->text;
}

size_t view_row_count(const struct view *view)
{
    return view->family_count;
}

const struct view_row *view_row(const struct view *view, size_t index)
{
    return &view->families[index];
}
