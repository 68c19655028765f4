/*
 * header.h: AMQP headers as values and attributes of an event, and back.
 */
#ifndef FANFOLD_EVENT_HEADER_H
#define FANFOLD_EVENT_HEADER_H

#include "event/draft.h"

/* More headers than this are no event: each name is compared with those before it. */
#define HEADERS_MAX 1000

/* Length of the prefix of a CloudEvents attribute that name begins with, 0 when it has none:
 * "cloudEvents:" and "cloudEvents_" (AMQP 1.0 binding), "ce-" (Knative, Spring), "ce_" (Kafka). */
size_t header_prefix(struct str name);

/* name in lower case (ASCII), copied only if need be. */
struct str header_lower(struct arena *arena, struct str name);

/* The header as a JSON value, without a name. Texts are not checked. False: it has no value in JSON
 * (a number that is not finite, a time beyond the year 9999). */
bool header_value(struct arena *arena, const struct message_header *header, struct json *value);

/* The text of a text, number or boolean; {NULL,0} of anything else. */
struct str header_scalar_text(const struct json *value);

/* Adds the extension, unless one of that name is there, or its name or text is no CloudEvents
 * String. */
void header_extension(struct draft *draft, struct json value);

/* Member of an event → header in binary mode. What cannot be one is an error. */
bool header_from_member(struct arena *arena, const struct json *member,
                        struct message_header *header, struct error *error);

#endif
