/*
 * draft.h: an event under construction. Every form that an event comes in fills one of these; at
 * the end draft_finish() makes the object of it that views see.
 *
 *     struct draft draft = {.arena = arena};
 *     draft_reserve(&draft, header_count);          room for that many extensions
 *     draft_text(&draft, ATTRIBUTE_ID, id, error)   an attribute; empty text: not given
 *     draft_body(&draft, bytes);                    data
 *     draft_finish(&draft, event);
 */
#ifndef FANFOLD_EVENT_DRAFT_H
#define FANFOLD_EVENT_DRAFT_H

#include <fanfold/cloudevent.h>

/* Longest id, source, type and subject, in bytes: they become keys and are kept per event. */
#define ATTRIBUTE_MAX 1024

/* Largest JSON text that is parsed: a parsed value takes up to 28 times its text in memory. It is
 * the largest message that RabbitMQ 4 accepts by default. */
#define DATA_MAX (16 * 1024 * 1024)

enum attribute {
    ATTRIBUTE_ID,
    ATTRIBUTE_SOURCE,
    ATTRIBUTE_TYPE,
    ATTRIBUTE_SUBJECT,
    ATTRIBUTE_TIME,
    ATTRIBUTE_CORRELATIONID,
    ATTRIBUTE_DATACONTENTTYPE,
    ATTRIBUTE_TEXTS,                         /* how many of them are texts in a draft */
    ATTRIBUTE_SPECVERSION = ATTRIBUTE_TEXTS, /* about the form, not in the event */
    ATTRIBUTE_DATA,
    ATTRIBUTE_DATA_BASE64,
    ATTRIBUTE_EXTENSION, /* any other name */
};

struct draft {
    struct arena *arena;
    struct str text[ATTRIBUTE_TEXTS]; /* {NULL,0}: not given; the time is normalised */
    int64_t time_ms;                  /* when text[ATTRIBUTE_TIME] is given */
    bool has_specversion;
    struct json *data;
    struct str data_bytes, data_fault;
    struct json *nodes; /* root, attributes, extensions: one block */
    size_t extension_count;
};

enum attribute attribute_of(struct str name);

void draft_reserve(struct draft *draft, size_t extensions);

/* Sets an attribute that is a text. Empty text counts as not given. False: it is too long or is no
 * CloudEvents String. A time is set by draft_time(). */
bool draft_text(struct draft *draft, enum attribute attribute, struct str text,
                struct error *error);

/* Sets it when it is not given yet and the text is good; otherwise does nothing. */
void draft_offer(struct draft *draft, enum attribute attribute, struct str text);

/* RFC 3339; with `unix_too` also a number of Unix seconds or milliseconds. */
bool draft_time(struct draft *draft, struct str text, bool unix_too, struct error *error);

/* Seconds since 1970; from 10^11 up, milliseconds. False: outside of the years 1 to 9999. */
bool draft_time_number(struct draft *draft, int64_t number);

/* What draft_time_number() takes, as milliseconds. */
bool time_from_number(int64_t number, int64_t *ms);

/* False unless it is "1.0". */
bool draft_specversion(struct draft *draft, struct str text, struct error *error);

/* An extension; there must be room and none of that name (draft_has_extension). */
void draft_extension(struct draft *draft, struct json node);
bool draft_has_extension(const struct draft *draft, struct str name);

/* Data from bytes: /data when they are JSON, else data_fault. Empty bytes: no data. */
void draft_body(struct draft *draft, struct str bytes);

/* The event as an object, as it stands. Extensions with the name of an attribute are in it only if
 * `all` and the attribute is not given: that is what a log's `read` may look at. */
const struct json *draft_link(struct draft *draft, bool all);

/* Makes the event. id and source must be given. */
void draft_finish(struct draft *draft, struct cloudevent *event);

#endif
