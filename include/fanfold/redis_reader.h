/*
 * redis_reader.h: what the commands read from Redis, in blocking calls (`status`, `get`, and
 * tests).
 *
 *     struct redis_reader *reader = redis_reader_open(&uri, &error);
 *     redis_reader_row(reader, STRUCTURE_HASH, key, &json, &error);
 *     redis_reader_close(reader);
 *
 * A lost connection is an error of kind ERROR_UNAVAILABLE; a refused login or command,
 * ERROR_PERMISSION.
 */
#ifndef FANFOLD_REDIS_READER_H
#define FANFOLD_REDIS_READER_H

#include "base/buf.h"
#include "base/uri.h"
#include <cjson/cJSON.h>
#include <fanfold/change.h>
#include <fanfold/position.h>

struct redis_reader;

struct redis_reader *redis_reader_open(const struct uri *uri, struct error *error);
void redis_reader_close(struct redis_reader *reader);

/* Appends the row as JSON. Hash: {field: text}, fields sorted. Counter: its integer. Zset:
 * [[member, score], …], highest first, equal scores by member backwards (ZREVRANGE). Set: sorted
 * array of texts. List: array of texts, newest first. HLL: its count. JSON: the document. Texts
 * that are not UTF-8 become base64 objects {"base64": "…"}. ERROR_NO when there is no such row or
 * it is of another type. */
bool redis_reader_row(struct redis_reader *reader, enum structure structure, struct str key,
                      struct buf *json, struct error *error);

/* Up to limit keys that start with prefix, sorted (SCAN, bounded to about a million keys looked
 * at). */
bool redis_reader_keys(struct redis_reader *reader, const char *prefix, size_t limit,
                       void (*key)(void *arg, struct str key), void *arg, struct error *error);

/* Position, time and tally of a task (position.epoch "" when there is none); waiting stays empty.
 */
bool redis_reader_task(struct redis_reader *reader, const char *view, const char *partition,
                       struct task_state *state, struct error *error);
/* What stands in <partition>/moved (moved.h), appended to text. */
bool redis_reader_moved(struct redis_reader *reader, const char *view, const char *partition,
                        struct buf *text, struct error *error);
/* Epoch and definition of a view (definition.h); both "" when nothing is folded yet. text is
 * appended to. */
bool redis_reader_definition(struct redis_reader *reader, const char *view, char epoch[EPOCH_MAX],
                             struct buf *text, struct error *error);
/* Live workers: an object worker → {"until": ms, "views": […], report…}. cJSON_Delete it. */
cJSON *redis_reader_workers(struct redis_reader *reader, struct error *error);
/* Live leases: an object "<view> <partition>" → worker. */
cJSON *redis_reader_leases(struct redis_reader *reader, struct error *error);

#endif
