/*
 * row_watcher.c: when the rows of events became visible to a reader of Redis.
 *
 *     row_watcher URL PREFIX EVENTS VIEWS FILE
 *
 * Each of the views makes one row of each event; its key begins with PREFIX and ends with the id
 * of null_message.h. FILE: when an event's row was there in the last of the views. Says "watching",
 * and ends when all rows are there.
 *
 * Redis itself says which keys were written (CLIENT TRACKING, for a prefix): once a turn of its
 * loop, after the script that wrote them, before it answers or serves anybody else. So nobody could
 * have seen a row before, everybody can from then on, and it costs less than asking again and again
 * would, or a message a row (keyspace notifications).
 */
#include "base/uri.h"
#include "null_message.h"
#include "times.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_SECONDS 60

struct watch {
    unsigned *missing; /* by event: in how many views its row is not there yet */
    uint64_t left;     /* events with such views */
    struct times seen;
};

static redisReply *checked(redisContext *redis, redisReply *reply)
{
    if (!reply)
        null_fail("Redis: %s", redis->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        null_fail("Redis: %s", reply->str);
    return reply;
}

static redisContext *connect_to(const struct uri *uri)
{
    redisContext *redis = redisConnect(uri->host, uri->port);
    if (!redis || redis->err)
        null_fail("Redis: %s", redis ? redis->errstr : "out of memory");
    redisSetTimeout(redis, (struct timeval){.tv_sec = WAIT_SECONDS});
    freeReplyObject(checked(redis, redisCommand(redis, "AUTH %s %s", uri->user, uri->password)));
    return redis;
}

/* The connection `from` hears of the keys; by RESP 2 it takes another one, which is returned, to
 * ask for it. */
static redisContext *track(redisContext *from, const struct uri *uri, const char *prefix)
{
    redisReply *id = checked(from, redisCommand(from, "CLIENT ID"));
    freeReplyObject(checked(from, redisCommand(from, "SUBSCRIBE __redis__:invalidate")));
    redisContext *asker = connect_to(uri);
    freeReplyObject(
        checked(asker, redisCommand(asker, "CLIENT TRACKING ON REDIRECT %lld BCAST PREFIX %s",
                                    id->integer, prefix)));
    freeReplyObject(id);
    return asker;
}

static void note_row(struct watch *watch, uint64_t number, int64_t now)
{
    if (number >= watch->seen.count || !watch->missing[number])
        null_fail("a row too many of event %llu", (unsigned long long)number);
    if (--watch->missing[number])
        return;
    times_note(&watch->seen, number, now);
    watch->left--;
}

/* ["message", channel, [key, ...]]; null instead of keys: everything was deleted. */
static void note_rows(struct watch *watch, const redisReply *message)
{
    int64_t now = times_now();
    if (message->type != REDIS_REPLY_ARRAY || message->elements != 3)
        null_fail("Redis sends something else than keys");
    const redisReply *keys = message->element[2];
    for (size_t i = 0; keys->type == REDIS_REPLY_ARRAY && i < keys->elements; i++)
        note_row(watch, null_message_number(keys->element[i]->str, keys->element[i]->len), now);
}

static void watch_rows(struct watch *watch, redisContext *redis)
{
    while (watch->left) {
        void *message = NULL;
        redisGetReply(redis, &message);
        note_rows(watch, checked(redis, message));
        freeReplyObject(message);
    }
}

static void watch_init(struct watch *watch, uint64_t events, unsigned views)
{
    *watch = (struct watch){.missing = calloc(events, sizeof *watch->missing), .left = events};
    if (!watch->missing)
        null_fail("out of memory");
    for (uint64_t number = 0; number < events; number++)
        watch->missing[number] = views;
    times_init(&watch->seen, events);
}

int main(int argc, char **argv)
{
    struct uri uri;
    struct error error;
    if (argc != 6)
        null_fail("usage: row_watcher URL PREFIX EVENTS VIEWS FILE");
    if (!uri_parse_redis_plain(argv[1], &uri, &error))
        null_fail("%s", error.text);
    struct watch watch;
    watch_init(&watch, null_count(argv[3]), (unsigned)null_count(argv[4]));
    redisContext *redis = connect_to(&uri), *asker = track(redis, &uri, argv[2]);
    puts("watching");
    fflush(stdout);
    watch_rows(&watch, redis);
    times_write(&watch.seen, argv[5]);
    times_release(&watch.seen);
    free(watch.missing);
    redisFree(asker);
    redisFree(redis);
    uri_release(&uri);
    return 0;
}
