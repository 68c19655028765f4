/*
 * redis_store_private.h: what the rest of store/ may ask of the worker's connection (pool.c).
 */
#ifndef FANFOLD_STORE_REDIS_STORE_PRIVATE_H
#define FANFOLD_STORE_REDIS_STORE_PRIVATE_H

#include "store/redis_client.h"
#include <fanfold/redis_store.h>

#define REDIS_POLICY_MAX 32

enum redis_script {
    SCRIPT_COMMIT,
    SCRIPT_LEASE,
    SCRIPT_READ,
    SCRIPT_UNPARK,
    SCRIPT_GENERATION,
    SCRIPT_COUNT
};

struct redis_client *redis_store_client(struct redis_store *redis);

/* What EVALSHA takes: 40 hexadecimal digits; "" until the store has been up once. */
const char *redis_store_sha(const struct redis_store *redis, enum redis_script script);

/* The server has forgotten its scripts (NOSCRIPT), or cannot serve now (LOADING, BUSY, READONLY,
 * …): the connection is set up anew, with all checks. Call it with the error text of a reply. True
 * when it was such a text. */
bool redis_store_distrust(struct redis_store *redis, const char *text);

#endif
