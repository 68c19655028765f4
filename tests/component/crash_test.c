/*
 * crash_test.c: nothing lost, nothing twice: the worker's own code against a scripted log and a RAM
 * Redis, with a fault before every step, one at a time for small logs, and by chance for long ones.
 *
 *     crash_test                     all, with the seeds that CI runs
 *     CRASH_SEED=17 crash_test       the runs by chance with that seed (CRASH_VERBOSE=1 tells more)
 *     crash_test 1000 200            those of 200 seeds, from 1000 on
 *
 * A failing run is named: by script, fault and step, or by its seed.
 */
#include "base/error.h"
#include "base/log.h"
#include "sim_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LONG 3000 /* events of a long log */

/* How many seeds of short and of long logs, and which amounts (how far Redis goes back, how long a
 * pause or a delay is). AddressSanitizer makes each run five times as long; it looks for other
 * things.
 */
#ifdef __SANITIZE_ADDRESS__
#define CI_SMALL   500
#define CI_LONG    10
#define PARTITIONS 4
static const unsigned amounts[] = {4};
#else
#define CI_SMALL   3000
#define CI_LONG    30
#define PARTITIONS 20
static const unsigned amounts[] = {1, 4, 12};
#endif

/* What all runs together have felt. */
struct felt {
    unsigned kinds[KINDS], answers[COMMIT_UNKNOWN + 1];
    unsigned late_committed, late_harmless, undone, cut, refused, probed, starved, paused, reopened,
        moved, reads, in_the_middle;
    unsigned runs;
};

static void add_felt(struct felt *felt, const struct sim_world *world)
{
    for (int kind = 0; kind < KINDS; kind++)
        felt->kinds[kind] += world->felt[kind];
    felt->moved += world->moved;
    for (int w = 0; w < SIM_WORKERS; w++) {
        const struct sim_worker *worker = world->workers[w];
        if (!worker)
            continue;
        felt->moved += worker->moved;
        for (int fault = 0; fault < SIM_FAULTS; fault++)
            felt->kinds[fault] += worker->link->felt[fault];
    }
    for (int answer = 0; answer <= COMMIT_UNKNOWN; answer++)
        felt->answers[answer] += world->server->answers[answer];
    felt->late_committed += world->server->late_committed;
    felt->late_harmless += world->server->late_harmless;
    felt->undone += world->server->undone;
    felt->reads += world->server->reads;
    felt->cut += world->log.cut;
    felt->refused += world->log.refused;
    felt->probed += world->log.probed_first;
    felt->starved += world->log.starved;
    felt->paused += world->log.paused;
    felt->reopened += world->log.opened > 1;
    felt->in_the_middle += world->log.in_the_middle;
    felt->runs++;
}

/* Each kind of fault struck something, and each answer was given to a worker. */
static void assert_felt(const struct felt *felt)
{
    static const char *const answers[] = {"committed", "already", "conflict", "refused",
                                          "foreign",   "frozen",  "failed",   "unknown"};
    for (int kind = 0; kind < KINDS; kind++)
        if (kind != SIM_NONE && !felt->kinds[kind])
            fail_msg("no run felt: %s", sim_kind_names[kind]);
    for (int answer = 0; answer <= COMMIT_UNKNOWN; answer++)
        if (answer != COMMIT_FOREIGN && !felt->answers[answer])
            fail_msg("no worker was answered: %s", answers[answer]);
    assert_true(felt->late_committed && felt->late_harmless);
    assert_true(felt->reads && felt->undone && felt->cut && felt->refused && felt->reopened);
}

static void print_felt(const char *what, const struct felt *felt)
{
    print_message("%s: %u runs; committed %u, already %u, conflict %u, refused %u, frozen %u, "
                  "failed %u, unknown %u; late batches in %u, harmless %u; Redis went back %u "
                  "times; tasks moved %u times; rows were read %u times\n",
                  what, felt->runs, felt->answers[COMMIT_OK], felt->answers[COMMIT_ALREADY],
                  felt->answers[COMMIT_CONFLICT], felt->answers[COMMIT_REFUSED],
                  felt->answers[COMMIT_FROZEN], felt->answers[COMMIT_FAILED],
                  felt->answers[COMMIT_UNKNOWN], felt->late_committed, felt->late_harmless,
                  felt->undone, felt->moved, felt->reads);
}

/* --- one fault before every step of a short run ---------------------------------------- */

/* Runs until the plan has struck, or there is nothing left for it to strike. The last event comes
 * only then: a worker that rests learns of a Redis that went back when it commits again. */
static bool run_plan(struct sim_world *world, struct felt *felt)
{
    world->log.visible = world->log.script->count - 1;
    while (!sim_world_is_spent(world) && !sim_world_is_settled(world) && !world->failure.len)
        sim_world_round(world);
    bool struck = sim_world_is_spent(world);
    sim_world_finish(world);
    add_felt(felt, world);
    return struck;
}

struct bursts {
    size_t first, rival;
};

static void strike_everywhere(const char *name, struct sim_truth *truth, struct sim_views *views,
                              struct bursts bursts, int kind, unsigned amount, struct felt *felt)
{
    bool struck = true;
    for (unsigned step = 1; struck; step++) {
        struct sim_world *world = sim_world_new(truth, views, step);
        world->burst = bursts.first;
        world->rival_burst = bursts.rival;
        world->plan = (struct sim_plan){step, kind, amount};
        struck = run_plan(world, felt);
        if (world->failure.len)
            fail_msg("script %s, bursts of %zu and %zu, \"%s\" (%u) before step %u: %s", name,
                     bursts.first, bursts.rival, sim_kind_names[kind], amount, step,
                     buf_text(&world->failure));
        sim_world_free(world);
    }
}

static struct felt strike_with_all(const char *name, struct script *script, const size_t *bursts,
                                   size_t burst_count)
{
    struct sim_views views;
    sim_views_load(&views, 1);
    struct sim_truth *truth = sim_truth_new(script, NULL);
    struct felt felt = {0};
    for (size_t b = 0; b < burst_count; b++)
        for (int kind = SIM_NONE; kind < KINDS; kind++)
            for (size_t a = 0; a < sizeof amounts / sizeof *amounts; a++)
                strike_everywhere(name, truth, &views, (struct bursts){bursts[b], bursts[b] + 1},
                                  kind, amounts[a], &felt);
    print_felt(name, &felt);
    sim_truth_free(truth);
    sim_views_release(&views);
    script_release(script);
    assert_felt(&felt);
    assert_true(felt.probed);
    return felt;
}

static void every_step_of_a_small_log(void **state)
{
    (void)state;
    static const size_t bursts[] = {1, 3, 100};
    struct script script;
    script_small(&script);
    struct felt felt = strike_with_all("small", &script, bursts, 3);
    assert_true(felt.moved);
}

static void every_step_with_full_batches(void **state)
{
    (void)state;
    static const size_t bursts[] = {100};
    struct script script;
    script_bulky(&script);
    strike_with_all("bulky", &script, bursts, 1);
}

/* A partition of a recorded log, each time with other leavings of its recorders. */
static void every_step_of_a_partition(void **state)
{
    (void)state;
    struct sim_views views;
    struct script script;
    struct felt felt = {0};
    sim_views_load(&views, 2);
    script_small(&script);
    for (uint64_t seed = 1; seed <= PARTITIONS; seed++) {
        struct script_records records;
        script_records_make(&records, &script, seed);
        struct sim_truth *truth = sim_truth_new(&script, &records);
        struct bursts bursts = {1 + seed % 4, 1 + seed % 5};
        for (int kind = SIM_NONE; kind < KINDS; kind++)
            strike_everywhere("partition", truth, &views, bursts, kind, amounts[0] + seed % 9,
                              &felt);
        sim_truth_free(truth);
        script_records_release(&records);
    }
    print_felt("partition", &felt);
    assert_felt(&felt);
    sim_views_release(&views);
    script_release(&script);
}

/* Batches that end at other events than the rival's, also where one of them knows of a refusal and
 * the other does not. */
static void two_workers_in_any_step(void **state)
{
    (void)state;
    struct sim_views views;
    struct script script;
    sim_views_load(&views, 1);
    script_small(&script);
    struct sim_truth *truth = sim_truth_new(&script, NULL);
    struct felt felt = {0};
    for (size_t first = 1; first <= 4; first++)
        for (size_t rival = 1; rival <= 4; rival++) {
            struct bursts bursts = {first, rival};
            strike_everywhere("small", truth, &views, bursts, KIND_RIVAL, 1, &felt);
            strike_everywhere("small", truth, &views, bursts, KIND_RIVAL, 3, &felt);
            strike_everywhere("small", truth, &views, bursts, KIND_RIVAL, 8, &felt);
            strike_everywhere("small", truth, &views, bursts, KIND_PAUSE, 4, &felt);
        }
    print_felt("two workers", &felt);
    assert_true(felt.answers[COMMIT_ALREADY] && felt.answers[COMMIT_CONFLICT] && felt.reopened);
    sim_truth_free(truth);
    sim_views_release(&views);
    script_release(&script);
}

/* --- many faults by chance ------------------------------------------------------------- */

struct seeds {
    uint64_t first, count;
    bool chosen; /* by the caller: then nothing need be felt */
};

/* One call in `rarity` strikes, at whichever worker is there. */
static void by_chance(struct sim_world *world, uint64_t *dice, unsigned rarity)
{
    if (script_next(dice) % rarity)
        return;
    int kind = (int)(SIM_NONE + 1 + script_next(dice) % (KINDS - 1));
    unsigned amount = 1 + (unsigned)(script_next(dice) % (script_next(dice) % 8 ? 5 : 40));
    int worker = script_next(dice) % 2 ? 0 : (int)(script_next(dice) % SIM_WORKERS);
    sim_world_strike(world, worker, kind, amount);
}

/* The log grows while faults strike, and is whole when they are over. */
static void run_by_chance(struct sim_world *world, uint64_t seed)
{
    uint64_t dice = seed;
    size_t last = world->log.script->count - 1;
    for (world->log.visible = 1; world->log.visible < last && !world->failure.len;) {
        size_t grows = script_next(&dice) % (script_next(&dice) % 8 ? 12 : 90);
        world->log.visible = world->log.visible + grows < last ? world->log.visible + grows : last;
        world->burst = 1 + script_next(&dice) % (script_next(&dice) % 4 ? 20 : 400);
        world->rival_burst = world->burst + 1;
        by_chance(world, &dice, 3);
        sim_world_round(world);
    }
    sim_world_finish(world);
}

static void small_by_chance(void **state)
{
    const struct seeds *seeds = *state;
    struct sim_views views;
    struct script script;
    sim_views_load(&views, 1);
    script_small(&script);
    struct sim_truth *truth = sim_truth_new(&script, NULL);
    struct felt felt = {0};
    for (uint64_t seed = seeds->first; seed < seeds->first + seeds->count; seed++) {
        struct sim_world *world = sim_world_new(truth, &views, seed);
        world->log.visible = script.count - 1;
        uint64_t dice = seed;
        for (int i = 0; i < 12 && !world->failure.len; i++) {
            world->burst = 1 + script_next(&dice) % 6;
            world->rival_burst = 1 + script_next(&dice) % 6;
            by_chance(world, &dice, 3);
            sim_world_round(world);
        }
        sim_world_finish(world);
        if (world->failure.len)
            fail_msg("CRASH_SEED=%llu (small log): %s", (unsigned long long)seed,
                     buf_text(&world->failure));
        add_felt(&felt, world);
        sim_world_free(world);
    }
    print_felt("small by chance", &felt);
    if (!seeds->chosen) {
        assert_felt(&felt);
        assert_true(felt.probed);
    }
    sim_truth_free(truth);
    sim_views_release(&views);
    script_release(&script);
}

/* recorded: the log is the partition that recorders made of it. */
static void long_run(struct sim_views *views, uint64_t seed, bool recorded, struct felt *felt)
{
    struct script script;
    struct script_records records;
    script_random(&script, seed, LONG);
    script_records_make(&records, &script, seed);
    struct sim_truth *truth = sim_truth_new(&script, recorded ? &records : NULL);
    struct sim_world *world = sim_world_new(truth, views, seed);
    world->look_every = 40;
    world->budget = seed % 2 ? 16 * 1024 : 1024 * 1024;
    world->log.ahead = true;
    run_by_chance(world, seed);
    if (world->failure.len)
        fail_msg("CRASH_SEED=%llu (long %s): %s", (unsigned long long)seed,
                 recorded ? "partition" : "log", buf_text(&world->failure));
    add_felt(felt, world);
    sim_world_free(world);
    sim_truth_free(truth);
    script_records_release(&records);
    script_release(&script);
}

static void long_logs_by_chance(void **state)
{
    const struct seeds *seeds = *state;
    struct sim_views views;
    struct felt felt = {0};
    sim_views_load(&views, 1);
    for (uint64_t i = 0; i < seeds->count; i++)
        long_run(&views, seeds->first + i, false, &felt);
    print_felt("long by chance", &felt);
    if (!seeds->chosen) {
        assert_felt(&felt);
        assert_true(felt.probed && felt.starved && felt.paused);
    }
    sim_views_release(&views);
}

static void long_partitions_by_chance(void **state)
{
    const struct seeds *seeds = *state;
    struct sim_views views;
    struct felt felt = {0};
    sim_views_load(&views, 2);
    for (uint64_t i = 0; i < seeds->count; i++)
        long_run(&views, seeds->first + i, true, &felt);
    print_felt("long partitions by chance", &felt);
    if (!seeds->chosen) {
        assert_felt(&felt);
        assert_true(felt.starved && felt.paused && felt.in_the_middle);
    }
    sim_views_release(&views);
}

int main(int argc, char **argv)
{
    struct seeds small = {1, CI_SMALL, false}, large = {1, CI_LONG, false};
    const char *seed = getenv("CRASH_SEED");
    if (seed || argc > 1)
        small = large = (struct seeds){strtoull(seed ? seed : argv[1], NULL, 10),
                                       argc > 2 ? strtoull(argv[2], NULL, 10) : 1, true};
    log_set_level(getenv("CRASH_VERBOSE") ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
    const struct CMUnitTest by_chance_only[] = {
        cmocka_unit_test_prestate(small_by_chance, &small),
        cmocka_unit_test_prestate(long_logs_by_chance, &large),
        cmocka_unit_test_prestate(long_partitions_by_chance, &large),
    };
    const struct CMUnitTest all[] = {
        cmocka_unit_test(every_step_of_a_small_log),
        cmocka_unit_test(every_step_with_full_batches),
        cmocka_unit_test(two_workers_in_any_step),
        cmocka_unit_test(every_step_of_a_partition),
        by_chance_only[0],
        by_chance_only[1],
        by_chance_only[2],
    };
    if (large.chosen)
        return cmocka_run_group_tests_name("crash", by_chance_only, NULL, NULL);
    return cmocka_run_group_tests_name("crash", all, NULL, NULL);
}
