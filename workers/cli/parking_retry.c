/*
 * parking_retry.c: fanfold parked retry: what is tried, pass by pass, and what came of it. A pass
 * reads the parked set, takes from it what is meant, and folds that in the order of the log
 * (retry_steps.c). When somebody else changed the set meanwhile, or more was parked behind, there
 * is another pass.
 */
#include "base/partitions.h"
#include "cli/parking.h"
#include "cli/retry.h"
#include "cli/say.h"
#include "cli/terminal.h"

#include <event2/event.h>
#include <stdlib.h>

static struct str offset_name(const uint64_t *offset)
{
    return (struct str){(const char *)offset, sizeof *offset};
}

/* What an event is retried with: its key, or itself alone. */
static struct str sequence_of(const struct parked_event *event)
{
    return str_is(event->key) ? event->key : offset_name(&event->offset);
}

bool retry_is_blocked(const struct map *blocked, const struct parked_event *event)
{
    return blocked->count && map_get(blocked, sequence_of(event));
}

void retry_block(struct map *blocked, const struct parked_event *event)
{
    *map_put(blocked, sequence_of(event)) = 1;
}

/* -------------------------------------------------------------------------------- what came of it
 */

static void print_failure(const char *partition, const struct parked_event *event,
                          struct str reason)
{
    printf("%s offset %llu", partition, (unsigned long long)event->offset);
    if (str_is(event->key)) {
        fputs(" key ", stdout);
        terminal_print(stdout, event->key, 0, 0);
    }
    fputs(" still fails: ", stdout);
    terminal_print(stdout, reason, 0, 0);
    putchar('\n');
}

void retry_report(struct retry *retry, const struct parked_event *event, bool failed,
                  struct str reason)
{
    struct retry_counts *counts = retry->counts;
    if (!failed) {
        counts->folded++;
    } else {
        counts->failed++;
        struct parked_event now = *event;
        now.reason = reason;
        now.waits = false;
        if (retry->parking->json) {
            if (counts->failures.len)
                buf_add_byte(&counts->failures, ',');
            parking_json(&counts->failures, retry->task->partition, &now);
            buf_add_byte(&counts->failures, '}');
        } else {
            progress_clear(&retry->counts->progress);
            print_failure(retry->task->partition, event, reason);
        }
    }
    uint64_t done = counts->folded + counts->failed;
    progress_show(&counts->progress, done, done);
}

/* ------------------------------------------------------------------------------------------ passes
 */

/* Another definition came into force since the retry began. */
static bool check_epoch(const struct retry *retry, const char *stored, struct error *error)
{
    if (strcmp(stored, retry->epoch) == 0)
        return true;
    return error_set(error, ERROR_NO,
                     "view %s on %s: another definition came into force meanwhile (epoch %s); try "
                     "again",
                     view_name(retry->parking->view), retry->task->partition, stored);
}

/* Forgets what was parked after the position was read. The set is read in portions: of what comes
 * meanwhile, a later event may be seen without the earlier one that it waits for. */
static void cut(struct parked_list *list, const struct position *position)
{
    while (list->count && list->at[list->count - 1].offset > position->offset)
        list->count--;
}

/* Reads position and parked set. What a step whose answer was lost has folded is gone by now. */
static bool load(struct retry *retry, struct error *error)
{
    const char *view = view_name(retry->parking->view), *partition = retry->task->partition;
    struct task_state state = {0};
    parked_list_release(&retry->list);
    if (!redis_reader_task(retry->reader, view, partition, &state, error) ||
        !redis_reader_parked(retry->reader, view, partition, &retry->list, error))
        return false;
    for (size_t i = 0; i < retry->unsure_count; i++)
        if (!parked_list_find(&retry->list, retry->unsure[i].offset))
            retry_report(retry, &retry->unsure[i], false, STR(""));
    retry->unsure_count = 0;
    cut(&retry->list, &state.position);
    return retry->list.count == 0 || check_epoch(retry, state.position.epoch, error);
}

/* With --reason: the sequences that hold an event with such a reason. */
static void choose(struct retry *retry)
{
    for (size_t i = 0; i < retry->list.count; i++) {
        const struct parked_event *event = &retry->list.at[i];
        if (parking_is_meant(retry->parking, event) && parking_has_reason(retry->parking, event))
            *map_put(&retry->chosen, sequence_of(event)) = 1;
    }
}

static bool is_chosen(const struct retry *retry, const struct parked_event *event)
{
    return parking_is_meant(retry->parking, event) && map_get(&retry->chosen, sequence_of(event));
}

/* What is still to be tried, by rising offsets, into retry->wanted. */
static void pick(struct retry *retry)
{
    const struct retry_counts *counts = retry->counts;
    uint64_t left = retry->parking->limit - counts->folded - counts->failed;
    retry->wanted = must_realloc(retry->wanted, (retry->list.count + 1) * sizeof *retry->wanted);
    retry->wanted_count = 0;
    choose(retry);
    for (size_t i = 0; i < retry->list.count && retry->wanted_count < left; i++)
        if (is_chosen(retry, &retry->list.at[i]) &&
            !retry_is_blocked(&retry->blocked, &retry->list.at[i]))
            retry->wanted[retry->wanted_count++] = retry->list.at[i].offset;
}

static uint64_t count_chosen(const struct retry *retry)
{
    uint64_t count = 0;
    for (size_t i = 0; i < retry->list.count; i++)
        count += is_chosen(retry, &retry->list.at[i]);
    return count;
}

static bool reconnect(struct retry *retry, struct error *error)
{
    if (!unparking_wait(retry->unparking, error))
        return false;
    redis_reader_close(retry->reader);
    retry->reader = redis_reader_open(&retry->parking->config.redis, error);
    return retry->reader;
}

/* Until nothing is left that was not tried. */
static bool run_passes(struct retry *retry, struct error *error)
{
    for (;;) {
        if (!load(retry, error))
            return false;
        pick(retry);
        if (retry->wanted_count == 0)
            return true;
        if (!retry->unparking)
            retry->unparking = unparking_open(retry->base, &retry->parking->config.redis, error);
        if (!retry->unparking)
            return false;
        switch (retry_pass(retry, error)) {
        case RETRY_DONE:
        case RETRY_CUT: /* not of a whole pass */
            if (retry->parking->dry_run)
                return true;
            break;
        case RETRY_CONFLICT:
            break;
        case RETRY_UNKNOWN:
            if (!reconnect(retry, error))
                return false;
            break;
        case RETRY_FAILED:
            return false;
        }
    }
}

/* Events are folded by the definition that the rows were made with. */
static bool find_definition(struct retry *retry, struct error *error)
{
    const struct parking *parking = retry->parking;
    retry->definition =
        in_force(retry->reader, parking->view, &parking->config, retry->epoch, error);
    if (!retry->definition)
        return false;
    for (size_t i = 0; i < retry->definition->log_count; i++)
        if (strcmp(retry->definition->logs[i].exchange, retry->task->log->exchange) == 0)
            retry->log = &retry->definition->logs[i];
    if (!retry->log)
        return error_set(error, ERROR_NO, "view %s: the definition in force does not read %s",
                         view_name(parking->view), retry->task->log->exchange);
    retry->intake = log_intake(retry->log);
    retry->decoder = (struct decoder){
        .partition = retry->intake, .read = &retry->log->read, .upcast = &retry->log->upcast};
    return true;
}

static bool retry_task(const struct parking *parking, const struct parking_task *task,
                       struct retry_counts *counts, struct error *error)
{
    struct retry retry = {.parking = parking, .task = task, .counts = counts};
    uint64_t folded = counts->folded;
    retry.step_max = RETRY_STEP_MAX;
    retry_rows_init(&retry);
    retry.base = event_base_new();
    retry.reader = redis_reader_open(&parking->config.redis, error);
    bool good = retry.reader && find_definition(&retry, error) && run_passes(&retry, error);
    if (good)
        counts->still_parked += count_chosen(&retry);
    if (good && parking->dry_run)
        counts->still_parked -= counts->folded - folded;
    retry_release(&retry);
    return good;
}

static void summary(const struct parking *parking, struct retry_counts *counts)
{
    unsigned long long retried = counts->folded + counts->failed, folded = counts->folded,
                       parked = counts->still_parked;
    progress_clear(&counts->progress);
    if (parking->json) {
        printf("{\"view\":\"%s\",\"dry_run\":%s,\"retried\":%llu,\"folded\":%llu,"
               "\"still_parked\":%llu,\"failed\":[%s]}\n",
               view_name(parking->view), parking->dry_run ? "true" : "false", retried, folded,
               parked, buf_text(&counts->failures));
        return;
    }
    fflush(stdout);
    if (parking->dry_run)
        say("nothing was changed; a retry of %llu would fold %llu, and %llu would stay parked",
            retried, folded, parked);
    else
        say("retried %llu, folded %llu, still parked %llu", retried, folded, parked);
}

static void stopped(struct retry_counts *counts, const struct error *error)
{
    progress_clear(&counts->progress);
    fflush(stdout);
    if (counts->folded || counts->failed)
        say("retried %llu, folded %llu, then stopped",
            (unsigned long long)(counts->folded + counts->failed),
            (unsigned long long)counts->folded);
    say_error(error);
}

int parking_retry(const struct parking *parking)
{
    struct retry_counts counts = {0};
    struct error error;
    bool good = true;
    progress_init(&counts.progress, 0);
    counts.progress.done = "retried";
    for (size_t i = 0; good && i < parking->task_count; i++)
        good = retry_task(parking, &parking->tasks[i], &counts, &error);
    if (good)
        summary(parking, &counts);
    else
        stopped(&counts, &error);
    buf_release(&counts.failures);
    if (!good)
        return (int)error.kind;
    return counts.failed ? ERROR_NO : 0;
}
