/*
 * recorders.c: a child process `fanfold recorder` for each recorded log.
 *
 * Every worker of the pool keeps one for each log, so one is left wherever a worker is; they agree
 * among themselves who records (fanfold/recorder.h). It is a process of its own because it writes
 * as much as it reads: the folds have the worker's loop for themselves. It may die at any time, and
 * dies with the worker.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/partitions.h"
#include "worker/process.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 10000
/* One that ran for so long did not fail at its start. */
#define STABLE_MS 10000
/* How long those that were asked to end are waited for. */
#define END_MS   2000
#define PAUSE_MS 10

struct recorder_child {
    char *exchange, *queue;      /* queue: which set of partitions; names the child */
    char *log;                   /* its settings, as JSON */
    bool wanted;                 /* by the files */
    bool in_use;                 /* by a definition in force */
    pid_t pid;                   /* 0: it does not run */
    int64_t started_ms, next_ms; /* monotonic */
    int tries;
};

static bool is_needed(const struct recorder_child *child)
{
    return child->wanted || child->in_use;
}

/* --- what a child is told -------------------------------------------------------------- */

static void add_text(struct buf *out, const char *name, const char *text, const char *comma)
{
    if (!text)
        return;
    buf_printf(out, "%s\"%s\":", out->at[out->len - 1] == '{' ? "" : comma, name);
    buf_add_json_string(out, str_of(text));
}

/* What decides the partition of an event. */
static char *write_log(const struct log_config *log)
{
    const struct read_rules *read = &log->read;
    struct buf out = {0};
    buf_add_byte(&out, '{');
    add_text(&out, "exchange", log->exchange, ",");
    buf_printf(&out, ",\"partitions\":%d", log->partitions);
    add_text(&out, "partition_by", log->partition_by, ",");
    buf_add(&out, STR(",\"read\":{"));
    add_text(&out, "type", read->type, ",");
    add_text(&out, "id", read->id, ",");
    add_text(&out, "source", read->source, ",");
    add_text(&out, "subject", read->subject, ",");
    add_text(&out, "time", read->time, ",");
    add_text(&out, "correlationid", read->correlationid, ",");
    buf_add(&out, STR("}}"));
    return (char *)buf_text(&out);
}

/* --- starting -------------------------------------------------------------------------- */

static void close_files(void)
{
    if (close_range(3, ~0U, 0) == 0)
        return;
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
}

/* Signals are still blocked, so no handler of the worker runs here. */
static void become_recorder(char *const argv[], pid_t worker)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        if (number != SIGPIPE)
            signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != worker)
        _exit(1); /* it died before it could be told */
    close_files();
    execv("/proc/self/exe", argv);
    _exit(127);
}

static pid_t spawn(const struct process *process, const struct recorder_child *child)
{
    const char *level = process->options->log_level;
    const char *argv[] = {"fanfold",
                          "recorder",
                          "--config",
                          process->config.path,
                          "--log",
                          child->log,
                          level ? "--log-level" : NULL,
                          level,
                          NULL};
    sigset_t all, before;
    pid_t worker = getpid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become_recorder((char *const *)argv, worker);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static void delay(struct recorder_child *child)
{
    int64_t limit = BACKOFF_MIN_MS;
    for (int i = 0; i < child->tries && limit < BACKOFF_MAX_MS; i++)
        limit *= 2;
    child->tries++;
    limit = limit > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : limit;
    child->next_ms =
        clock_monotonic_ms() + limit / 2 + (int64_t)(clock_random() % (uint64_t)(limit / 2));
}

static void start(struct process *process, struct recorder_child *child)
{
    pid_t pid = spawn(process, child);
    if (pid < 0) {
        log_warning("the recorder of %s cannot be started: %s; trying again", child->exchange,
                    strerror(errno));
        delay(child);
        return;
    }
    child->pid = pid;
    child->started_ms = clock_monotonic_ms();
    log_info("started the recorder of %s (process %d)", child->exchange, (int)pid);
}

/* --- ending ---------------------------------------------------------------------------- */

static void say_ended(const struct recorder_child *child, int status)
{
    char how[64];
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "by signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "with exit code %d", WEXITSTATUS(status));
    if (is_needed(child))
        log_warning("the recorder of %s (process %d) ended %s; starting another one",
                    child->exchange, (int)child->pid, how);
    else
        log_info("the recorder of %s (process %d) ended", child->exchange, (int)child->pid);
}

/* Has it ended? */
static void look(struct recorder_child *child)
{
    int status;
    if (!child->pid || waitpid(child->pid, &status, WNOHANG) != child->pid)
        return;
    say_ended(child, status);
    if (clock_monotonic_ms() - child->started_ms >= STABLE_MS)
        child->tries = 0;
    child->pid = 0;
    delay(child);
}

static void ask_to_end(struct recorder_child *child)
{
    child->wanted = child->in_use = false;
    if (child->pid)
        kill(child->pid, SIGTERM);
}

static void forget(struct process *process, size_t i)
{
    struct recorder_child *child = &process->recorders[i];
    free(child->exchange);
    free(child->queue);
    free(child->log);
    *child = process->recorders[--process->recorder_count];
}

/* --- what the process does with them --------------------------------------------------- */

static struct recorder_child *find(struct process *process, const char *queue)
{
    for (size_t i = 0; i < process->recorder_count; i++)
        if (strcmp(process->recorders[i].queue, queue) == 0)
            return &process->recorders[i];
    return NULL;
}

static struct recorder_child *get(struct process *process, const struct log_config *log)
{
    char *queue = log_recorder_queue(log);
    struct recorder_child *child = find(process, queue);
    if (child) {
        free(queue);
    } else {
        process->recorders = must_realloc(process->recorders, (process->recorder_count + 1) *
                                                                  sizeof *process->recorders);
        child = &process->recorders[process->recorder_count++];
        *child = (struct recorder_child){
            .exchange = must_strdup(log->exchange), .queue = queue, .log = write_log(log)};
    }
    return child;
}

void recorders_want(struct process *process, const struct log_config *const *logs, size_t count)
{
    for (size_t i = 0; i < process->recorder_count; i++)
        process->recorders[i].wanted = false;
    for (size_t i = 0; i < count; i++)
        if (log_is_recorded(logs[i]))
            get(process, logs[i])->wanted = true;
}

/* What views are folded by may be another set than that of the files: `fanfold setup` takes them
 * over before this process has read its files again, or after. */
static void look_at_use(struct process *process)
{
    for (size_t i = 0; i < process->recorder_count; i++)
        process->recorders[i].in_use = false;
    for (size_t i = 0; i < process->served_count; i++) {
        const struct served *served = process->served[i];
        size_t count = served->gone || !served->current ? 0 : served->current->log_count;
        for (size_t k = 0; k < count; k++)
            if (log_is_recorded(&served->current->logs[k]))
                get(process, &served->current->logs[k])->in_use = true;
    }
}

void recorders_turn(struct process *process)
{
    int64_t now = clock_monotonic_ms();
    look_at_use(process);
    for (size_t i = process->recorder_count; i-- > 0;) {
        struct recorder_child *child = &process->recorders[i];
        look(child);
        if (child->pid && !is_needed(child))
            ask_to_end(child);
        if (child->pid)
            continue;
        if (!is_needed(child))
            forget(process, i);
        else if (now >= child->next_ms)
            start(process, child);
    }
}

void recorders_end(struct process *process)
{
    for (size_t i = 0; i < process->recorder_count; i++)
        ask_to_end(&process->recorders[i]);
}

static bool any_runs(struct process *process)
{
    bool any = false;
    for (size_t i = 0; i < process->recorder_count; i++) {
        look(&process->recorders[i]);
        any = any || process->recorders[i].pid;
    }
    return any;
}

/* Those that do not end in time are killed: that loses nothing. */
void recorders_release(struct process *process)
{
    static const struct timespec pause = {0, PAUSE_MS * 1000000};
    int64_t deadline = clock_monotonic_ms() + END_MS;
    recorders_end(process);
    while (any_runs(process) && clock_monotonic_ms() < deadline)
        nanosleep(&pause, NULL);
    for (size_t i = process->recorder_count; i-- > 0;) {
        pid_t pid = process->recorders[i].pid;
        if (pid && kill(pid, SIGKILL) == 0)
            waitpid(pid, NULL, 0);
        forget(process, i);
    }
    free(process->recorders);
    process->recorders = NULL;
}

void recorders_report(const struct process *process, cJSON *list)
{
    for (size_t i = 0; i < process->recorder_count; i++) {
        const struct recorder_child *child = &process->recorders[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "exchange", child->exchange);
        cJSON_AddStringToObject(item, "queue", child->queue);
        cJSON_AddNumberToObject(item, "pid", child->pid);
        cJSON_AddStringToObject(item, "state",
                                !is_needed(child) ? "ending"
                                : child->pid      ? "running"
                                                  : "starting");
        cJSON_AddItemToArray(list, item);
    }
}
