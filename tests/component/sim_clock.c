/*
 * sim_clock.c: a clock that stands still unless it is told; the same run at every start.
 */
#include "sim_clock.h"
#include "base/clock.h"
#include "script.h"

static int64_t now_ms;
static uint64_t random_state;

void sim_clock_reset(uint64_t seed)
{
    now_ms = 1000000;
    random_state = seed;
}

void sim_clock_pass(int64_t ms)
{
    now_ms += ms;
}

int64_t clock_wall_ms(void)
{
    return 1700000000000 + now_ms;
}

int64_t clock_monotonic_ms(void)
{
    return now_ms;
}

uint64_t clock_random(void)
{
    return script_next(&random_state);
}
