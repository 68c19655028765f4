/*
 * fuzz_message.h: an AMQP message from readable text, for the targets that decode one.
 *
 *     routing_key: o-1                 a property: exchange routing_key content_type
 *     type: order.placed               content_encoding message_id type app_id correlation_id
 *     timestamp: 1768208400            a number, as is offset
 *     text ce-id: e1                   a header: text, int, double, bool or seconds, and its name
 *     read subject: /data/order        a rule of the log's "read"
 *                                      an empty line; behind it the body, any bytes
 *     {"order":"o-1"}
 *
 * A line that is none of these is passed over. Each text lies in a block of its own, so that a
 * sanitizer sees a read behind its end.
 */
#ifndef FANFOLD_TEST_FUZZ_MESSAGE_H
#define FANFOLD_TEST_FUZZ_MESSAGE_H

#include <fanfold/cloudevent.h>

#define FUZZ_HEADERS_MAX 40
#define FUZZ_TEXTS_MAX   (2 * FUZZ_HEADERS_MAX + 16)

struct fuzz_message {
    struct message message;
    struct read_rules rules;
    bool has_rules;
    struct message_header headers[FUZZ_HEADERS_MAX];
    char *texts[FUZZ_TEXTS_MAX];
    size_t text_count;
};

void fuzz_message_init(struct fuzz_message *made, struct str input);
void fuzz_message_release(struct fuzz_message *made);

#endif
