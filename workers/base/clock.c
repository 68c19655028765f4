/*
 * clock.c: the machine's clocks and its random numbers.
 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

uint64_t clock_random(void)
{
    uint64_t value;
    while (getrandom(&value, sizeof value, 0) != sizeof value) {
        if (errno == EINTR)
            continue;
        fprintf(stderr, "fanfold: no random numbers from the kernel: %s\n", strerror(errno));
        abort();
    }
    return value;
}
