/*
 * ram_store.h: the RAM twin of the Redis store.
 *
 *     struct store *store = ram_store_new();
 *     store_commit(store, &batch, done, arg);
 *     ram_store_turn(store);                 calls the callbacks that wait, in order
 *     ram_store_each_row(store, print, arg); all rows, by key in byte order
 */
#ifndef FANFOLD_RAM_STORE_H
#define FANFOLD_RAM_STORE_H

#include <fanfold/store.h>

struct store *ram_store_new(void);
/* Carries out nothing (commits take effect when they are called): delivers the answers. Returns how
 * many. */
size_t ram_store_turn(struct store *store);

/* Appends the row as JSON, the same text that redis_reader_row() gives for the same row (rows.h);
 * false when there is no such row. */
bool ram_store_row(struct store *store, struct str key, struct buf *json);
/* The rows by key in byte order. EXPIRE is kept but never carried out: a RAM store has no clock. */
void ram_store_each_row(struct store *store,
                        void (*row)(void *arg, struct str key, struct str json,
                                    int64_t expire_at_ms),
                        void *arg);
/* The parked events by view, partition, offset. */
void ram_store_each_parked(struct store *store,
                           void (*parked)(void *arg, const char *view, const char *partition,
                                          const struct parked_event *event),
                           void *arg);

/* For tests: puts a row of the given structure that no fold made (a hash with one field "x", …). */
void ram_store_plant(struct store *store, struct str key, enum structure structure,
                     struct str value);

#endif
