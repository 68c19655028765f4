/*
 * generation.h: the next generation of a view, built beside the live one (DESIGN section 6).
 *
 * Generation g of a view is folded by workers under the name "<view>@<g>": it has a position,
 * parked events and a lease of its own, and its rows stand behind "fanfold:g:<g>:". What is being
 * built stands in the hash fanfold:rebuilds, view → JSON (struct build), which each tick of the
 * pool reads. A generation goes through these states:
 *
 *     building    workers fold it; it never overtakes the live view
 *     switching   its rows take the places of the live ones, step by step; commits to the view wait
 *     ending      it is being removed, step by step
 *
 * A command drives it (blocking calls, over a redis_reader):
 *
 *     generation_find(reader, view, &build, &found, &error);
 *     generation_begin(reader, view, &begin, &build, &error);
 *     …until the positions are near…
 *     generation_hold(reader, view, &build, ms, positions, &error);   again, until both are equal
 *     generation_compare(…);                       compare.h
 *     generation_switch(reader, view, &build, keep, rows, &error);   or
 *     generation_release(…);   generation_end(…);
 *
 * What is begun in Redis, anybody can finish: generation_step() does a bounded part of a switch or
 * a removal and says whether there is more; workers do so too.
 */
#ifndef FANFOLD_GENERATION_H
#define FANFOLD_GENERATION_H

#include "base/partitions.h"
#include <fanfold/redis_reader.h>
#include <fanfold/redis_store.h>

enum build_state { BUILD_FOLDING, BUILD_SWITCHING, BUILD_ENDING };

struct build {
    uint64_t generation;
    enum build_state state;
    bool verify;    /* it is only to be compared with the live view */
    bool strict;    /* an event that fails stops it, unless the live view has parked it */
    bool follows;   /* it does not overtake the live view, and is switched to at equal positions */
    bool aside;     /* what the live view has dropped is left out: it is of the same log */
    uint64_t tries; /* how often somebody asked for it: workers try stopped tasks again */
    int64_t started_ms;
    char digest[32];                   /* of its definition */
    char **partitions, **rows;         /* of its logs; literal starts of its rows' keys */
    char **old_partitions, **old_rows; /* likewise, of the live view */
    size_t partition_count, row_count, old_partition_count, old_row_count;
};

/* False: it is not one (another version of Fanfold wrote it). */
bool build_read(const char *text, struct build *build);
void build_release(struct build *build);
/* "fanfold:g:2:"; the caller frees it. */
char *generation_prefix(uint64_t generation);
/* "stock@2"; likewise. */
char *generation_name(const char *view, uint64_t generation);

/* *found: is one being built? */
bool generation_find(struct redis_reader *reader, const char *view, struct build *build,
                     bool *found, struct error *error);

struct generation_begin {
    const char *definition, *digest;
    const struct build *build; /* all but generation, state and tries */
    const uint64_t *begins;    /* for each partition: the offset it is folded from */
};

/* ERROR_NO: somebody else has begun one meanwhile. */
bool generation_begin(struct redis_reader *reader, const char *view,
                      const struct generation_begin *begin, struct build *build,
                      struct error *error);
/* Somebody asks for it again: stopped tasks try again, strictly or not. */
bool generation_again(struct redis_reader *reader, const char *view, struct build *build,
                      bool strict, struct error *error);

struct generation_position {
    bool live_has, build_has;
    uint64_t live, build; /* offsets */
    struct position live_at, build_at;
    bool live_reordered;
};

/* Where both stand; at has one for each partition of the build. */
bool generation_positions(struct redis_reader *reader, const char *view, const struct build *build,
                          struct generation_position *at, struct error *error);
/* Commits to the live view wait for so long, or until it is released; a build goes on up to where
 * the view stands. Called again before that it holds on. */
bool generation_hold(struct redis_reader *reader, const char *view, const struct build *build,
                     int64_t ms, struct generation_position *at, struct error *error);
/* Nothing has moved from one look to the other. */
bool generation_rests(const struct generation_position *a, const struct generation_position *b,
                      size_t count);
bool generation_release(struct redis_reader *reader, const char *view, const struct build *build,
                        struct error *error);

/* Where a task stands, and how far it may go. */
struct held_task {
    const char *partition;
    bool has, has_limit;
    uint64_t offset, limit;
};

/* Commits to the view wait, for so long or until it is let go, beyond `limit` of each of its tasks,
 * or (has_limit false) where it stands. Sets `has` and `offset`. No build is needed. */
bool generation_hold_at(struct redis_reader *reader, const char *view, int64_t ms,
                        struct held_task *tasks, size_t count, struct error *error);
bool generation_let_go(struct redis_reader *reader, const char *view, const struct held_task *tasks,
                       size_t count, struct error *error);

/* Live commits wait for so long (0: no longer); those of `parked retry`, which asks for it, do not.
 * ERROR_NO: a comparison or a switch holds the view. */
bool generation_hold_live(struct redis_reader *reader, const char *view, int64_t ms,
                          const struct str *partitions, size_t count, struct error *error);

/* Keys of rows, without the generation's prefix, sorted; each in its own memory. */
struct row_keys {
    struct str *at;
    size_t count, cap;
};

void row_keys_release(struct row_keys *keys);

/* Above so many rows the switch is not one script but many. RENAME takes about 2 µs a row
 * (measured: 100,000 in 0.2 s), and nobody is served meanwhile. */
#define GENERATION_AT_ONCE 100000

/* Rows: those of the build, and the live ones that it has not. ERROR_NO: the positions are not
 * equal any more, or the hold has run out: nothing was changed; hold and compare again. *more: the
 * switch has begun, and generation_step finishes it. keep: the former rows stay, behind
 * "fanfold:g:<former>:". at: the positions at which the rows were compared. A build that does not
 * follow the view is switched to in steps, because rows come and go until it has begun. */
bool generation_switch(struct redis_reader *reader, const char *view, const struct build *build,
                       bool keep, const struct row_keys *rows, const struct row_keys *surplus,
                       const struct generation_position *at, bool *more, struct error *error);
/* Are there rows that an earlier switch has kept? Then no further ones can be. */
bool generation_is_kept(struct redis_reader *reader, const char *view, bool *kept,
                        struct error *error);
/* Begins the removal; generation_step does it. */
bool generation_end(struct redis_reader *reader, const char *view, const struct build *build,
                    struct error *error);
/* The same of the generation that an earlier switch kept. *found: is there one? */
bool generation_end_kept(struct redis_reader *reader, const char *view, bool *found,
                         struct error *error);
/* A bounded part of a switch or a removal. */
bool generation_step(struct redis_reader *reader, const char *view, bool *more,
                     struct error *error);

/* The same from a worker, until there is no more. why: what Redis said instead, or NULL. */
typedef void generation_done_fn(void *arg, const char *why);
void generation_finish(struct redis_store *redis, const char *view, generation_done_fn *done,
                       void *arg);

/* A log of the view: the partitions that it is folded by, and those that it is to be folded by from
 * here on, which may be the same. */
struct adopt_log {
    const struct partition_list *from, *to;
    bool same_key; /* both divide events by the same key */
};

/* A changed definition comes into force without a replay: epoch and definition are replaced,
 * positions stay, or go over to other partitions (moved.h). from: the epoch that is in force, as it
 * was seen. ERROR_NO: it is not any more, a generation is being built, or events are parked on a
 * partition that is to be left. */
bool generation_adopt(struct redis_reader *reader, const char *view, const char *from,
                      const char *definition, const char *digest, const struct adopt_log *logs,
                      size_t count, struct error *error);

#endif
