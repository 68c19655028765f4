/*
 * script_log.c: see script_log.h.
 */
#include "script_log.h"
#include "base/error.h"
#include <assert.h>
#include <fanfold/stream_probe.h>
#include <stdlib.h>

struct stream_ahead {
    struct script_log *log;
    const void *worker;
    const struct stream_ahead_hooks *hooks;
    void *arg;
    size_t start; /* index of the first message that it delivers */
    uint64_t delivered, acknowledged;
    bool paused, cut, told;
    struct stream_ahead *next;
};

static struct script_log *log_of(const struct uri *uri)
{
    return (struct script_log *)uri;
}

/* How many messages the log holds, and which offset the i-th has in it. */
static size_t length(const struct script_log *log)
{
    if (!log->records)
        return log->visible;
    if (log->ahead && log->visible < log->script->count)
        return log->records->ends[log->visible + 1] - 1;
    return log->records->ends[log->visible];
}

static uint64_t number(const struct script_log *log, size_t i)
{
    return log->records ? i * SCRIPT_STRIDE : log->script->at[i].offset;
}

/* Of the last event in it; it is not empty. */
static uint64_t last_offset(const struct script_log *log)
{
    size_t last = length(log) - 1;
    return log->records ? log->records->at[last].next - 1 : log->script->at[last].offset;
}

static bool is_partition(const struct script_log *log, const char *partition)
{
    return strcmp(partition, log->records ? SCRIPT_RECORDED : SCRIPT_PARTITION) == 0;
}

static bool refuses(struct script_log *log, struct error *error)
{
    if (!log->refuses)
        return false;
    log->refuses--;
    log->refused++;
    return !error_set(error, ERROR_UNAVAILABLE, "the script's broker is not there");
}

struct stream_ahead *stream_ahead_open(struct event_base *base, const struct uri *uri,
                                       const char *partition, struct stream_range range,
                                       const struct stream_ahead_hooks *hooks, void *arg,
                                       struct error *error)
{
    struct script_log *log = log_of(uri);
    assert(is_partition(log, partition));
    if (refuses(log, error))
        return NULL;
    struct stream_ahead *reader = must_calloc(1, sizeof *reader);
    *reader = (struct stream_ahead){
        .log = log, .worker = base, .hooks = hooks, .arg = arg, .next = log->readers};
    while (reader->start < length(log) && number(log, reader->start) < range.start)
        reader->start++;
    log->in_the_middle += reader->start > 0;
    log->readers = reader;
    log->opened++;
    return reader;
}

void stream_ahead_acknowledge(struct stream_ahead *reader, uint64_t count)
{
    if (count <= reader->acknowledged)
        return;
    assert(count <= reader->delivered);
    reader->acknowledged = count;
    struct script_log *log = reader->log;
    size_t last = reader->start + count - 1;
    uint64_t next = log->records ? log->records->at[last].next : log->script->at[last].offset + 1;
    if (next)
        log->acknowledged(log->arg, (void *)reader->worker, reader->arg, next - 1);
}

void stream_ahead_pause(struct stream_ahead *reader)
{
    reader->paused = true;
    reader->log->paused++;
}

void stream_ahead_resume(struct stream_ahead *reader)
{
    reader->paused = false;
}

void stream_ahead_close(struct stream_ahead *reader)
{
    if (!reader)
        return;
    struct stream_ahead **link = &reader->log->readers;
    while (*link != reader)
        link = &(*link)->next;
    *link = reader->next;
    free(reader);
}

static bool deliver(struct stream_ahead *reader, size_t burst)
{
    struct script_log *log = reader->log;
    bool any = false;
    for (; burst && !reader->paused && reader->start + reader->delivered < length(log); burst--) {
        if (reader->delivered - reader->acknowledged >= SCRIPT_LOG_PREFETCH) {
            log->starved++;
            break;
        }
        size_t i = reader->start + reader->delivered++;
        reader->hooks->reader.message(
            reader->arg, log->records ? script_record_message(log->script, log->records, i)
                                      : script_message(&log->script->at[i]));
        any = true;
    }
    if (any)
        reader->hooks->reader.turn(reader->arg);
    return any;
}

bool script_log_deliver(struct script_log *log, const void *worker, size_t burst)
{
    bool any = false;
    struct stream_ahead *next;
    for (struct stream_ahead *reader = log->readers; reader; reader = next) {
        next = reader->next;
        if (reader->worker != worker || reader->told)
            continue;
        if (!reader->cut) {
            any = deliver(reader, burst) || any;
            continue;
        }
        struct error why;
        error_set(&why, ERROR_UNAVAILABLE, "the script's connection was cut");
        reader->told = any = true;
        reader->hooks->reader.closed(reader->arg, &why);
    }
    return any;
}

bool script_log_cut(struct script_log *log, const void *worker)
{
    bool any = false;
    for (struct stream_ahead *reader = log->readers; reader; reader = reader->next) {
        if (reader->worker != worker || reader->cut)
            continue;
        reader->cut = any = true;
        log->cut++;
    }
    return any;
}

/* The script's log begins at its first event and never loses it. */
bool stream_probe_first(const struct uri *uri, const char *partition, struct stream_ends *ends,
                        struct error *error)
{
    struct script_log *log = log_of(uri);
    (void)partition;
    if (refuses(log, error))
        return false;
    log->probed_first++;
    ends->empty = length(log) == 0;
    ends->first = ends->empty    ? 0
                  : log->records ? log->records->at[0].from
                                 : log->script->at[0].offset;
    return true;
}

bool stream_probe_last(const struct uri *uri, const char *partition, uint64_t enough,
                       struct stream_ends *ends, struct error *error)
{
    struct script_log *log = log_of(uri);
    (void)partition, (void)enough;
    if (refuses(log, error))
        return false;
    ends->empty = length(log) == 0;
    ends->last = ends->empty ? 0 : last_offset(log);
    ends->last_record = ends->empty ? 0 : number(log, length(log) - 1);
    return true;
}
