/*
 * log_types.c: reads a log through and counts.
 */
#include "cli/log_types.h"
#include "base/partitions.h"
#include "cli/progress.h"

#include <event2/event.h>
#include <fanfold/cloudevent.h>
#include <fanfold/stream_probe.h>
#include <fanfold/stream_reader.h>
#include <stdlib.h>

struct counting {
    struct event_base *base;
    struct stream_reader *reader;
    struct decoder decoder;
    struct arena arena;
    struct map *types;
    uint64_t last, received;
    bool done;
    struct error why; /* kind is not ERROR_NONE: the connection is lost */
    struct progress progress;
};

static void on_message(void *arg, struct message *message)
{
    struct counting *counting = arg;
    struct cloudevent event;
    struct error error;
    counting->received++;
    arena_clear(&counting->arena);
    cloudevent_decode(&counting->decoder, message, &counting->arena, &event, &error);
    if (event.type.len)
        ++*map_put(counting->types, event.type);
    counting->done = counting->done || message->offset >= counting->last;
    progress_show(&counting->progress, message->offset, message->offset);
    message_free(message);
}

static void on_turn(void *arg)
{
    struct counting *counting = arg;
    stream_reader_acknowledge(counting->reader, counting->received);
    if (counting->done)
        event_base_loopbreak(counting->base);
}

static void on_closed(void *arg, const struct error *why)
{
    struct counting *counting = arg;
    counting->why = *why;
    event_base_loopbreak(counting->base);
}

static bool count(struct counting *counting, const struct uri *uri, struct error *error)
{
    static const struct stream_reader_hooks hooks = {on_message, on_turn, on_closed};
    counting->reader =
        stream_reader_open(counting->base, uri, counting->decoder.partition,
                           (struct stream_start){.kind = STREAM_FIRST}, &hooks, counting, error);
    if (!counting->reader)
        return false;
    event_base_dispatch(counting->base);
    stream_reader_close(counting->reader);
    progress_clear(&counting->progress);
    if (!counting->done)
        *error = counting->why;
    return counting->done;
}

bool log_types_read(const struct uri *uri, const struct log_config *log, struct map *types,
                    struct error *error)
{
    char *partition = log_intake(log);
    struct stream_ends ends;
    struct counting counting = {.types = types,
                                .decoder = {.partition = partition, .read = &log->read}};
    bool good = stream_probe_last(uri, partition, UINT64_MAX, &ends, error);
    if (good && !ends.empty) {
        counting.last = ends.last;
        counting.base = event_base_new();
        progress_init(&counting.progress, ends.last);
        counting.progress.done = "events read";
        good = count(&counting, uri, error);
        event_base_free(counting.base);
    }
    arena_release(&counting.arena);
    free(partition);
    return good;
}
