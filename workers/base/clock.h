/*
 * clock.h: the two clocks of the machine. Folds never read either.
 */
#ifndef FANFOLD_BASE_CLOCK_H
#define FANFOLD_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);      /* milliseconds since 1970, UTC; may jump */
int64_t clock_monotonic_ms(void); /* never goes back; for time-outs and rates */
uint64_t clock_random(void);      /* 64 random bits from the kernel: names, jitter */

#endif
