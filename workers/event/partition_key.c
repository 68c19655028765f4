/*
 * partition_key.c: the key of an event, and its hash.
 */
#include "event/partition_key.h"
#include "base/partitions.h"
#include "event/pointer.h"

#include <stdlib.h>

uint64_t partition_hash(struct str key)
{
    uint64_t x = 14695981039346656037u;
    for (size_t i = 0; i < key.len; i++)
        x = (x ^ (unsigned char)key.at[i]) * 1099511628211u;
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

void partition_keys_init(struct partition_keys *keys, const struct log_config *log)
{
    *keys = (struct partition_keys){.log = log, .intake = log_intake(log)};
}

void partition_keys_release(struct partition_keys *keys)
{
    free(keys->intake);
    arena_release(&keys->arena);
    buf_release(&keys->text);
}

/* An integer that has no text (beyond ±2^53) counts as it is written. */
static struct str text_of(struct partition_keys *keys, const struct json *node)
{
    struct error ignored;
    buf_clear(&keys->text);
    return json_text(&keys->text, node, &ignored) ? buf_str(&keys->text) : node->text;
}

uint64_t partition_keys_hash(struct partition_keys *keys, const struct message *message)
{
    const struct decoder decoder = {.partition = keys->intake, .read = &keys->log->read};
    struct cloudevent event;
    struct error ignored;
    arena_clear(&keys->arena);
    cloudevent_decode(&decoder, message, &keys->arena, &event,
                      &ignored); /* or what is known of it */
    struct str by = str_of(log_partition_by(keys->log));
    if (str_eq(by, STR(PARTITION_BY_DEFAULT)))
        return partition_hash(event.subject);
    const struct json *node = pointer_find(event.root, by, &keys->arena);
    return partition_hash(node && node->kind != JSON_NULL ? text_of(keys, node) : STR(""));
}
