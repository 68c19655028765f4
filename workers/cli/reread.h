/*
 * reread.h: reads chosen events of a partition again, by rising offsets.
 *
 *     struct reread *reread = reread_open(base, &uri, partition, offsets, count, &error);
 *     for (…) message = reread_next(reread, offset, &error);     some or all of the offsets, rising
 *     reread_close(reread);
 *
 * What lies between is passed over; where the next one is far ahead, it attaches anew.
 */
#ifndef FANFOLD_CLI_REREAD_H
#define FANFOLD_CLI_REREAD_H

#include "base/error.h"
#include "base/uri.h"
#include <fanfold/message.h>

struct event_base;
struct reread;

/* offsets: rising, at least one; they must stay. NULL: the log cannot be read, or it ends before
 * the last of them. */
struct reread *reread_open(struct event_base *base, const struct uri *uri, const char *partition,
                           const uint64_t *offsets, size_t count, struct error *error);
/* The message at that offset, the caller's to free. NULL with an error of kind ERROR_NO: retention
 * has removed it; of another kind: the log cannot be read, or is not the one it was. */
struct message *reread_next(struct reread *reread, uint64_t offset, struct error *error);
void reread_close(struct reread *reread);

#endif
