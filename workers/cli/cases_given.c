/*
 * cases_given.c: the events of a case, made by the reader of `fanfold publish`'s lines.
 */
#include "cli/cases_given.h"

#include <stdlib.h>

/* The event as a line: with "specversion", which people leave out. */
static struct str line_of(struct arena *arena, const struct json *node)
{
    if (node->count == 0 || json_member(node, STR("specversion")))
        return node->text;
    return arena_printf(arena, "{\"specversion\":\"1.0\",%.*s", STRF(str_from(node->text, 1)));
}

static void event_read(struct case_reader *reader, const char *place, const struct json *node,
                       size_t exchange, struct test_case *test)
{
    static const struct publish_defaults none = {0};
    struct arena *arena = &reader->file->arena;
    struct case_event *event = &test->events[test->event_count++];
    struct str made_id = arena_printf(arena, "event-%zu", test->event_count);
    struct error error;
    event->exchange = exchange;
    if (node->kind != JSON_OBJECT)
        case_fault(reader, place,
                   "an event is an object, {\"type\": \"order.placed\", \"data\": {…}}, found %s",
                   case_found(reader, node));
    else if (!json_member(node, STR("type")))
        case_fault(reader, place, "an event has a \"type\", and its body stands in \"data\"");
    else if (!cloudevent_from_line(line_of(arena, node), &none, made_id, arena, &event->event,
                                   &error))
        case_fault(reader, place, "%s", error.text);
}

static void events_read(struct case_reader *reader, const char *place, const struct json *list,
                        size_t exchange, struct test_case *test)
{
    size_t index = 0;
    if (list->kind != JSON_ARRAY) {
        case_fault(reader, place,
                   "takes a list of events, [{\"type\": …, \"data\": …}, …], found %s",
                   case_found(reader, list));
        return;
    }
    for (const struct json *node = list->child; node; node = node->next) {
        char *at = jsonfile_pointer_index(place, index++);
        event_read(reader, at, node, exchange, test);
        free(at);
    }
}

/* "a", "b": the exchanges of the view. */
static const char *exchanges(struct case_reader *reader)
{
    const struct view *view = reader->file->view;
    const char *list = "";
    for (size_t i = 0; i < view_exchange_count(view); i++)
        list = arena_printf(&reader->file->arena, "%s%s\"%s\"", list, i ? ", " : "",
                            view_exchange(view, i))
                   .at;
    return list;
}

/* {exchange: [event, …], …} */
static void by_exchange(struct case_reader *reader, const char *place, const struct json *given,
                        struct test_case *test)
{
    const struct view *view = reader->file->view;
    for (const struct json *list = given->child; list; list = list->next) {
        char *at = case_place(place, list->name);
        size_t i = 0;
        while (i < view_exchange_count(view) && !str_eq(list->name, str_of(view_exchange(view, i))))
            i++;
        if (i < view_exchange_count(view))
            events_read(reader, at, list, i, test);
        else
            case_fault(reader, at, "the view does not fold \"%.*s\"; it folds %s", STRF(list->name),
                       exchanges(reader));
        free(at);
    }
}

/* Of both forms. */
static size_t count_events(const struct json *given)
{
    size_t count = given->kind == JSON_ARRAY ? given->count : 0;
    for (const struct json *list = given->child; given->kind == JSON_OBJECT && list;
         list = list->next)
        count += list->kind == JSON_ARRAY ? list->count : 0;
    return count;
}

void case_given_read(struct case_reader *reader, const char *place, const struct json *given,
                     struct test_case *test)
{
    bool several = view_exchange_count(reader->file->view) > 1;
    size_t count = given ? count_events(given) : 0;
    if (count > CASE_EVENTS_MAX) {
        case_fault(reader, place, "%zu events; a case has at most %d", count, CASE_EVENTS_MAX);
        return;
    }
    test->events = arena_alloc(&reader->file->arena, (count + 1) * sizeof *test->events);
    if (given && given->kind == JSON_OBJECT)
        by_exchange(reader, place, given, test);
    else if (given && given->kind == JSON_ARRAY && !several)
        events_read(reader, place, given, 0, test);
    else if (several)
        case_fault(reader, place,
                   "the view folds several exchanges, which have no order among them: write "
                   "{exchange: [event, …], …} with %s, found %s",
                   exchanges(reader), case_found(reader, given));
    else
        case_fault(reader, place,
                   "\"given\" lists the events, [{\"type\": …, \"data\": …}, …], found %s",
                   case_found(reader, given));
}
