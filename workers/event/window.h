/*
 * window.h: which events of a partition are duplicates, derived from the log alone (DESIGN section
 * 4).
 *
 * The event at offset o is a duplicate if and only if an event with the same source and id, and the
 * same type and data, stands at an offset in [o − W, o). With the same source and id but other
 * content only, its id was reused. So the answer is the same on every worker and at every replay,
 * provided that the window has seen all of [o − W, o) first.
 *
 *     struct window *window = window_new(65536);
 *     switch (window_see(window, offset, cloudevent_key(&event), cloudevent_content(&event))) …
 *     window_free(window);
 */
#ifndef FANFOLD_EVENT_WINDOW_H
#define FANFOLD_EVENT_WINDOW_H

#include "base/hash.h"

enum window_answer { WINDOW_NEW, WINDOW_DUPLICATE, WINDOW_REUSED };

struct window;

/* width: W, in offsets; 0 says WINDOW_NEW to everything. Memory grows with the events seen, up to
 * 64 bytes × W, or half as much again where W is no power of two. */
struct window *window_new(uint64_t width);
/* Answers for the event at offset, and remembers it. Offsets must rise from call to call. */
enum window_answer window_see(struct window *window, uint64_t offset, struct hash128 key,
                              uint64_t content);
void window_free(struct window *window);

#endif
