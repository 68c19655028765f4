/*
 * script.c: see script.h.
 */
#include "script.h"
#include "base/buf.h"
#include "base/error.h"
#include "event/record.h"
#include <stdio.h>
#include <stdlib.h>

uint64_t script_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void copy_in(struct script *script, const struct script_event *events, size_t count)
{
    script->at = must_alloc(count * sizeof *events);
    memcpy(script->at, events, count * sizeof *events);
    script->count = count;
}

void script_small(struct script *script)
{
    static const struct script_event events[] = {
        {0, SCRIPT_PAY, 1, 0, 5, 1000},
        {1, SCRIPT_PAY, 2, 1, SCRIPT_BIG, 1001},
        {2, SCRIPT_VISIT, 3, 0, 0, 0},
        {4, SCRIPT_PAY, 1, 0, 5, 1000},          /* sent again, behind a segment roll */
        {5, SCRIPT_PAY, 4, 1, SCRIPT_BIG, 1002}, /* refused by the store */
        {6, SCRIPT_NOTE, 5, 1, 0, 1003},         /* waits behind it */
        {7, SCRIPT_BAD, 6, 2, 0, 1004},
        {8, SCRIPT_PAY, 7, 2, 7, 1005},  /* waits behind it */
        {11, SCRIPT_PAY, 2, 3, 9, 1006}, /* its id is used again; a jump that must be asked about */
        {12, SCRIPT_NOISE, 8, 0, 0, 1007},
        {13, SCRIPT_GARBAGE, 9, 0, 0, 1008},
        {14, SCRIPT_PAY, 10, 0, 3, 0},
        {16, SCRIPT_NOTE, 11, 3, 0, 1009},
        {17, SCRIPT_PAY, 12, 4, 1, 1010},
    };
    copy_in(script, events, sizeof events / sizeof *events);
}

void script_bulky(struct script *script)
{
    static const struct script_event events[] = {
        {0, SCRIPT_PAY, 1, 0, SCRIPT_BIG, 1000}, {1, SCRIPT_BULK_LINES, 2, 0, 0, 1001},
        {2, SCRIPT_BULK_LINES, 3, 1, 0, 1002},   {3, SCRIPT_PAY, 4, 0, SCRIPT_BIG, 1003},
        {5, SCRIPT_BULK_LINES, 5, 1, 0, 1004},   {6, SCRIPT_BULK_LINES, 5, 1, 0, 1004},
        {7, SCRIPT_BULK_LINES, 6, 2, 0, 1005},   {8, SCRIPT_BAD, 7, 1, 0, 1006},
        {12, SCRIPT_BULK_LINES, 8, 1, 0, 1007},  {13, SCRIPT_PAY, 9, 2, 3, 1008},
        {14, SCRIPT_NOTE, 10, 2, 0, 1009},
    };
    copy_in(script, events, sizeof events / sizeof *events);
}

static enum script_kind random_kind(unsigned dice)
{
    static const struct {
        unsigned below;
        enum script_kind kind;
    } shares[] = {
        {600, SCRIPT_PAY},        {780, SCRIPT_VISIT}, {930, SCRIPT_NOTE},     {975, SCRIPT_NOISE},
        {985, SCRIPT_BULK_LINES}, {994, SCRIPT_BAD},   {1000, SCRIPT_GARBAGE},
    };
    size_t i = 0;
    while (dice >= shares[i].below)
        i++;
    return shares[i].kind;
}

static struct script_event fresh(uint64_t *state, size_t i, size_t count)
{
    unsigned first = (unsigned)(i * (SCRIPT_SUBJECTS - 6) / count);
    struct script_event event = {.kind = random_kind(script_next(state) % 1000),
                                 .id = (unsigned)i,
                                 .subject = first + script_next(state) % 6,
                                 .n = (int64_t)(script_next(state) % 21) - 10};
    if (script_next(state) % 50 == 0)
        event.n = script_next(state) % 2 ? SCRIPT_BIG : -SCRIPT_BIG;
    if (script_next(state) % 4)
        event.time_s = 1700000000 + i;
    return event;
}

void script_random(struct script *script, uint64_t seed, size_t count)
{
    uint64_t state = seed, offset = 0;
    script->at = must_calloc(count, sizeof *script->at);
    script->count = count;
    for (size_t i = 0; i < count; i++) {
        struct script_event *event = &script->at[i];
        *event = fresh(&state, i, count);
        unsigned dice = script_next(&state) % 100;
        const struct script_event *earlier =
            i ? event - 1 - script_next(&state) % (i < 60 ? i : 60) : event;
        if (dice < 6) {
            *event = *earlier; /* sent again; sometimes too late for the window */
        } else if (dice < 8 && i) {
            event->kind = SCRIPT_PAY;
            event->id = earlier->id;
        }
        event->offset = offset;
        offset += script_next(&state) % 30 ? 1 : script_next(&state) % 6 ? 2 : 20;
    }
}

void script_release(struct script *script)
{
    free(script->at);
    *script = (struct script){0};
}

const char *script_type(enum script_kind kind)
{
    static const char *const types[] = {
        [SCRIPT_PAY] = "pay",         [SCRIPT_BAD] = "pay",     [SCRIPT_VISIT] = "visit",
        [SCRIPT_NOTE] = "note",       [SCRIPT_NOISE] = "noise", [SCRIPT_GARBAGE] = "",
        [SCRIPT_BULK_LINES] = "bulk",
    };
    return types[kind];
}

static void write_data(struct buf *out, const struct script_event *event)
{
    switch (event->kind) {
    case SCRIPT_PAY:
        buf_printf(out, "{\"n\":%lld}", (long long)event->n);
        return;
    case SCRIPT_BULK_LINES:
        buf_add(out, STR("{\"lines\":[0"));
        for (int i = 1; i < SCRIPT_BULK; i++) {
            buf_add_byte(out, ',');
            buf_add_byte(out, (char)('0' + i % 10));
        }
        buf_add(out, STR("]}"));
        return;
    case SCRIPT_GARBAGE:
        buf_add(out, STR("{\"specversion\":"));
        return;
    default:
        buf_add(out, STR("{}"));
    }
}

struct message *script_message(const struct script_event *event)
{
    char id[16], subject[16];
    struct buf data = {0};
    snprintf(id, sizeof id, "e%05u", event->id);
    snprintf(subject, sizeof subject, "s%02u", event->subject);
    write_data(&data, event);
    struct message message = {.offset = event->offset,
                              .from = event->offset,
                              .record = event->offset,
                              .exchange = STR(SCRIPT_EXCHANGE),
                              .routing_key = str_of(subject),
                              .content_type = STR("application/json"),
                              .message_id = str_of(id),
                              .type = str_of(script_type(event->kind)),
                              .has_timestamp = event->time_s != 0,
                              .timestamp = event->time_s,
                              .body = buf_str(&data)};
    if (event->kind == SCRIPT_GARBAGE) {
        message.content_type = STR("application/cloudevents+json");
        message.message_id = message.type = (struct str){0};
        message.has_timestamp = false;
    }
    struct message *copy = message_new(&message);
    buf_release(&data);
    return copy;
}

/* --- records --------------------------------------------------------------------------- */

static uint64_t next_offset(const struct script *script, size_t event)
{
    return event ? script->at[event - 1].offset + 1 : 0;
}

static void append(struct script_records *records, struct script_record record)
{
    if (records->count == records->cap) {
        records->cap = records->cap ? 2 * records->cap : 64;
        records->at = must_realloc(records->at, records->cap * sizeof *records->at);
    }
    const struct script_record none = {0};
    const struct script_record *last = records->count ? &records->at[records->count - 1] : &none;
    bool follows = record.from <= last->taken && record.offset >= last->taken;
    record.taken = follows ? record.offset + 1 : last->taken;
    record.next = follows && record.count ? record.taken : last->next;
    records->at[records->count++] = record;
}

/* The last event of all is in a record whose other ones are there already: until it comes, the log
 * holds all but it. */
static size_t append_events(struct script_records *records, const struct script *script,
                            size_t event, size_t count)
{
    size_t left = script->count - event;
    bool rest_is_there = records->count && records->at[records->count - 1].taken >=
                                               next_offset(script, script->count - 1);
    if (count > 1 && count >= left)
        count = left > 1 && !rest_is_there ? left - 1 : left;
    append(records, (struct script_record){.event = event,
                                           .count = count,
                                           .from = next_offset(script, event),
                                           .offset = script->at[event + count - 1].offset});
    return count;
}

/* Of offsets that no event has, where there are any. */
static void append_mark(struct script_records *records, const struct script *script, size_t event)
{
    uint64_t from = next_offset(script, event), offset = script->at[event].offset;
    if (offset > from)
        append(records, (struct script_record){.event = event, .from = from, .offset = offset - 1});
}

static void find_ends(struct script_records *records, const struct script *script)
{
    size_t end = 0;
    records->ends = must_calloc(script->count + 1, sizeof *records->ends);
    for (size_t n = 1; n <= script->count; n++) {
        uint64_t offset = script->at[n - 1].offset;
        while (records->at[end].taken <= offset)
            end++;
        records->ends[n] = records->at[end].offset > offset ? end : end + 1;
    }
}

/* Each recorder goes on from where the chain ends, or from before that. */
void script_records_make(struct script_records *records, const struct script *script, uint64_t seed)
{
    uint64_t dice = seed;
    *records = (struct script_records){0};
    for (size_t event = 0; event < script->count;) {
        size_t more = 1 + script_next(&dice) % 4;
        switch (script_next(&dice) % 8) {
        case 0: /* another one, which had read the partition's end long ago */
            event -= more < event ? more : event;
            break;
        case 1: /* the first one is refused, and those behind it are not: no partition begins so */
            for (size_t i = 1; event && i <= more && event + i < script->count; i++)
                append_events(records, script, event + i, 1 + script_next(&dice) % 2);
            break;
        case 2:
        case 3:
            append_mark(records, script, event);
            break;
        case 4:
        case 5: /* several that waited */
            event += append_events(records, script, event, 1 + more);
            break;
        default:
            event += append_events(records, script, event, 1);
        }
    }
    find_ends(records, script);
}

static void add_entry(struct buf *body, const struct script *script, size_t event)
{
    struct message *message = script_message(&script->at[event]);
    record_add(body, message, next_offset(script, event));
    message_free(message);
}

struct message *script_record_message(const struct script *script,
                                      const struct script_records *records, size_t i)
{
    const struct script_record *record = &records->at[i];
    uint64_t place = i * SCRIPT_STRIDE;
    struct buf body = {0};
    record_begin(&body);
    if (!record->count)
        record_add_mark(&body, record->from, record->offset);
    for (size_t n = 0; n < record->count; n++)
        add_entry(&body, script, record->event + n);
    struct message *message = message_new(
        &(struct message){.offset = place, .from = place, .record = place, .body = buf_str(&body)});
    buf_release(&body);
    return message;
}

void script_records_release(struct script_records *records)
{
    free(records->at);
    free(records->ends);
    *records = (struct script_records){0};
}
