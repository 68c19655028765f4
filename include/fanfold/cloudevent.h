/*
 * cloudevent.h: decode, AMQP message → event; encode, event → AMQP message. Pure: no I/O, no clock.
 *
 *     struct decoder decoder = {.partition = "shop.events.log.0", .read = &log->read};
 *     struct cloudevent event;
 *     arena_clear(&arena);
 *     if (!cloudevent_decode(&decoder, message, &arena, &event, &error)) park(error.text);
 *
 * An event is one JSON object, whose members are its attributes, extensions and data, whatever form
 * it came in; so a pointer of the view language is resolved in one way (DESIGN section 7). The
 * object lives in the arena and points into the message: both must outlive it, and so must the
 * upcast rules. What was published, before an upcast, is still to be had: published_type,
 * data_bytes.
 *
 * How attributes are found: DESIGN section 3 (structured, binary, plain AMQP, in this order);
 * CloudEvents 1.0.2 sections 3.1 and 3.2 for what they may hold; FACTS 5 for the prefixes.
 */
#ifndef FANFOLD_CLOUDEVENT_H
#define FANFOLD_CLOUDEVENT_H

#include "base/arena.h"
#include "base/config.h"
#include "base/hash.h"
#include "base/json.h"
#include <fanfold/message.h>

struct cloudevent {
    const struct json *root;   /* an object: id, source, type, subject, time, data, extensions */
    struct str id, source;     /* never empty */
    struct str type;           /* empty: none was given; only the pattern "*" matches */
    struct str published_type; /* what it was before an upcast */
    struct str subject;        /* {NULL,0}: none */
    bool has_time;
    int64_t time_ms;       /* of `time`; root has it as "2026-01-31T09:05:07.000Z" */
    struct str data_bytes; /* the bytes that `data` was read from; {NULL,0} without data */
    struct str
        data_fault; /* why there is no /data though there are bytes ("byte 17: …"), or {NULL,0} */
    struct str upcast_fault; /* why an upcast rule could not be applied, or {NULL,0}: views of this
                                type park the event */
};

struct decoder {
    const char *partition;         /* for the id of an event without one: "<partition>/<offset>" */
    const struct read_rules *read; /* plain AMQP: where attributes are; NULL: only the properties */
    const struct upcast_rules *upcast; /* NULL: the event is given as it was published */
};

/* False: the message is not an event, error->text says why (a structured body that is not JSON or
 * lacks a type, a time that is none, an attribute with a control character, …). Then `event` still
 * has id (maybe the made one), source, type and subject as far as they are known, and no data. */
bool cloudevent_decode(const struct decoder *decoder, const struct message *message,
                       struct arena *arena, struct cloudevent *event, struct error *error);

/* What `fanfold publish` fills in where a line does not say it. {NULL,0}: not given. */
struct publish_defaults {
    struct str type, id, source, subject, time, key, correlationid;
    const struct message_header *headers; /* -H: extensions */
    size_t header_count;
};

/* One line of NDJSON → event. A line with "specversion" is a CloudEvent (its own attributes win
 * over the defaults); any other JSON value is data, and type must come from the defaults. made_id:
 * the id when neither gives one; {NULL,0}: then a missing id is an error. Stricter than decoding:
 * extensions are texts, booleans and 32-bit integers. The event points into the line and the arena.
 */
bool cloudevent_from_line(struct str line, const struct publish_defaults *defaults,
                          struct str made_id, struct arena *arena, struct cloudevent *event,
                          struct error *error);

/* Event → message in binary mode (DESIGN section 3, Writing): attributes as "cloudEvents:" headers
 * and in the matching properties, body = data_bytes. key: {NULL,0} takes the subject. Everything in
 * the arena. */
bool cloudevent_encode(const struct cloudevent *event, struct str exchange, struct str key,
                       struct arena *arena, struct message *message, struct error *error);

/* Appends the event as one line of structured CloudEvents JSON, without a line break (`tail
 * --json`). */
bool cloudevent_to_json(struct buf *out, const struct cloudevent *event, struct error *error);

/* (source, id): what makes two events duplicates (DESIGN section 4). */
struct hash128 cloudevent_key(const struct cloudevent *event);
/* (type, data), as published: what the duplicates of one event share. */
uint64_t cloudevent_content(const struct cloudevent *event);

#endif
