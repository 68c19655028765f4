/*
 * line_fuzz.c: one line of NDJSON. What is accepted can be printed (`tail --json`), and what is
 * printed reads back as the same event, printed the same.
 */
#include "fuzz.h"

#include "base/error.h"
#include <fanfold/cloudevent.h>
#include <stdlib.h>

/* The same members with the same values. A number beyond ±2^53 has no canonical form. */
static void check_members(const struct cloudevent *event, const struct cloudevent *again)
{
    struct buf one = {0}, other = {0};
    struct error error;
    bool canonical = json_canonical(&one, event->root, &error);
    assert(json_canonical(&other, again->root, &error) == canonical);
    assert(str_eq(buf_str(&one), buf_str(&other)));
    buf_release(&one);
    buf_release(&other);
}

static void check_round_trip(const struct cloudevent *event)
{
    const struct publish_defaults none = {0};
    struct arena arena = {0};
    struct buf first = {0}, second = {0};
    struct cloudevent again;
    struct error error = {0};
    assert(cloudevent_to_json(&first, event, &error));
    assert(cloudevent_from_line(buf_str(&first), &none, (struct str){NULL, 0}, &arena, &again,
                                &error));
    assert(cloudevent_to_json(&second, &again, &error));
    assert(str_eq(buf_str(&first), buf_str(&second)));
    check_members(event, &again);
    struct hash128 one = cloudevent_key(event), other = cloudevent_key(&again);
    assert(one.lo == other.lo && one.hi == other.hi);
    assert(cloudevent_content(event) == cloudevent_content(&again));
    arena_release(&arena);
    buf_release(&first);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct message_header header = {
        .name = STR("tenant"), .kind = HEADER_TEXT, .text = STR("blue")};
    const struct publish_defaults defaults = {.type = STR("t"),
                                              .subject = STR("s"),
                                              .time = STR("2026-01-31T09:05:07Z"),
                                              .headers = &header,
                                              .header_count = 1};
    struct arena arena = {0};
    struct cloudevent event;
    struct error error = {0};
    char *line = must_alloc(size); /* what reads lines takes the breaks away */
    for (size_t i = 0; i < size; i++)
        line[i] = data[i] == '\n' || data[i] == '\r' ? ' ' : (char)data[i];
    if (cloudevent_from_line((struct str){line, size}, &defaults, STR("made"), &arena, &event,
                             &error))
        check_round_trip(&event);
    else
        assert(error.text[0]);
    arena_release(&arena);
    free(line);
    return 0;
}
