/*
 * cmd_tail.c: fanfold tail: prints events of a log as they come.
 */
#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/tail_print.h"
#include "cli/target.h"
#include <event2/event.h>
#include <fanfold/stream_probe.h>
#include <fanfold/stream_reader.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* --until-end also ends when nothing comes for so long: a time behind the end of the log never
 * delivers its last event. */
#define SILENCE_SECONDS 5

struct tail {
    struct event_base *base;
    struct stream_reader *reader;
    struct event *silence; /* timer; NULL without --until-end */
    struct tail_printer printer;
    struct decoder decoder;
    struct arena arena; /* of the event at hand */
    struct stream_start start;
    bool has_since;
    int64_t since_ms; /* events of an earlier time are passed over */
    uint64_t limit;   /* 0: none */
    bool until_end;
    uint64_t last; /* offset at which --until-end ends */
    uint64_t received, shown;
    bool done;
    int code;
};

static bool is_wanted(const struct tail *tail, const struct message *message,
                      const struct cloudevent *event)
{
    if (tail->start.kind == STREAM_OFFSET && message->offset < tail->start.value)
        return false;
    return !tail->has_since || !event->has_time || event->time_ms >= tail->since_ms;
}

static void on_message(void *arg, struct message *message)
{
    struct tail *tail = arg;
    tail->received++;
    if (!tail->done) {
        struct cloudevent event;
        struct error error;
        arena_clear(&tail->arena);
        bool good = cloudevent_decode(&tail->decoder, message, &tail->arena, &event, &error);
        if (is_wanted(tail, message, &event)) {
            tail_print(&tail->printer, message, &event, good ? NULL : error.text);
            tail->shown++;
        }
        tail->done = (tail->limit && tail->shown == tail->limit) ||
                     (tail->until_end && message->offset >= tail->last);
    }
    message_free(message);
}

static void restart_silence(struct tail *tail)
{
    const struct timeval silence = {.tv_sec = SILENCE_SECONDS};
    if (tail->silence)
        evtimer_add(tail->silence, &silence);
}

static void on_turn(void *arg)
{
    struct tail *tail = arg;
    stream_reader_acknowledge(tail->reader, tail->received);
    restart_silence(tail);
    if (!output_flush() || tail->done)
        event_base_loopbreak(tail->base);
}

static void on_closed(void *arg, const struct error *why)
{
    struct tail *tail = arg;
    tail->code = say_error(why);
    event_base_loopbreak(tail->base);
}

static void on_end(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    struct tail *tail = arg;
    event_base_loopbreak(tail->base);
}

static bool read_from(const char *text, struct tail *tail, struct error *error)
{
    char *end;
    errno = 0;
    if (!text || strcmp(text, "next") == 0) {
        tail->start = (struct stream_start){.kind = STREAM_NEXT};
    } else if (strcmp(text, "first") == 0) {
        tail->start = (struct stream_start){.kind = STREAM_FIRST};
    } else if (text[0] && strspn(text, "0123456789") == strlen(text)) {
        tail->start = (struct stream_start){STREAM_OFFSET, strtoull(text, &end, 10)};
        if (errno || tail->start.value > INT64_MAX)
            return error_set(error, ERROR_USAGE, "--from %s: no offset is that large", text);
    } else if (timestamp_parse(str_of(text), &tail->since_ms) && tail->since_ms >= 0) {
        tail->has_since = true;
        tail->start = (struct stream_start){STREAM_TIME, (uint64_t)tail->since_ms / 1000};
    } else {
        return error_set(error, ERROR_USAGE,
                         "--from %s: write first, next, an offset, or a time as "
                         "2026-01-31T09:05:07Z",
                         text);
    }
    return true;
}

/* Finds the offset at which --until-end ends. Marks the tail as done when there is nothing to read.
 */
static bool find_end(struct tail *tail, const struct uri *uri, struct error *error)
{
    struct stream_ends ends;
    if (!stream_probe_last(uri, tail->decoder.partition, UINT64_MAX, &ends, error))
        return false;
    tail->last = ends.empty ? 0 : ends.last;
    tail->done = ends.empty || tail->start.kind == STREAM_NEXT ||
                 (tail->start.kind == STREAM_OFFSET && tail->start.value > ends.last);
    return true;
}

/* Reads until something ends it; returns the exit code. */
static int loop(struct tail *tail, const struct uri *uri)
{
    static const struct stream_reader_hooks hooks = {on_message, on_turn, on_closed};
    struct error error;
    tail->reader = stream_reader_open(tail->base, uri, tail->decoder.partition, tail->start, &hooks,
                                      tail, &error);
    if (!tail->reader)
        return say_error(&error);
    struct event *interrupt = evsignal_new(tail->base, SIGINT, on_end, tail);
    struct event *terminate = evsignal_new(tail->base, SIGTERM, on_end, tail);
    event_add(interrupt, NULL);
    event_add(terminate, NULL);
    if (tail->until_end)
        tail->silence = evtimer_new(tail->base, on_end, tail);
    restart_silence(tail);
    event_base_dispatch(tail->base);
    stream_reader_close(tail->reader);
    event_free(interrupt);
    event_free(terminate);
    if (tail->silence)
        event_free(tail->silence);
    return tail->code;
}

static int follow(struct tail *tail, const struct uri *uri)
{
    struct error error;
    if (tail->until_end && !find_end(tail, uri, &error))
        return say_error(&error);
    if (tail->done)
        return 0;
    tail->base = event_base_new();
    int code = loop(tail, uri);
    event_base_free(tail->base);
    return code;
}

static int run(const struct options *options)
{
    struct tail tail = {.until_end = options_has(options, "until-end")};
    struct target target;
    struct error error;
    if (!read_from(options_text(options, "from"), &tail, &error) ||
        !options_count(options, "count", 1, &tail.limit, &error))
        return say_usage("tail", &error);
    int code = target_open(options, "tail", &target);
    if (code)
        return code;
    const char *partition = options_text(options, "partition");
    tail.decoder.partition = partition ? partition : target.partition;
    tail.decoder.read = target.log ? &target.log->read : NULL;
    tail_printer_init(&tail.printer, options_has(options, "json"));
    code = follow(&tail, target_uri(&target));
    tail_printer_release(&tail.printer);
    arena_release(&tail.arena);
    target_release(&target);
    return code;
}

static const struct option own_options[] = {
    TARGET_OPTION_EXCHANGE,
    {0, "from", "WHERE",
     "first: all that the log has; next (default): what comes from now on; an offset; or an RFC "
     "3339 "
     "time",
     "first next"},
    {'n', "count", "N", "end after N events", NULL},
    {0, "until-end", NULL, "end where the log ends now, instead of waiting for more", NULL},
    {0, "partition", "PARTITION", "the partition; EXCHANGE.log.0 without it", NULL},
    {0, "json", NULL, "print each event as a line of CloudEvents JSON", NULL},
    {0},
};

const struct command command_tail = {
    .name = "tail",
    .group = GROUP_LOG,
    .summary = "print events of the log as they come",
    .synopsis = "[-e EXCHANGE] [--from WHERE] [-n N] [--until-end] [--json]",
    .about =
        "Prints the events of a log: offset, time, type, subject, id and data, cut to the width "
        "of\n"
        "the terminal. It waits for more until Ctrl-C, -n or --until-end ends it. Reading takes\n"
        "nothing away from the log and disturbs no worker. A message that is no event is shown "
        "with\n"
        "the reason.\n"
        "\n"
        "With --from TIME, events whose own time is earlier are passed over.\n"
        "\n"
        "Exit code 0; 69: the broker cannot be reached, or the connection was lost; 77; 78: there "
        "is\n"
        "no such log.\n"
        "\n"
        "--json prints one CloudEvent (structured JSON) a line, with the extension "
        "\"fanfoldoffset\",\n"
        "its offset. A message that is no event: {\"fanfoldoffset\", \"id\", \"source\", "
        "\"type\",\n"
        "\"fanfoldfault\": the reason, \"data_base64\": the body}.",
    .examples = "  fanfold tail\n"
                "  fanfold tail --from first -n 10\n"
                "  fanfold tail -e shop.events --from 2026-01-31T09:00:00Z --until-end --json",
    .options = own_options,
    .run = run,
};
