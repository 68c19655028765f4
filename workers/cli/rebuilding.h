/*
 * rebuilding.h: drives the building of a generation, for `fanfold rebuild` and `fanfold verify`:
 * workers fold it, this begins it, waits until it stands where the live view stands, compares, and
 * switches or removes it. Whatever happens to the process, what it has begun goes on or can be
 * taken up again.
 *
 *     struct rebuilding rebuilding;
 *     code = rebuilding_open(&rebuilding, options, "rebuild");    says what is wrong
 *     rebuilding_begin(…) or rebuilding_resume(…);
 *     rebuilding_follow(…);      until it has caught up, with progress
 *     rebuilding_compare(…);     held at equal positions, from here on for a while
 *     rebuilding_switch(…); or rebuilding_remove(…);
 *     rebuilding_close(&rebuilding);
 */
#ifndef FANFOLD_CLI_REBUILDING_H
#define FANFOLD_CLI_REBUILDING_H

#include "cli/in_force.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "worker/views.h"
#include <fanfold/compare.h>

struct rebuilding {
    struct config config;
    struct view_set views;
    const struct view *view; /* of the files */
    struct redis_reader *reader;
    struct definition *live; /* in force; what the files say, when nothing is folded yet */
    char epoch[EPOCH_MAX];   /* of the live view; "": nothing is folded yet */
    struct definition *next; /* what is to be built */

    struct build build;
    bool has_build;   /* it is read */
    uint64_t *begins; /* for each partition of `next`: from where it is folded */
    struct generation_position *at;
    struct comparison comparison;
    struct progress progress;
    const volatile int *stop;
    int64_t held_ms; /* monotonic: when the hold was renewed last; 0: there is none */
    bool said_waiting;
};

/* The view is the only argument; command: whose help would help. */
int rebuilding_open(struct rebuilding *rebuilding, const struct options *options,
                    const char *command);
/* Reads whether a generation is being built: rebuilding->has_build. */
bool rebuilding_find(struct rebuilding *rebuilding, struct error *error);
/* Takes the file's definition as `next`, instead of that of the view's own file. Says its faults.
 */
int rebuilding_take_file(struct rebuilding *rebuilding, const char *path);

struct rebuilding_wish {
    bool verify, strict, from_retained;
};

/* Begins a generation, after a look at the log, the live view and the room in Redis. */
bool rebuilding_begin(struct rebuilding *rebuilding, const struct rebuilding_wish *wish,
                      struct error *error);
/* Finishes what somebody has begun to switch to or to remove. */
bool rebuilding_finish(struct rebuilding *rebuilding, struct error *error);
bool rebuilding_follow(struct rebuilding *rebuilding, struct error *error);
/* sample: 0: all rows. Leaves the view held (unless the build does not follow it). */
bool rebuilding_compare(struct rebuilding *rebuilding, uint64_t sample, struct error *error);
bool rebuilding_let_go(struct rebuilding *rebuilding, struct error *error);
/* *moved: the hold ran out: compare again. */
bool rebuilding_switch(struct rebuilding *rebuilding, bool keep, bool *moved, struct error *error);
bool rebuilding_remove(struct rebuilding *rebuilding, struct error *error);
void rebuilding_close(struct rebuilding *rebuilding);

/* The differences, for a person on standard output, or as members of a JSON object. */
bool rebuilding_print(const struct rebuilding *rebuilding, struct error *error);
bool rebuilding_json(const struct rebuilding *rebuilding, cJSON *object, struct error *error);

#endif
