/*
 * message_fuzz.c: decode. Whatever a publisher sends, the event has an identity, its texts can be
 * shown, and what Fanfold would publish of it reads back as the same event.
 */
#include "fuzz.h"
#include "fuzz_message.h"

#include "base/timestamp.h"
#include "event/text.h"

static bool is_text(struct str text)
{
    size_t at;
    return text.len > 0 && !text_fault(text, &at);
}

static struct str member_text(const struct cloudevent *event, const char *name)
{
    const struct json *member = json_member(event->root, str_of(name));
    return member ? member->text : (struct str){NULL, 0};
}

static void check_event(const struct cloudevent *event)
{
    assert(event->root && event->root->kind == JSON_OBJECT);
    assert(is_text(event->id) && str_eq(event->id, member_text(event, "id")));
    assert(is_text(event->source) && str_eq(event->source, member_text(event, "source")));
    assert(event->type.len == 0 || is_text(event->type));
    assert(event->subject.len == 0 || is_text(event->subject));
    assert(str_eq(event->type, member_text(event, "type")));
    assert(str_eq(event->subject, member_text(event, "subject")));
    if (event->has_time) {
        char text[TIMESTAMP_TEXT_MAX];
        size_t len = timestamp_format(event->time_ms, text);
        assert(str_eq((struct str){text, len}, member_text(event, "time")));
    }
    assert(!str_is(event->data_fault) || !json_member(event->root, STR("data")));
}

static void check_line(const struct cloudevent *event, struct arena *arena)
{
    struct buf line = {0};
    struct error error = {0};
    if (cloudevent_to_json(&line, event, &error)) {
        struct str text = buf_str(&line);
        assert(!memchr(text.at, '\n', text.len));
        assert(json_parse(arena, text, &error));
    } else {
        assert(error.text[0]);
    }
    buf_release(&line);
}

static void check_encoded(const struct cloudevent *event, struct arena *arena)
{
    struct message message;
    struct error error = {0};
    struct cloudevent again;
    const struct decoder decoder = {.partition = "x.log.0"};
    if (!cloudevent_encode(event, STR("x"), (struct str){NULL, 0}, arena, &message, &error))
        return;
    assert(cloudevent_decode(&decoder, &message, arena, &again, &error));
    check_event(&again);
    struct hash128 one = cloudevent_key(event), other = cloudevent_key(&again);
    assert(one.lo == other.lo && one.hi == other.hi);
    assert(cloudevent_content(event) == cloudevent_content(&again));
    assert(str_eq(event->subject, again.subject));
    assert(event->has_time == again.has_time);
    assert(!event->has_time || event->time_ms == again.time_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_message made;
    struct arena arena = {0};
    struct cloudevent event;
    struct error error = {0};
    fuzz_message_init(&made, fuzz_input(data, size));
    const struct decoder decoder = {.partition = "x.log.0",
                                    .read = made.has_rules ? &made.rules : NULL};
    bool decoded = cloudevent_decode(&decoder, &made.message, &arena, &event, &error);
    check_event(&event);
    if (decoded) {
        check_line(&event, &arena);
        check_encoded(&event, &arena);
    } else {
        assert(is_text(str_of(error.text)));
        assert(!str_is(event.data_bytes) && !json_member(event.root, STR("data")));
    }
    arena_release(&arena);
    fuzz_message_release(&made);
    return 0;
}
