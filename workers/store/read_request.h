/*
 * read_request.h: rows to read as the command that runs read.lua, and what it answered (private to
 * store/).
 */
#ifndef FANFOLD_STORE_READ_REQUEST_H
#define FANFOLD_STORE_READ_REQUEST_H

#include <fanfold/store.h>

struct redisReply;

/* Appends the command. */
void read_request_build(struct buf *resp, const struct row_request *request, const char *sha);

/* An answer as rows: one for each name; their texts are in `texts`. False: error says why.
 * position: as it stands. */
bool read_reply_rows(const struct redisReply *reply, const struct row_name *names, size_t count,
                     struct row *rows, struct buf *texts, struct position *position,
                     struct error *error);

#endif
