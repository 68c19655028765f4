/*
 * progress.h: one line on a terminal's standard error that is drawn again and again.
 *
 *     struct progress progress;
 *     progress_init(&progress, bytes of input or 0);      or any other measure of the whole
 *     progress_show(&progress, done, bytes read);   cheap; draws ten times a second at most
 *     progress_clear(&progress);                    before other lines, and at the end
 *
 * On anything but a terminal it draws nothing.
 */
#ifndef FANFOLD_CLI_PROGRESS_H
#define FANFOLD_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    size_t width; /* of the terminal; 0: none */
    uint64_t bytes_all;
    const char *done; /* what has become of the events: "confirmed"; may be set after init */
    int64_t started_ms, drawn_ms;
    bool drawn;
};

void progress_init(struct progress *progress, uint64_t bytes_all);
void progress_show(struct progress *progress, uint64_t events, uint64_t bytes);
/* The same with the time that is left at this rate. */
void progress_show_left(struct progress *progress, uint64_t events, uint64_t bytes);
void progress_clear(struct progress *progress);
/* Milliseconds since progress_init, at least 1. */
int64_t progress_elapsed_ms(const struct progress *progress);

#endif
