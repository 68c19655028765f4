/*
 * cmd_publish.c: fanfold publish: one event from flags, or lines from standard input.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/event_options.h"
#include "cli/interrupt.h"
#include "cli/publishing.h"
#include "cli/say.h"
#include "cli/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_DEFAULT_MS 30000
#define PATIENCE_NONE_MS    1 /* publisher.h: 0 would be for ever */

static bool read_patience(const struct options *options, int *ms, struct error *error)
{
    const char *text = options_text(options, "patience");
    int64_t value = *ms;
    if (text && strcmp(text, "forever") == 0)
        value = 0;
    else if (text && strcmp(text, "0") == 0)
        value = PATIENCE_NONE_MS;
    else if (text && (!duration_parse(str_of(text), &value) || value > INT32_MAX))
        return error_set(error, ERROR_USAGE,
                         "--patience %s: write 30s, 10m, 0 (give up at once) or forever", text);
    *ms = (int)value;
    return true;
}

/* All of a file, at most LINE_MAX_BYTES. */
static bool read_all(int fd, struct buf *out, struct error *error)
{
    for (;;) {
        ssize_t n = read(fd, buf_room(out, 65536), 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(error, ERROR_USAGE, "%s", strerror(errno));
        if (n == 0)
            return true;
        out->len += (size_t)n;
        if (out->len > LINE_MAX_BYTES)
            return error_set(error, ERROR_USAGE, "more than 16 MiB");
    }
}

/* What -d says: JSON, @FILE, or - for standard input. */
static bool read_data(const char *given, struct buf *data, struct error *error)
{
    if (strcmp(given, "-") == 0)
        return read_all(STDIN_FILENO, data, error) || error_prefix(error, "-d -");
    if (given[0] != '@') {
        buf_add(data, str_of(given));
        return true;
    }
    int fd = open(given + 1, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, ERROR_USAGE, "-d %s: %s", given, strerror(errno));
    bool done = read_all(fd, data, error) || error_prefix(error, "-d %s", given);
    close(fd);
    return done;
}

/* Bytes of standard input, if it is a file; for the progress bar. */
static uint64_t input_size(void)
{
    struct stat status;
    if (fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        return (uint64_t)status.st_size;
    return 0;
}

static int publish_lines(struct publishing *p)
{
    struct lines lines = {.fd = STDIN_FILENO, .stop = p->stop};
    if (isatty(STDIN_FILENO))
        say("reading events from the terminal, one JSON text a line; Ctrl-D ends them");
    publishing_lines(p, &lines);
    int code = publishing_finish(p);
    lines_release(&lines);
    return code;
}

static int publish_one(struct publishing *p)
{
    publishing_send_one(p);
    return publishing_finish(p);
}

/* -d is read before anything is connected: a slip is told at once, also while the broker is down.
 */
static int publish(struct publishing *p, const struct target *target, const struct options *options,
                   int patience_ms)
{
    struct buf data = {0};
    struct error error;
    int code;
    const char *given = options_text(options, "data");
    if (given &&
        (!read_data(given, &data, &error) || !publishing_read_one(p, buf_str(&data), &error))) {
        code = say_usage("publish", &error);
    } else if (!publishing_connect(p, target_uri(target), target->log ? target->partition : NULL,
                                   patience_ms, &error)) {
        code = say_error(&error);
    } else {
        progress_init(&p->progress, given ? 0 : input_size());
        code = given ? publish_one(p) : publish_lines(p);
        publishing_summary(p, options_has(options, "json"));
    }
    publishing_release(p);
    buf_release(&data);
    return code;
}

static bool read_options(const struct options *options, struct publish_defaults *defaults,
                         int *patience_ms, struct error *error)
{
    if (options_has(options, "id") && !options_has(options, "data"))
        return error_set(error, ERROR_USAGE,
                         "--id is for one event (-d): an id may not be that of several events");
    return read_patience(options, patience_ms, error) &&
           event_options_read(options, defaults, error);
}

static int run(const struct options *options)
{
    struct publishing p = {.strict = options_has(options, "strict")};
    struct target target;
    struct error error;
    int patience_ms = PATIENCE_DEFAULT_MS;
    if (!read_options(options, &p.defaults, &patience_ms, &error))
        return say_usage("publish", &error);
    char
        now[TIMESTAMP_TEXT_MAX]; /* an event from flags happens now; a file says its times itself */
    if (options_has(options, "data") && !str_is(p.defaults.time))
        p.defaults.time = (struct str){now, timestamp_format(clock_wall_ms(), now)};
    int code = target_open(options, "publish", &target);
    if (code == 0) {
        p.exchange = target.exchange;
        p.stop = interrupt_catch();
        code = publish(&p, &target, options, patience_ms);
        target_release(&target);
    }
    free((void *)p.defaults.headers);
    return code;
}

static const struct option own_options[] = {
    TARGET_OPTION_EXCHANGE,
    {'d', "data", "DATA", "one event with this data: JSON, @FILE, or - for all of standard input",
     NULL},
    EVENT_OPTION_TYPE,
    EVENT_OPTION_SUBJECT,
    {0, "id", "ID", "id of the one event; without it a new one is made", NULL},
    EVENT_OPTION_SOURCE,
    EVENT_OPTION_TIME,
    EVENT_OPTION_CORRELATION_ID,
    EVENT_OPTION_HEADER,
    {0, "key", "KEY", "routing key; without it the subject", NULL},
    {0, "strict", NULL, "stop at the first bad line or unconfirmed event", NULL},
    {0, "patience", "TIME",
     "how long to try again while the broker is down: 30s (default), 10m, 0, forever",
     "0 30s 10m forever"},
    {0, "json", NULL, "print the summary as JSON on standard output", NULL},
    {0},
};

const struct command command_publish = {
    .name = "publish",
    .group = GROUP_LOG,
    .summary = "publish events, and wait until the log has them",
    .synopsis = "[-e EXCHANGE] [-t TYPE] [-s SUBJECT] [-d DATA] [OPTION…] [< EVENTS.ndjson]",
    .about =
        "Publishes one event (-d), or the lines of standard input: each one JSON text, a "
        "CloudEvent\n"
        "(it has \"specversion\") or just data, to which the options give type, subject and so on. "
        "An\n"
        "event counts as published when the broker has confirmed it and a queue took it. When the\n"
        "connection is lost, what was not confirmed is sent again with the same ids, which views\n"
        "count once. A bad line is said with its number, and the rest goes on. An event of -d has "
        "the\n"
        "time of now unless --time says another.\n"
        "\n"
        "With -e no configuration file is needed: FANFOLD_AMQP_URL names the broker, or RabbitMQ "
        "on\n"
        "this machine is used.\n"
        "\n"
        "Exit code 0: all confirmed; 1: a bad line, an event that no log received, or Ctrl-C;\n"
        "69: the broker was down longer than --patience; 77; 78.\n"
        "\n"
        "--json prints {\"sent\", \"confirmed\", \"unroutable\", \"refused\", \"unknown\" "
        "(neither\n"
        "confirmed nor refused when it ended), \"bad_lines\", \"resent\", \"seconds\", \"id\" (of "
        "one event)}.",
    .examples = "  fanfold publish -t stock.received -s apple -d '{\"quantity\": 3}'\n"
                "  fanfold publish < events.ndjson\n"
                "  jq -c '.orders[]' export.json | fanfold publish -e shop.events -t order.placed",
    .options = own_options,
    .run = run,
};
