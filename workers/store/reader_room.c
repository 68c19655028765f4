/*
 * reader_room.c: what rows take, and what is left.
 */
#include <fanfold/room.h>

#include "base/error.h"
#include "store/redis_check.h"
#include "store/redis_reader_private.h"
#include "store/scripts.h"
#include <fanfold/compare.h>
#include <stdlib.h>

#define SAMPLE 100

static uint64_t info_number(const char *text, const char *name)
{
    char value[32];
    return strtoull(redis_info_value(text, name, value, sizeof value), NULL, 10);
}

/* False with ERROR_NONE: the user may not ask. */
static bool read_left(struct redis_reader *reader, struct room *room, struct error *error)
{
    redisReply *reply = reader_ask(reader, error, "INFO memory");
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_STRING)
        return reader_unexpected(reader, reply, "INFO memory", error);
    uint64_t used = info_number(reply->str, "used_memory");
    uint64_t limit = room->maxmemory = info_number(reply->str, "maxmemory");
    if (!limit)
        limit = info_number(reply->str, "total_system_memory");
    limit -= limit / 10;
    room->left = limit > used ? limit - used : 0;
    freeReplyObject(reply);
    return true;
}

static bool measure_row(struct redis_reader *reader, struct str key, uint64_t *bytes,
                        struct error *error)
{
    const struct str words[] = {STR("MEMORY"), STR("USAGE"), key};
    redisReply *reply = reader_ask_words(reader, error, words, 3);
    if (!reply)
        return false;
    *bytes += reply->type == REDIS_REPLY_INTEGER ? (uint64_t)reply->integer : 0;
    freeReplyObject(reply);
    return true;
}

static bool read_needed(struct redis_reader *reader, const struct row_keys *keys, struct room *room,
                        struct error *error)
{
    uint64_t bytes = 0, looked = keys->count < SAMPLE ? keys->count : SAMPLE;
    for (uint64_t i = 0; i < looked; i++)
        if (!measure_row(reader, keys->at[i * keys->count / looked], &bytes, error))
            return false;
    room->needed = looked ? bytes * keys->count / looked : 0;
    return true;
}

bool redis_reader_room(struct redis_reader *reader, const char *const *starts, size_t count,
                       struct room *room, struct error *error)
{
    struct row_keys keys = {0};
    *room = (struct room){0};
    bool good = compare_keys(reader, "", starts, count, NULL, NULL, &keys, error);
    if (good) {
        room->known = read_left(reader, room, error) && read_needed(reader, &keys, room, error);
        good = room->known || error->kind == ERROR_PERMISSION;
    }
    row_keys_release(&keys);
    return good;
}
