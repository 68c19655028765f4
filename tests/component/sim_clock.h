/*
 * sim_clock.h: the machine's clocks (base/clock.h) as the test turns them. sim_clock.c is linked in
 * place of base/clock.c.
 */
#ifndef FANFOLD_TESTS_SIM_CLOCK_H
#define FANFOLD_TESTS_SIM_CLOCK_H

#include <stdint.h>

void sim_clock_reset(uint64_t seed); /* of clock_random */
void sim_clock_pass(int64_t ms);

#endif
