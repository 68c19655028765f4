/*
 * times.h: when each of a number of events happened, by the clock that all programs of the machine
 * share (CLOCK_MONOTONIC), in nanoseconds.
 *
 *     struct times times;
 *     times_init(&times, events);
 *     times_note(&times, number, times_now());
 *     times_write(&times, path);          a line an event: its time; 0: it has not happened
 *     times_release(&times);
 *
 * What goes wrong ends the program.
 */
#ifndef FANFOLD_BENCH_TIMES_H
#define FANFOLD_BENCH_TIMES_H

#include <stdint.h>

struct times {
    int64_t *at;
    uint64_t count;
};

void times_init(struct times *times, uint64_t count);
int64_t times_now(void);
/* A number beyond the count, or one that was noted already, ends the program. */
void times_note(struct times *times, uint64_t number, int64_t at);
void times_write(const struct times *times, const char *path);
void times_release(struct times *times);

#endif
