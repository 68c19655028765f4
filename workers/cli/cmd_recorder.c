/*
 * cmd_recorder.c: fanfold recorder: copies a recorded log to its partitions.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/partitions.h"
#include "cli/command.h"
#include "cli/log_level.h"
#include "cli/say.h"
#include "cli/target.h"
#include <event2/event.h>
#include <fanfold/recorder.h>

#include <signal.h>
#include <stdlib.h>

struct job {
    struct config config;
    const struct log_config *log;
    struct log_config given; /* --log */
    bool has_given;
    struct event_base *base;
};

/* --- which log ------------------------------------------------------------------------- */

static int say_not_recorded(const char *exchange, const char *path)
{
    say("%s: the log has one partition, so there is nothing to record; set its \"partitions\" in "
        "%s, and run `fanfold setup`",
        exchange, path);
    return ERROR_CONFIG;
}

static int read_given(const char *text, struct job *job)
{
    struct faults faults = {0};
    job->has_given = config_log_parse("--log", str_of(text), &job->given, &faults);
    faults_print(&faults, stderr);
    faults_release(&faults);
    job->log = &job->given;
    return job->has_given ? 0 : ERROR_CONFIG;
}

static int find_log(const char *exchange, struct job *job)
{
    job->log = config_log(&job->config, exchange);
    if (job->log)
        return 0;
    say("no log of the exchange \"%s\" in %s", exchange, job->config.path);
    return ERROR_CONFIG;
}

/* The only one that is recorded. */
static int choose_log(struct job *job)
{
    struct buf names = {0};
    size_t count = 0;
    for (size_t i = 0; i < job->config.log_count; i++) {
        if (!log_is_recorded(&job->config.logs[i]))
            continue;
        job->log = &job->config.logs[i];
        buf_printf(&names, "%s%s", count++ ? ", " : "", job->log->exchange);
    }
    struct error error;
    int code = 0;
    if (!count) {
        say("%s: no log has several \"partitions\", so there is nothing to record",
            job->config.path);
        code = ERROR_CONFIG;
    } else if (count > 1) {
        error_set(&error, ERROR_USAGE, "%s has %zu recorded logs; say which with -e EXCHANGE: %s",
                  job->config.path, count, buf_text(&names));
        code = say_usage("recorder", &error);
    }
    buf_release(&names);
    return code;
}

static int find_any_log(const struct options *options, struct job *job)
{
    const char *given = options_text(options, "log"), *exchange = options_text(options, "exchange");
    int code = given      ? read_given(given, job)
               : exchange ? find_log(exchange, job)
                          : choose_log(job);
    if (!code && !log_is_recorded(job->log))
        code = say_not_recorded(job->log->exchange, job->config.path);
    return code;
}

/* --- running --------------------------------------------------------------------------- */

static void on_changed(void *arg, enum recorder_state state, const char *text)
{
    const struct job *job = arg;
    switch (state) {
    case RECORDER_FAILED:
        log_warning("recorder %s: %s; trying again until it works", job->log->exchange, text);
        break;
    case RECORDER_BLOCKED:
        log_warning("recorder %s: %s", job->log->exchange, text);
        break;
    default:
        log_info("recorder %s: %s", job->log->exchange, text);
        break;
    }
}

static void on_end(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    struct job *job = arg;
    event_base_loopbreak(job->base);
}

static void say_totals(const struct job *job, const struct recorder *recorder)
{
    struct recorder_totals totals = recorder_totals(recorder);
    log_info("recorder %s: stopped; %llu events recorded, %llu were recorded before, %llu marks, "
             "begun %llu times",
             job->log->exchange, (unsigned long long)totals.recorded,
             (unsigned long long)totals.skipped, (unsigned long long)totals.marks,
             (unsigned long long)totals.begun);
}

static void record(struct job *job)
{
    static const struct recorder_hooks hooks = {on_changed};
    job->base = event_base_new();
    struct event *interrupt = evsignal_new(job->base, SIGINT, on_end, job);
    struct event *terminate = evsignal_new(job->base, SIGTERM, on_end, job);
    event_add(interrupt, NULL);
    event_add(terminate, NULL);
    struct recorder *recorder = recorder_new(job->base, &job->config.amqp, job->log, &hooks, job);
    event_base_dispatch(job->base);
    say_totals(job, recorder);
    recorder_free(recorder);
    event_free(interrupt);
    event_free(terminate);
    event_base_free(job->base);
}

static int run(const struct options *options)
{
    struct error error;
    struct job job = {0};
    if (!log_level_set(options, &error))
        return say_usage("recorder", &error);
    if (!target_config(options, &job.config))
        return ERROR_CONFIG;
    int code = find_any_log(options, &job);
    if (!code)
        record(&job);
    if (job.has_given)
        config_log_release(&job.given);
    config_release(&job.config);
    return code;
}

static const struct option own_options[] = {
    {'e', "exchange", "EXCHANGE",
     "the exchange; not needed when the configuration has one recorded log", NULL},
    {0, "log", "JSON",
     "the log's settings, as an entry of \"logs\", in place of those in the configuration", NULL},
    LOG_LEVEL_OPTION,
    {0},
};

const struct command command_recorder = {
    .name = "recorder",
    .group = GROUP_SERVERS,
    .summary = "copy a log to its partitions, until stopped",
    .synopsis = "[-e EXCHANGE]",
    .about =
        "Copies each event of a log with several \"partitions\" from EXCHANGE.log.0, where "
        "publishers\n"
        "put it, to the partition of its key. Workers run one by themselves for each such log; "
        "this\n"
        "is for running it elsewhere. Start as many as you like: one of them records, the others "
        "stand\n"
        "by, and one takes over when it dies. What it has done stands in the partitions alone, so "
        "it\n"
        "may be killed at any time: nothing is lost, and what is there twice is read once.\n"
        "\n"
        "SIGTERM or Ctrl-C: end with exit code 0. It logs to standard error. A broker that is down "
        "is\n"
        "waited for. Exit code 78: the configuration has faults, or the log has one partition.",
    .examples = "  fanfold recorder\n"
                "  fanfold recorder -e shop.events",
    .options = own_options,
    .run = run,
};
