/*
 * cmd_try.c: fanfold try: a view file against events from standard input, without any server.
 */
#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/event_options.h"
#include "cli/lines.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "cli/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_COLUMNS_MAX   40
#define IGNORED_TYPES_MAX 6

struct
try {
    struct store *store;
    struct trial trial;
    const struct publish_defaults *defaults;
    struct lines lines;
    struct map ignored; /* type → events that no pattern matches */
    bool json;
    bool failed;          /* the input could not be read to its end, or the view stopped */
    uint64_t events, bad; /* lines */
    struct buf bad_json;  /* [{"line":…},…] without the brackets */
    size_t key_columns;
    struct buf rows, expire; /* JSON members */
    uint64_t parked;
    struct buf parked_json;
};

static void add_comma(struct buf *out)
{
    if (out->len)
        buf_add_byte(out, ',');
}

static void bad_line(struct try *t, const char *reason)
{
    t->bad++;
    if (!t->json) {
        say("line %llu: %s", (unsigned long long)t->lines.number, reason);
        return;
    }
    add_comma(&t->bad_json);
    buf_printf(&t->bad_json, "{\"line\":%llu,\"reason\":", (unsigned long long)t->lines.number);
    buf_add_json_string(&t->bad_json, str_of(reason));
    buf_add_byte(&t->bad_json, '}');
}

/* What the line has added to the tally. */
static void note(struct try *t, const struct tally *before, const struct cloudevent *event,
                 const struct error *error)
{
    const struct tally *after = &t->trial.batcher.tally;
    if (after->ignored > before->ignored)
        ++*map_put(&t->ignored, event->type);
    if (after->skipped > before->skipped && !t->json)
        say("line %llu is skipped: %s", (unsigned long long)t->lines.number, error->text);
}

/* The offset of an event is its line number − 1. False: the view stops here. */
static bool take_line(struct try *t, struct str line)
{
    struct cloudevent event;
    struct error error;
    if (!trial_read(&t->trial, t->defaults, t->lines.number, line, &event, &error)) {
        bad_line(t, error.text);
        return true;
    }
    t->events++;
    struct tally before = t->trial.batcher.tally;
    struct delivery delivery = trial_deliver(&t->trial, t->lines.number - 1, &event);
    if (trial_fold(&t->trial, &delivery, 1, &error)) {
        note(t, &before, &event, &error);
        return true;
    }
    say("line %llu stops the view: %s", (unsigned long long)t->lines.number, error.text);
    t->failed = true;
    return false;
}

static void take_lines(struct try *t)
{
    for (;;) {
        struct str line;
        switch (lines_next(&t->lines, &line)) {
        case LINE_OK:
            if (!take_line(t, line))
                return;
            break;
        case LINE_TOO_LONG:
            bad_line(t, "longer than 16 MiB");
            break;
        case LINE_FAILED:
            say("cannot read standard input: %s", strerror(errno));
            t->failed = true;
            return;
        case LINE_END:
        case LINE_STOPPED:
            return;
        }
    }
}

static void measure_row(void *arg, struct str key, struct str json, int64_t expire_at_ms)
{
    struct try *t = arg;
    (void)json;
    (void)expire_at_ms;
    size_t columns = terminal_columns(key);
    if (columns > t->key_columns)
        t->key_columns = columns < KEY_COLUMNS_MAX ? columns : KEY_COLUMNS_MAX;
}

static void print_row(void *arg, struct str key, struct str json, int64_t expire_at_ms)
{
    struct try *t = arg;
    terminal_print(stdout, key, 0, t->key_columns + 2);
    terminal_print(stdout, json, 0, 0);
    if (expire_at_ms > 0) {
        char time[TIMESTAMP_TEXT_MAX];
        timestamp_format(expire_at_ms, time);
        printf("  (expires %s)", time);
    }
    putchar('\n');
}

static void collect_row(void *arg, struct str key, struct str json, int64_t expire_at_ms)
{
    struct try *t = arg;
    add_comma(&t->rows);
    buf_add_json_string(&t->rows, key);
    buf_add_byte(&t->rows, ':');
    buf_add(&t->rows, json);
    if (expire_at_ms <= 0)
        return;
    char time[TIMESTAMP_TEXT_MAX];
    timestamp_format(expire_at_ms, time);
    add_comma(&t->expire);
    buf_add_json_string(&t->expire, key);
    buf_printf(&t->expire, ":\"%s\"", time);
}

static void say_parked(void *arg, const char *view, const char *partition,
                       const struct parked_event *event)
{
    struct try *t = arg;
    (void)view;
    (void)partition;
    t->parked++;
    say("line %llu parks (%.*s, id %.*s): %.*s", (unsigned long long)event->offset + 1,
        STRF(event->type), STRF(event->id), STRF(event->reason));
}

static void add_member(struct buf *out, const char *name, struct str text)
{
    buf_printf(out, ",\"%s\":", name);
    buf_add_json_string(out, text);
}

static void collect_parked(void *arg, const char *view, const char *partition,
                           const struct parked_event *event)
{
    struct try *t = arg;
    (void)view;
    (void)partition;
    t->parked++;
    add_comma(&t->parked_json);
    buf_printf(&t->parked_json, "{\"line\":%llu,\"waits\":%s",
               (unsigned long long)event->offset + 1, event->waits ? "true" : "false");
    add_member(&t->parked_json, "id", event->id);
    add_member(&t->parked_json, "source", event->source);
    add_member(&t->parked_json, "type", event->type);
    add_member(&t->parked_json, "reason", event->reason);
    buf_add_byte(&t->parked_json, '}');
}

/* " (no pattern matches a, b, …)" */
static void add_ignored_types(struct buf *out, const struct map *ignored)
{
    struct str type;
    uint64_t events;
    size_t shown = 0;
    for (size_t i = 0; shown <= IGNORED_TYPES_MAX && map_next(ignored, &i, &type, &events);
         shown++) {
        buf_printf(out, "%s", shown ? ", " : " (no pattern matches ");
        if (shown == IGNORED_TYPES_MAX)
            buf_add(out, STR("…"));
        else
            buf_printf(out, "%.*s", STRF(type));
    }
    if (shown)
        buf_add_byte(out, ')');
}

static void say_summary(const struct try *t)
{
    const struct tally *tally = &t->trial.batcher.tally;
    struct buf text = {0};
    buf_printf(&text, "events %llu: folded %llu, ignored %llu", (unsigned long long)t->events,
               (unsigned long long)tally->folded, (unsigned long long)tally->ignored);
    add_ignored_types(&text, &t->ignored);
    buf_printf(&text, ", duplicates %llu, parked %llu", (unsigned long long)tally->duplicates,
               (unsigned long long)t->parked);
    if (tally->skipped)
        buf_printf(&text, ", skipped %llu", (unsigned long long)tally->skipped);
    buf_printf(&text, "; bad lines %llu", (unsigned long long)t->bad);
    say("%s", buf_text(&text));
    buf_release(&text);
}

static void print_text(struct try *t)
{
    ram_store_each_row(t->store, measure_row, t);
    ram_store_each_row(t->store, print_row, t);
    fflush(stdout);
    ram_store_each_parked(t->store, say_parked, t);
    say_summary(t);
}

static void print_json(struct try *t, const struct view *view)
{
    const struct tally *tally = &t->trial.batcher.tally;
    ram_store_each_row(t->store, collect_row, t);
    ram_store_each_parked(t->store, collect_parked, t);
    printf("{\"view\":\"%s\",\"rows\":{%s},\"expire\":{%s},\"parked\":[%s],\"bad_lines\":[%s],"
           "\"tally\":{\"events\":%llu,\"folded\":%llu,\"ignored\":%llu,\"duplicates\":%llu,"
           "\"parked\":%llu,\"skipped\":%llu}}\n",
           view_name(view), buf_text(&t->rows), buf_text(&t->expire), buf_text(&t->parked_json),
           buf_text(&t->bad_json), (unsigned long long)t->events, (unsigned long long)tally->folded,
           (unsigned long long)tally->ignored, (unsigned long long)tally->duplicates,
           (unsigned long long)t->parked, (unsigned long long)tally->skipped);
}

static int try_view(const struct view *view, const struct upcast_rules *upcast,
                    const struct publish_defaults *defaults, bool json)
{
    struct try t = {.store = ram_store_new(),
                    .defaults = defaults,
                    .lines = {.fd = STDIN_FILENO},
                    .json = json};
    trial_init(&t.trial, t.store, view, "standard input", CONFIG_DEDUPE_WINDOW_DEFAULT);
    t.trial.upcast = upcast;
    if (isatty(STDIN_FILENO))
        say("reading events from the terminal, one JSON text a line; Ctrl-D ends them");
    take_lines(&t);
    if (json)
        print_json(&t, view);
    else
        print_text(&t);
    bool good = !t.failed && t.bad == 0 && t.parked == 0;
    lines_release(&t.lines);
    trial_release(&t.trial);
    store_free(t.store);
    map_release(&t.ignored);
    buf_release(&t.bad_json);
    buf_release(&t.rows);
    buf_release(&t.expire);
    buf_release(&t.parked_json);
    return good ? 0 : ERROR_NO;
}

/* The upcast of the log that the lines stand for, which is that of the view's first exchange; NULL:
 * there is none. */
static const struct upcast_rules *find_upcast(const struct config *config, const struct view *view)
{
    const struct log_config *log = config_log(config, view_exchange(view, 0));
    if (!log || !log->upcast.count)
        return NULL;
    say("events pass the \"upcast\" of %s in %s", log->exchange, config->path);
    return &log->upcast;
}

/* NULL when the file has faults, which are said. */
static struct view *load_view(const char *path)
{
    struct faults faults = {0};
    struct view *view = view_load(path, &faults);
    if (view)
        views_check(&view, 1, NULL, &faults);
    faults_print(&faults, stderr);
    if (faults.errors) {
        view_free(view);
        view = NULL;
    }
    faults_release(&faults);
    return view;
}

static int run(const struct options *options)
{
    struct publish_defaults defaults;
    struct error error;
    if (!event_options_read(options, &defaults, &error))
        return say_usage("try", &error);
    struct config config = {0};
    bool usable = !target_config_exists(options) || target_config(options, &config);
    struct view *view = usable ? load_view(options->args[0]) : NULL;
    int code = ERROR_CONFIG;
    if (view)
        code = try_view(view, find_upcast(&config, view), &defaults, options_has(options, "json"));
    view_free(view);
    config_release(&config);
    free((void *)defaults.headers);
    return code;
}

static const struct option own_options[] = {
    EVENT_OPTION_TYPE,
    EVENT_OPTION_SUBJECT,
    EVENT_OPTION_SOURCE,
    EVENT_OPTION_TIME,
    EVENT_OPTION_CORRELATION_ID,
    EVENT_OPTION_HEADER,
    {0, "json", NULL, "print one JSON object instead of a table", NULL},
    {0},
};

const struct command command_try = {
    .name = "try",
    .group = GROUP_FILES,
    .summary = "fold events from standard input in memory and print the rows",
    .synopsis = "VIEW.json [OPTION…] < EVENTS.ndjson",
    .about =
        "Folds the events on standard input with a view file, in memory, without any server, and\n"
        "prints the rows that Redis would have. What would park, and why, is said on standard "
        "error\n"
        "with the number of its line.\n"
        "\n"
        "Each line is one JSON text: a CloudEvent (it has \"specversion\"), or just data, to "
        "which\n"
        "the options give type, subject and so on.\n"
        "\n"
        "Where there is a configuration (--config, or at its usual place), events first pass the\n"
        "\"upcast\" of the log of the view's first exchange.\n"
        "\n"
        "Exit code 0; 1 when a line is bad or an event parks; 78 when a file has faults.\n"
        "\n"
        "--json prints {\"view\", \"rows\": {key: row}, \"expire\": {key: time}, \"parked\": "
        "[{\"line\",\n"
        "\"waits\", \"id\", \"source\", \"type\", \"reason\"}], \"bad_lines\": [{\"line\", "
        "\"reason\"}], \"tally\":\n"
        "{\"events\", \"folded\", \"ignored\", \"duplicates\", \"parked\", \"skipped\"}}. A row is "
        "an object of\n"
        "texts (hash), [[member, score], …] (zset), a sorted array (set), an array with the "
        "newest\n"
        "first (list), a number (counter, hll), or the document (json).",
    .examples =
        "  fanfold try views/stock.json < events.ndjson\n"
        "  echo '{\"quantity\": 3}' | fanfold try views/stock.json -t stock.received -s apple",
    .options = own_options,
    .args_min = 1,
    .args_max = 1,
    .complete = COMPLETE_FILE,
    .run = run,
};
