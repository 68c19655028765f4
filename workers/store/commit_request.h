/*
 * commit_request.h: a batch as the command that runs commit.lua (private to store/).
 *
 *     struct commit_request request = {0};            keeps its memory from batch to batch
 *     struct wire_change *order = commit_request_build(&request, batch, sha);
 *     redis_client_send(client, buf_str(&request.resp), …);
 *     …commit_reply_read(reply, order, count, &result); free(order);
 *
 * On the wire the changes are grouped by row, so that the script reads and writes each row once;
 * `order` leads from a place on the wire back to the batch.
 */
#ifndef FANFOLD_STORE_COMMIT_REQUEST_H
#define FANFOLD_STORE_COMMIT_REQUEST_H

#include <fanfold/store.h>

struct redisReply;

struct wire_change {
    uint32_t change; /* index in batch->changes */
    uint32_t event;  /* its event */
};

struct commit_request {
    struct buf resp, changes, parked, text;
    struct buf reads;   /* of unpark.c */
    struct map row_ids; /* key → index in rows + 1 */
    struct wire_row *rows;
    size_t row_count, row_cap;
    bool stamped; /* stamps are among the changes */
};

/* Sets request->resp. The result has one entry for each change; the caller frees it. */
struct wire_change *commit_request_build(struct commit_request *request, const struct batch *batch,
                                         const char *sha);
void commit_request_release(struct commit_request *request);

/* What the script answered. reply NULL: the connection was lost. */
void commit_reply_read(const struct redisReply *reply, const struct wire_change *order,
                       size_t count, struct commit_result *result);

/* Appends "fanfold:<what>:<view>" and, when partition is given, ":<partition>". */
void store_key(struct buf *out, const char *what, const char *view, const char *partition);

/* Parts of a request, for unpark.c. _changes groups and packs the changes into request->changes and
 * returns the order (as _build does); _row_keys then appends the rows' keys, with the prefix before
 * each, to request->resp, _stamps_key that of the stamps when there are any: behind all others;
 * _key_count says how many these are; _key appends one of Fanfold's own; _text packs a text, or 0
 * for none. */
struct wire_change *commit_request_changes(struct commit_request *request,
                                           const struct changes *changes);
size_t commit_request_key_count(const struct commit_request *request);
void commit_request_row_keys(struct commit_request *request, struct str prefix);
void commit_request_stamps_key(struct commit_request *request, const char *view);
/* The one place where the key of a row goes onto the wire, be it written or read. */
void commit_request_row_key(struct buf *resp, struct str prefix, struct str key);
void commit_request_key(struct commit_request *request, const char *what, const char *view,
                        const char *partition);
void commit_request_text(struct buf *out, struct str text);

#endif
