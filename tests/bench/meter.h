/*
 * meter.h: what one stage costs: its time, or under callgrind its instructions.
 *
 *     struct meter meter = {.stage = STAGE_FOLD};
 *     meter_on(&meter, STAGE_FOLD);      of other stages than its own it takes no notice
 *     …the stage…
 *     meter_off(&meter, STAGE_FOLD);
 *
 * A stage is measured alone, in a run of its own: two looks at a clock take some 50 ns, so that the
 * marks of four stages would be a good part of what they measure. A stage is timed by the wall's
 * clock, since that of the CPU takes longer to read than most stages take; a whole round by the
 * CPU's.
 */
#ifndef FANFOLD_BENCH_METER_H
#define FANFOLD_BENCH_METER_H

#include <stdint.h>
#include <time.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define METER_CALLGRIND 1
#else
#define METER_CALLGRIND                 0
#define CALLGRIND_TOGGLE_COLLECT        ((void)0)
#define CALLGRIND_START_INSTRUMENTATION ((void)0)
#define CALLGRIND_STOP_INSTRUMENTATION  ((void)0)
#define RUNNING_ON_VALGRIND             0
#endif

enum stage { STAGE_ALL, STAGE_DECODE, STAGE_WINDOW, STAGE_FOLD, STAGE_ENCODE, STAGE_COUNT };

struct meter {
    enum stage stage;
    int64_t started, ns;
};

static inline int64_t meter_now(enum stage stage)
{
    struct timespec now;
    clock_gettime(stage == STAGE_ALL ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline void meter_on(struct meter *meter, enum stage stage)
{
    if (meter->stage != stage)
        return;
    meter->started = meter_now(stage);
    CALLGRIND_TOGGLE_COLLECT;
}

static inline void meter_off(struct meter *meter, enum stage stage)
{
    if (meter->stage != stage)
        return;
    CALLGRIND_TOGGLE_COLLECT;
    meter->ns += meter_now(stage) - meter->started;
}

#endif
