/*
 * parked.c: records of parked and dropped events, and lists of them.
 */
#include <fanfold/parked.h>

#include "base/json.h"
#include "base/timestamp.h"
#include "store/rows.h"
#include <stdlib.h>

/* Reasons quote events, and may be cut within a character: what is not UTF-8 becomes "?". */
static void make_utf8(char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t length = rows_character((const unsigned char *)text + i, len - i);
        if (!length)
            text[i] = '?';
        i += length ? length : 1;
    }
}

static void member(struct buf *out, const char *name, struct str text)
{
    if (!str_is(text))
        return;
    buf_printf(out, ",\"%s\":", name);
    buf_add_json_string(out, text);
}

static void begin(struct buf *out, struct str reason, struct str key)
{
    buf_add(out, STR("{\"reason\":"));
    buf_add_json_string(out, str_is(reason) ? reason : STR(""));
    member(out, "key", key);
}

static void end(struct buf *out, const struct parked_event *event, int64_t at_ms)
{
    char at[TIMESTAMP_TEXT_MAX];
    size_t length = timestamp_format(at_ms, at);
    member(out, "id", event->id);
    member(out, "source", event->source);
    member(out, "type", event->type);
    member(out, "at", (struct str){at, length});
    buf_add_byte(out, '}');
}

void parked_record(struct buf *out, const struct parked_event *event)
{
    size_t start = out->len;
    begin(out, event->reason, event->key);
    buf_add(out, event->waits ? STR(",\"waits\":true") : STR(",\"waits\":false"));
    end(out, event, event->parked_at_ms);
    make_utf8(out->at + start, out->len - start);
}

void dropped_record(struct buf *out, const struct parked_event *event, struct str reason,
                    int64_t at_ms)
{
    size_t start = out->len;
    begin(out, reason, event->key);
    end(out, event, at_ms);
    make_utf8(out->at + start, out->len - start);
}

static struct str text_of(const struct json *record, struct str name)
{
    const struct json *found = json_member(record, name);
    return found && found->kind == JSON_STRING ? found->text : (struct str){NULL, 0};
}

bool parked_record_read(struct str text, struct arena *arena, struct parked_event *event,
                        struct error *error)
{
    const struct json *record = json_parse(arena, arena_copy(arena, text), error);
    if (!record)
        return false;
    const struct json *waits = json_member(record, STR("waits"));
    struct parked_event read = {.reason = text_of(record, STR("reason")),
                                .waits = waits && waits->kind == JSON_TRUE,
                                .key = text_of(record, STR("key")),
                                .id = text_of(record, STR("id")),
                                .source = text_of(record, STR("source")),
                                .type = text_of(record, STR("type"))};
    struct str at = text_of(record, STR("at"));
    if (!str_is(read.reason) || !waits || !str_is(at) || !timestamp_parse(at, &read.parked_at_ms))
        return error_set(error, ERROR_CONFIG, "it lacks reason, waits or at");
    read.offset = event->offset;
    *event = read;
    return true;
}

const struct parked_event *parked_list_find(const struct parked_list *list, uint64_t offset)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->at[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->at[low].offset == offset ? &list->at[low] : NULL;
}

void parked_list_release(struct parked_list *list)
{
    free(list->at);
    arena_release(&list->arena);
    *list = (struct parked_list){0};
}
