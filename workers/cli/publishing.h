/*
 * publishing.h: lines → events → the exchange, and the account of what became of them.
 *
 *     struct publishing p = {.exchange = …, .defaults = …};
 *     publishing_read_one(&p, data, &error);  when it is one event
 *     publishing_connect(&p, uri, partition, patience_ms, &error);
 *     publishing_lines(&p, &lines)            or publishing_send_one(&p)
 *     int code = publishing_finish(&p);       waits for the confirms; says what is not right
 *     publishing_summary(&p); publishing_release(&p);
 */
#ifndef FANFOLD_CLI_PUBLISHING_H
#define FANFOLD_CLI_PUBLISHING_H

#include "cli/lines.h"
#include "cli/progress.h"
#include <fanfold/cloudevent.h>
#include <fanfold/publisher.h>

struct publishing {
    const char *exchange;
    struct publish_defaults defaults;
    bool strict;              /* the first bad line or unconfirmed event ends it */
    const volatile int *stop; /* see interrupt.h */
    struct progress progress;
    /* private */
    struct publisher *publisher;
    struct lines *lines; /* NULL: one event */
    struct arena arena;
    struct message message; /* of the one event, as is: */
    char *id;
    struct error error; /* why the publisher gave up; kind ERROR_NONE: it did not */
    uint64_t confirmed, unroutable, refused, bad;
};

/* Tries again for patience_ms while the broker is down (<= 0: for ever). */
bool publishing_connect(struct publishing *p, const struct uri *uri, const char *partition,
                        int patience_ms, struct error *error);
void publishing_lines(struct publishing *p, struct lines *lines);
/* The one event, before or after connecting. data: a JSON text, or a whole CloudEvent. ERROR_USAGE:
 * it is no event. */
bool publishing_read_one(struct publishing *p, struct str data, struct error *error);
void publishing_send_one(struct publishing *p);
/* Waits for what is not confirmed yet. Returns the exit code. */
int publishing_finish(struct publishing *p);
void publishing_summary(const struct publishing *p, bool json);
void publishing_release(struct publishing *p);

#endif
