/*
 * message.h: an AMQP message as the log delivers it, or as it will be published: no rabbitmq-c in
 * it.
 *
 * A received message is one block of memory: message_new() copies everything that a struct message
 * points to behind it, so message_free() is one free().
 */
#ifndef FANFOLD_MESSAGE_H
#define FANFOLD_MESSAGE_H

#include "base/str.h"

enum header_kind { HEADER_TEXT, HEADER_INT, HEADER_DOUBLE, HEADER_BOOL, HEADER_TIMESTAMP };

/* Streams keep scalar headers only (FACTS 1.7); others are not in the list. */
struct message_header {
    struct str name;
    enum header_kind kind;
    struct str text; /* HEADER_TEXT: any bytes */
    int64_t integer; /* HEADER_INT; HEADER_BOOL 0 or 1; HEADER_TIMESTAMP seconds since 1970 */
    double real;     /* HEADER_DOUBLE */
};

struct message {
    uint64_t offset; /* x-stream-offset of a received message; of a record (event/record.h), that
                        of the message in the intake */
    /* The offsets from `from` to `offset` are accounted for by this message; but for a record it is
     * the same. And where it stands in its stream: likewise. */
    uint64_t from, record;
    bool mark; /* of a record: no event, only these bounds */
    struct str exchange, routing_key;
    /* AMQP 0-9-1 basic properties; {NULL, 0} when not set */
    struct str content_type, content_encoding, message_id, type, app_id, correlation_id;
    bool has_timestamp;
    uint64_t timestamp; /* seconds since 1970 */
    const struct message_header *headers;
    size_t header_count;
    struct str body;
    size_t size; /* bytes of memory that the message takes, all told */
};

/* A deep copy in one block. */
struct message *message_new(const struct message *from);
void message_free(struct message *message);

#endif
