/*
 * times.c: see times.h.
 */
#include "times.h"

#include "null_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void times_init(struct times *times, uint64_t count)
{
    *times = (struct times){calloc(count, sizeof *times->at), count};
    if (!times->at)
        null_fail("out of memory");
}

int64_t times_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void times_note(struct times *times, uint64_t number, int64_t at)
{
    if (number >= times->count || times->at[number])
        null_fail("event %" PRIu64 " of %" PRIu64 " comes %s", number, times->count,
                  number >= times->count ? "unexpected" : "twice");
    times->at[number] = at;
}

void times_write(const struct times *times, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        null_fail("%s cannot be written", path);
    for (uint64_t number = 0; number < times->count; number++)
        fprintf(file, "%" PRId64 "\n", times->at[number]);
    if (fclose(file) != 0)
        null_fail("%s cannot be written", path);
}

void times_release(struct times *times)
{
    free(times->at);
    *times = (struct times){0};
}
