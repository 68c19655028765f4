/*
 * publishing.c: the work of `fanfold publish`.
 */
#include "cli/publishing.h"
#include "base/clock.h"
#include "cli/say.h"
#include "cli/uuid.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

/* Events without a confirm that are named one by one; behind them only counted. */
#define NAMED_MAX      20
#define RETRY_FIRST_MS 200
#define RETRY_MAX_MS   5000
/* A broker that starts answers before it has its exchanges and queues again. */
#define SETTLE_MS 10000

static bool is_stopped(const struct publishing *p)
{
    return p->stop && *p->stop;
}

static void show_progress(struct publishing *p)
{
    progress_show(&p->progress, p->confirmed, p->lines ? p->lines->bytes : 0);
}

/* What an event is called: its line, or its id when there are no lines. */
static void name_event(const struct publishing *p, uint64_t tag, char *out, size_t size)
{
    if (p->lines)
        snprintf(out, size, "line %llu", (unsigned long long)tag);
    else
        snprintf(out, size, "event %.200s", p->id ? p->id : "");
}

static void on_outcome(void *arg, uint64_t tag, enum publish_outcome outcome, const char *text)
{
    struct publishing *p = arg;
    if (outcome == PUBLISH_CONFIRMED) {
        p->confirmed++;
        show_progress(p);
        return;
    }
    uint64_t *count = outcome == PUBLISH_UNROUTABLE ? &p->unroutable : &p->refused;
    ++*count;
    uint64_t named = p->unroutable + p->refused;
    char name[256];
    name_event(p, tag, name, sizeof name);
    progress_clear(&p->progress);
    if (named <= NAMED_MAX)
        say("%s: not published: %s", name, text);
    else if (named == NAMED_MAX + 1)
        say("further events that are not published are only counted");
}

static void on_notice(void *arg, const char *text)
{
    struct publishing *p = arg;
    progress_clear(&p->progress);
    say("%s", text);
}

/* Between two tries; shorter when the program is to stop. */
static void wait_ms(const struct publishing *p, int64_t ms)
{
    for (int64_t end = clock_monotonic_ms() + ms; !is_stopped(p);) {
        int64_t left = end - clock_monotonic_ms();
        if (left <= 0)
            return;
        poll(NULL, 0, left < 100 ? (int)left : 100);
    }
}

bool publishing_connect(struct publishing *p, const struct uri *uri, const char *partition,
                        int patience_ms, struct error *error)
{
    const struct publisher_options options = {
        .exchange = p->exchange,
        .partition = partition,
        .patience_ms = patience_ms,
        .stop = p->stop,
        .outcome = on_outcome,
        .notice = on_notice,
        .arg = p,
    };
    int64_t start = clock_monotonic_ms(), pause = RETRY_FIRST_MS, answered = 0;
    for (bool said = false;; said = true) {
        p->publisher = publisher_open(uri, &options, error);
        if (p->publisher)
            return true;
        int64_t now = clock_monotonic_ms();
        if (error->kind != ERROR_UNAVAILABLE && !answered)
            answered = now;
        bool worth = error->kind == ERROR_UNAVAILABLE || (said && now - answered < SETTLE_MS);
        bool patient = patience_ms <= 0 || now - start + pause < patience_ms;
        if (!worth || is_stopped(p))
            return false;
        if (!patient)
            return said ? error_prefix(error, "given up after %d s", patience_ms / 1000) : false;
        if (!said)
            say("%s; trying again", error->text);
        wait_ms(p, pause + (int64_t)(clock_random() % (uint64_t)pause));
        pause = pause * 2 < RETRY_MAX_MS ? pause * 2 : RETRY_MAX_MS;
    }
}

/* The event of a line, and its message; in p->arena. */
static bool read_line(struct publishing *p, struct str line, struct cloudevent *event,
                      struct message *message, struct error *error)
{
    char made_id[UUID_TEXT_MAX];
    arena_clear(&p->arena);
    uuid_make(made_id);
    struct str id = arena_copy(&p->arena, str_of(made_id));
    return cloudevent_from_line(line, &p->defaults, id, &p->arena, event, error) &&
           cloudevent_encode(event, str_of(p->exchange), p->defaults.key, &p->arena, message,
                             error);
}

static void bad_line(struct publishing *p, const char *reason)
{
    p->bad++;
    progress_clear(&p->progress);
    say("line %llu: %s", (unsigned long long)p->lines->number, reason);
}

/* Notes why the publisher gave up. What a call that returned true left in its error does not count.
 */
static bool keep_error(struct publishing *p, bool done, const struct error *error)
{
    if (!done)
        p->error = *error;
    return done;
}

static bool flush(struct publishing *p)
{
    struct error error;
    return keep_error(p, publisher_flush(p->publisher, &error), &error);
}

static bool send_message(struct publishing *p, const struct message *message, uint64_t tag)
{
    struct error error;
    return keep_error(p, publisher_send(p->publisher, message, tag, &error), &error);
}

/* False: the publisher gave up. */
static bool send_line(struct publishing *p, struct str line)
{
    struct cloudevent event;
    struct message message;
    struct error error;
    if (!read_line(p, line, &event, &message, &error)) {
        bad_line(p, error.text);
        return true;
    }
    return send_message(p, &message, p->lines->number);
}

/* While no line comes: confirms are taken in, and the connection stays alive. */
static bool on_idle(void *arg)
{
    return flush(arg);
}

void publishing_lines(struct publishing *p, struct lines *lines)
{
    p->lines = lines;
    lines->idle = on_idle;
    lines->idle_arg = p;
    for (;;) {
        struct str line;
        if (p->strict && p->bad + p->unroutable + p->refused)
            return;
        switch (lines_next(lines, &line)) {
        case LINE_OK:
            if (!send_line(p, line))
                return;
            show_progress(p);
            break;
        case LINE_TOO_LONG:
            bad_line(p, "longer than 16 MiB");
            break;
        case LINE_FAILED:
            error_set(&p->error, ERROR_NO, "cannot read standard input: %s", strerror(errno));
            return;
        case LINE_END:
        case LINE_STOPPED:
            return;
        }
    }
}

bool publishing_read_one(struct publishing *p, struct str data, struct error *error)
{
    struct cloudevent event;
    if (!read_line(p, data, &event, &p->message, error)) {
        error->kind = ERROR_USAGE;
        return error_prefix(error, "-d");
    }
    p->id = must_strndup(event.id.at, event.id.len);
    return true;
}

void publishing_send_one(struct publishing *p)
{
    send_message(p, &p->message, 1);
}

int publishing_finish(struct publishing *p)
{
    if (p->error.kind == ERROR_NONE && !is_stopped(p))
        flush(p);
    progress_clear(&p->progress);
    if (is_stopped(p))
        return ERROR_NO;
    if (p->error.kind != ERROR_NONE)
        return say_error(&p->error);
    bool all = p->bad + p->unroutable + p->refused + publisher_unconfirmed(p->publisher) == 0;
    return all ? 0 : ERROR_NO;
}

static void summary_json(const struct publishing *p, uint64_t sent, size_t unknown, double seconds)
{
    struct buf id = {0};
    if (p->id) {
        buf_add(&id, STR(",\"id\":"));
        buf_add_json_string(&id, str_of(p->id));
    }
    printf("{\"sent\":%llu,\"confirmed\":%llu,\"unroutable\":%llu,\"refused\":%llu,"
           "\"unknown\":%zu,\"bad_lines\":%llu,\"resent\":%llu,\"seconds\":%.3f%s}\n",
           (unsigned long long)sent, (unsigned long long)p->confirmed,
           (unsigned long long)p->unroutable, (unsigned long long)p->refused, unknown,
           (unsigned long long)p->bad, (unsigned long long)publisher_resent(p->publisher), seconds,
           buf_text(&id));
    buf_release(&id);
}

static void summary_text(const struct publishing *p, uint64_t sent, size_t unknown, double seconds)
{
    struct buf text = {0};
    buf_printf(&text, "%s %llu event%s", sent == p->confirmed ? "published" : "sent",
               (unsigned long long)sent, sent == 1 ? "" : "s");
    if (p->id)
        buf_printf(&text, " (id %s)", p->id);
    buf_printf(&text, ", %llu confirmed, %llu refused", (unsigned long long)p->confirmed,
               (unsigned long long)(p->refused + p->unroutable));
    if (unknown)
        buf_printf(&text, ", %zu of unknown fate (the log may have them or not)", unknown);
    if (publisher_resent(p->publisher))
        buf_printf(&text, ", %llu sent again", (unsigned long long)publisher_resent(p->publisher));
    if (p->lines)
        buf_printf(&text, ", %llu bad line%s", (unsigned long long)p->bad, p->bad == 1 ? "" : "s");
    buf_printf(&text, ", in %.1f s (%.0f/s)", seconds, (double)p->confirmed / seconds);
    say("%s", buf_text(&text));
    buf_release(&text);
}

void publishing_summary(const struct publishing *p, bool json)
{
    size_t unknown = publisher_unconfirmed(p->publisher);
    uint64_t sent = p->confirmed + p->unroutable + p->refused + unknown;
    double seconds = (double)progress_elapsed_ms(&p->progress) / 1000;
    if (is_stopped(p))
        say("stopped by a signal%s", p->lines ? "; the lines behind were not read" : "");
    if (json)
        summary_json(p, sent, unknown, seconds);
    else
        summary_text(p, sent, unknown, seconds);
}

void publishing_release(struct publishing *p)
{
    publisher_close(p->publisher);
    arena_release(&p->arena);
    free(p->id);
}
