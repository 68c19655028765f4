/*
 * compare.h: the rows of two generations of a view, or of a view in two servers, side by side;
 * without sending them.
 *
 *     struct comparison comparison = {0};
 *     compare_generations(reader, &build, progress, arg, &comparison, &error);
 *     compare_servers(here, there, starts, count, progress, arg, &comparison, &error);
 *     comparison_release(&comparison);
 *
 * What is compared must not change meanwhile (generation_hold). Costs about 2 µs an entry on the
 * server (measured), in calls of at most 20,000 entries, a longer row in one.
 */
#ifndef FANFOLD_COMPARE_H
#define FANFOLD_COMPARE_H

#include <fanfold/generation.h>

/* Of each kind so many keys are kept, the first in byte order. */
#define COMPARE_SAMPLES 10

struct row_sample {
    char *at[COMPARE_SAMPLES];
    size_t count;
};

struct comparison {
    uint64_t same, changed, only_here, only_there; /* here: the live view, or the first server */
    struct row_sample changed_keys, here_keys, there_keys;
    struct row_keys there, surplus; /* all rows there; those that are only here */
};

/* Called now and then: rows done, of how many (0 of 0: their keys are being looked for). May be
 * NULL. False: stop. */
typedef bool compare_progress_fn(void *arg, uint64_t done, uint64_t all);

/* Here: the live rows; there: those of the build. sample: 0, or of how many rows at most, evenly
 * spread. */
bool compare_generations(struct redis_reader *reader, const struct build *build, uint64_t sample,
                         compare_progress_fn *progress, void *arg, struct comparison *comparison,
                         struct error *error);
/* starts: literal starts of the rows' keys. */
bool compare_servers(struct redis_reader *here, struct redis_reader *there,
                     const char *const *starts, size_t count, compare_progress_fn *progress,
                     void *arg, struct comparison *comparison, struct error *error);
/* The keys that are prefix and one of the starts and more, without the prefix, sorted. */
bool compare_keys(struct redis_reader *reader, const char *prefix, const char *const *starts,
                  size_t count, compare_progress_fn *progress, void *arg, struct row_keys *keys,
                  struct error *error);
uint64_t comparison_differences(const struct comparison *comparison);
void comparison_release(struct comparison *comparison);

#endif
