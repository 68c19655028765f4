/*
 * case_run.c: runs a case by a schedule.
 */
#include "cli/case_run.h"

#include "base/timestamp.h"
#include "cli/trial.h"
#include <stdlib.h>

/* ---------------------------------------------------------------------------------------- outcome
 */

static void take_row(void *arg, struct str key, struct str json, int64_t expire_at_ms)
{
    struct case_outcome *outcome = arg;
    struct arena arena = {0};
    struct buf text = {0};
    struct error error;
    const struct json *node = json_parse(&arena, json, &error);
    if (!node || !json_canonical(&text, node, &error)) { /* a total beyond ±2^53 cannot be there */
        buf_clear(&text);
        buf_add(&text, json);
    }
    case_pairs_add(&outcome->arena, &outcome->rows, key, buf_str(&text));
    if (expire_at_ms > 0) {
        char time[TIMESTAMP_TEXT_MAX];
        timestamp_format(expire_at_ms, time);
        case_pairs_add(&outcome->arena, &outcome->expire, key, str_of(time));
    }
    buf_release(&text);
    arena_release(&arena);
}

static void take_parked(void *arg, const char *view, const char *partition,
                        const struct parked_event *event)
{
    struct case_outcome *outcome = arg;
    (void)view, (void)partition;
    case_pairs_add(&outcome->arena, &outcome->parked, event->id, event->reason);
}

/* Events of one id become one pair, their reasons in byte order. */
static void join_parked(struct arena *arena, struct case_pairs *parked)
{
    size_t kept = 0;
    case_pairs_sort(parked);
    for (size_t i = 0; i < parked->count; i++) {
        struct case_pair *last = &parked->at[kept ? kept - 1 : 0], *pair = &parked->at[i];
        if (kept == 0 || !str_eq(last->name, pair->name)) {
            parked->at[kept++] = *pair;
            continue;
        }
        bool after = str_cmp(last->text, pair->text) <= 0;
        struct str first = after ? last->text : pair->text, then = after ? pair->text : last->text;
        last->text = arena_printf(arena, "%.*s; and %.*s", STRF(first), STRF(then));
    }
    parked->count = kept;
}

/* -------------------------------------------------------------------------------------------- run
 */

struct run {
    const struct test_case *test;
    const struct case_schedule *schedule;
    struct trial *trials; /* by partition */
    uint64_t *offsets;    /* of the next event in each */
    struct delivery *deliveries;
};

/* The steps of one batch from index first on; returns the index behind them. */
static size_t deliver(struct run *run, size_t first)
{
    const struct case_schedule *schedule = run->schedule;
    size_t partition = schedule->steps[first].partition, i = first;
    do {
        const struct case_step *step = &schedule->steps[i];
        run->deliveries[i - first] =
            trial_deliver(&run->trials[partition], run->offsets[partition]++,
                          &run->test->events[step->event].event);
    } while (!schedule->steps[i++].ends_batch && i < schedule->count &&
             schedule->steps[i].partition == partition);
    return i;
}

static void fold(struct run *run, struct case_outcome *outcome)
{
    struct error error;
    for (size_t i = 0, end; i < run->schedule->count; i = end) {
        struct trial *trial = &run->trials[run->schedule->steps[i].partition];
        end = deliver(run, i);
        if (!trial_fold(trial, run->deliveries, end - i, &error)) {
            outcome->stopped = arena_copy(&outcome->arena, str_of(error.text));
            return;
        }
    }
}

void case_run(const struct case_file *file, const struct test_case *test,
              const struct case_schedule *schedule, struct case_outcome *outcome)
{
    struct store *store = ram_store_new();
    struct run run = {.test = test,
                      .schedule = schedule,
                      .trials = must_calloc(schedule->partition_count, sizeof *run.trials),
                      .offsets = must_calloc(schedule->partition_count, sizeof *run.offsets),
                      .deliveries = must_calloc(schedule->count + 1, sizeof *run.deliveries)};
    for (size_t i = 0; i < schedule->partition_count; i++)
        trial_init(&run.trials[i], store, file->view, schedule->partitions[i],
                   CONFIG_DEDUPE_WINDOW_DEFAULT);
    *outcome = (struct case_outcome){0};
    fold(&run, outcome);
    ram_store_each_row(store, take_row, outcome);
    ram_store_each_parked(store, take_parked, outcome);
    join_parked(&outcome->arena, &outcome->parked);
    for (size_t i = 0; i < schedule->partition_count; i++) {
        outcome->refused += run.trials[i].refused;
        trial_release(&run.trials[i]);
    }
    store_free(store);
    free(run.trials);
    free(run.offsets);
    free(run.deliveries);
}

void case_outcome_release(struct case_outcome *outcome)
{
    arena_release(&outcome->arena);
    *outcome = (struct case_outcome){0};
}
