/*
 * epoch.c: one digest of everything that decides what a log folds to.
 */
#include "worker/batcher.h"
#include <stdio.h>

/* A rule that is not set differs from an empty one. */
static struct str rule(const char *text)
{
    return text ? str_of(text) : STR("\x01");
}

uint64_t log_digest(const struct log_config *log)
{
    char window[32];
    snprintf(window, sizeof window, "%llu", (unsigned long long)log->dedupe_window);
    const struct read_rules *read = &log->read;
    struct str parts[] = {str_of(window),           rule(read->type),    rule(read->id),
                          rule(read->source),       rule(read->subject), rule(read->time),
                          rule(read->correlationid)};
    return hash128_of(parts, sizeof parts / sizeof *parts).lo;
}

void epoch_write(const struct view *view, const struct log_config *log, char out[EPOCH_MAX])
{
    char hex[HASH_HEX_LEN + 1];
    hash_hex(hash_mix(hash_mix(VIEW_SEMANTICS, view_digest(view)), log_digest(log)), hex);
    snprintf(out, EPOCH_MAX, "1.%s", hex);
}
