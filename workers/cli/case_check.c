/*
 * case_check.c: the ways in which a case is run.
 */
#include "cli/case_check.h"

#include "cli/row_diff.h"
#include <assert.h>
#include <stdlib.h>

#define SHUFFLES 3

const char *const case_kind_names[CASE_KIND_COUNT] = {"as given", "duplicated", "split",
                                                      "interleaved"};

struct check {
    const struct case_file *file;
    const struct test_case *test;
    struct case_result *result;
    struct case_outcome given;
    struct case_schedule schedule; /* room for each event twice */
    const char **exchanges;        /* the partitions as given */
};

/* ----------------------------------------------------------------------------------------- a run
 */

static void finish(struct check *check, enum case_kind kind, const struct case_outcome *outcome)
{
    struct case_finding *finding = &check->result->findings[kind];
    struct case_differences differences = {0};
    struct arena *arena = &check->result->arena;
    if (kind == CASE_GIVEN)
        case_compare_expected(arena, check->test, outcome, &differences);
    else
        case_compare_runs(arena, &check->given, outcome, &differences);
    finding->runs++;
    if (differences.count == 0)
        return;
    check->result->good = false;
    if (finding->failed++ == 0) {
        finding->how = arena_copy(arena, str_of(check->schedule.how)).at;
        finding->differences = differences;
    }
}

static void run(struct check *check, enum case_kind kind)
{
    struct case_outcome outcome;
    case_run(check->file, check->test, &check->schedule, &outcome);
    finish(check, kind, &outcome);
    case_outcome_release(&outcome);
}

static void begin(struct check *check, const char *how)
{
    check->schedule.how = how;
    check->schedule.count = 0;
    check->schedule.partitions = check->exchanges;
    check->schedule.partition_count = view_exchange_count(check->file->view);
}

static void step(struct check *check, size_t event, size_t partition, bool ends_batch)
{
    check->schedule.steps[check->schedule.count++] =
        (struct case_step){event, partition, ends_batch};
}

/* One event as the case gives it. */
static void step_given(struct check *check, size_t event, bool ends_batch)
{
    step(check, event, check->test->events[event].exchange, ends_batch);
}

/* ----------------------------------------------------------------------- as given, twice, divided
 */

static void as_given(struct check *check)
{
    begin(check, "as given");
    for (size_t i = 0; i < check->test->event_count; i++)
        step_given(check, i, true);
    case_run(check->file, check->test, &check->schedule, &check->given);
    finish(check, CASE_GIVEN, &check->given);
}

static void duplicated(struct check *check)
{
    size_t count = check->test->event_count;
    begin(check, "each event twice in a row");
    for (size_t i = 0; i < 2 * count; i++)
        step_given(check, i / 2, true);
    run(check, CASE_DUPLICATED);
    begin(check, "all events, and all of them again");
    for (size_t i = 0; i < 2 * count; i++)
        step_given(check, i % count, true);
    run(check, CASE_DUPLICATED);
}

static void split(struct check *check)
{
    char how[64];
    for (size_t first = 0; first < check->test->event_count; first++) {
        snprintf(how, sizeof how, "divided behind event %zu", first);
        begin(check, first ? how : "in one batch");
        for (size_t i = 0; i < check->test->event_count; i++)
            step_given(check, i, i + 1 == first);
        run(check, CASE_SPLIT);
    }
}

/* ------------------------------------------------------------------------------------ interleaved
 */

/* How the partitions take turns. */
enum turns { TURNS_LAST_FIRST, TURNS_ONE_EACH, TURNS_SHUFFLED };

struct mix {
    struct check *check;
    size_t *partition; /* of each event */
    size_t *next;      /* of each partition: the first event that it has not delivered */
    size_t partitions;
};

static void skip_others(struct mix *mix, size_t partition)
{
    size_t *next = &mix->next[partition];
    while (*next < mix->check->test->event_count && mix->partition[*next] != partition)
        ++*next;
}

/* Whose turn is it at this step? */
static size_t choose(const struct mix *mix, enum turns turns, uint64_t seed, size_t at)
{
    if (turns == TURNS_LAST_FIRST)
        return mix->partitions - 1;
    return (turns == TURNS_ONE_EACH ? at : (size_t)hash_mix(seed, at)) % mix->partitions;
}

static void mix_run(struct mix *mix, const char *const *names, enum turns turns, uint64_t seed)
{
    static const char *const texts[] = {"the last first", "one event each in turn", "shuffled"};
    size_t count = mix->check->test->event_count;
    char how[64];
    assert(mix->partitions > 0);
    snprintf(how, sizeof how, "in %zu partitions, %s", mix->partitions, texts[turns]);
    begin(mix->check, how);
    mix->check->schedule.partitions = names;
    mix->check->schedule.partition_count = mix->partitions;
    for (size_t i = 0; i < mix->partitions; i++) {
        mix->next[i] = 0;
        skip_others(mix, i);
    }
    for (size_t at = 0; mix->check->schedule.count < count; at++) {
        size_t partition = choose(mix, turns, seed, at);
        while (mix->next[partition] == count) /* it has delivered all */
            partition = (partition + mix->partitions - 1) % mix->partitions;
        step(mix->check, mix->next[partition]++, partition, true);
        skip_others(mix, partition);
    }
    run(mix->check, CASE_INTERLEAVED);
}

static void mix_all(struct mix *mix, const char *const *names)
{
    mix_run(mix, names, TURNS_LAST_FIRST, 0);
    mix_run(mix, names, TURNS_ONE_EACH, 0);
    for (uint64_t seed = 1; seed <= SHUFFLES; seed++)
        mix_run(mix, names, TURNS_SHUFFLED, seed);
}

/* An earlier event with the same source and id, or the event itself. */
static size_t first_of(const struct test_case *test, size_t event)
{
    const struct cloudevent *e = &test->events[event].event;
    size_t i = 0;
    while (i < event && !(str_eq(test->events[i].event.id, e->id) &&
                          str_eq(test->events[i].event.source, e->source)))
        i++;
    return i;
}

/* One exchange: its events in order, divided evenly. */
static void mix_parts(struct mix *mix)
{
    static const char *const names[] = {"part.0", "part.1", "part.2", "part.3", "part.4"};
    static const size_t counts[] = {2, 3, 5};
    size_t count = mix->check->test->event_count;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && counts[i] <= count; i++) {
        mix->partitions = counts[i];
        for (size_t k = 0; k < count; k++) {
            size_t first = first_of(mix->check->test, k);
            mix->partition[k] = first < k ? mix->partition[first] : k * counts[i] / count;
        }
        mix_all(mix, names);
    }
}

static void mix_exchanges(struct mix *mix)
{
    for (size_t i = 0; i < mix->check->test->event_count; i++)
        mix->partition[i] = mix->check->test->events[i].exchange;
    mix->partitions = view_exchange_count(mix->check->file->view);
    mix_all(mix, mix->check->exchanges);
}

static void interleaved(struct check *check)
{
    size_t exchanges = view_exchange_count(check->file->view);
    size_t room = exchanges > 5 ? exchanges : 5;
    struct mix mix = {.check = check,
                      .partition = must_calloc(check->test->event_count + 1, sizeof(size_t)),
                      .next = must_calloc(room, sizeof(size_t))};
    if (exchanges > 1)
        mix_exchanges(&mix);
    else
        mix_parts(&mix);
    free(mix.partition);
    free(mix.next);
}

/* ------------------------------------------------------------------------------------------- case
 */

/* Why the case is not interleaved, or NULL. */
static const char *why_in_order(const struct check *check)
{
    if (!view_commutes(check->file->view))
        return view_order_why(check->file->view);
    if (check->given.refused)
        return "which event a total has no room for depends on the order of events";
    return NULL;
}

static void vary(struct check *check)
{
    struct case_finding *findings = check->result->findings;
    if (str_is(check->given.stopped)) {
        for (int kind = CASE_DUPLICATED; kind < CASE_KIND_COUNT; kind++)
            findings[kind].not_run = "the view stops";
        return;
    }
    if (check->test->event_count == 0)
        return;
    duplicated(check);
    split(check);
    findings[CASE_INTERLEAVED].not_run = why_in_order(check);
    if (!findings[CASE_INTERLEAVED].not_run)
        interleaved(check);
}

void case_check(const struct case_file *file, const struct test_case *test,
                struct case_result *result)
{
    struct check check = {.file = file, .test = test, .result = result};
    size_t exchanges = view_exchange_count(file->view);
    *result = (struct case_result){.test = test, .good = true};
    check.schedule.steps = must_calloc(2 * test->event_count + 1, sizeof *check.schedule.steps);
    check.exchanges = must_calloc(exchanges, sizeof *check.exchanges);
    for (size_t i = 0; i < exchanges; i++)
        check.exchanges[i] =
            arena_printf(&result->arena, "%s.log.0", view_exchange(file->view, i)).at;
    as_given(&check);
    vary(&check);
    case_outcome_release(&check.given);
    free(check.exchanges);
    free(check.schedule.steps);
}

static void print_difference(FILE *out, const struct case_difference *d)
{
    static const char *const names[] = {[CASE_PARKED] = "parked events",
                                        [CASE_EXPIRE] = "expiry of rows",
                                        [CASE_STOPS] = "stop of the view"};
    const char *what = !d->expected.len ? "not expected" : !d->found.len ? "missing" : "wrong";
    char *key = str_is(d->key) ? must_strndup(d->key.at, d->key.len) : NULL;
    row_diff_print(out, what, key ? key : names[d->what], d->expected, d->found);
    free(key);
}

void case_result_print(FILE *out, const struct case_result *result)
{
    for (int kind = 0; kind < CASE_KIND_COUNT; kind++) {
        const struct case_finding *finding = &result->findings[kind];
        if (!finding->failed)
            continue;
        fprintf(out, "%s (%s → found):\n", finding->how,
                kind == CASE_GIVEN ? "expected" : "as given");
        for (size_t i = 0; i < finding->differences.count; i++)
            print_difference(out, &finding->differences.at[i]);
        if (finding->failed > 1)
            fprintf(out, "and so, or otherwise, in %zu more of %zu runs\n", finding->failed - 1,
                    finding->runs);
    }
}

void case_result_release(struct case_result *result)
{
    arena_release(&result->arena);
    *result = (struct case_result){0};
}
