/*
 * script.h: the events of a run, made up: what a publisher sends, with its duplicates, its
 * used-again ids, its bad events, and the gaps that segment rolls leave in the offsets.
 *
 *     struct script script;
 *     script_small(&script);                 or script_random(&script, seed, count)
 *     struct message *message = script_message(&script.at[i]);
 *     script_release(&script);
 */
#ifndef FANFOLD_TESTS_SCRIPT_H
#define FANFOLD_TESTS_SCRIPT_H

#include <fanfold/message.h>

#define SCRIPT_EXCHANGE  "x"
#define SCRIPT_PARTITION "x.log.0"
#define SCRIPT_WINDOW    40 /* dedupe_window */
#define SCRIPT_SUBJECTS  64
#define SCRIPT_BULK      2000 /* elements of a BULK event: two of them fill a batch */
/* Added twice to one place it leaves ±2^53: the store refuses the second event. */
#define SCRIPT_BIG 9007199254740000

enum script_kind {
    SCRIPT_PAY,   /* type pay, /data/n */
    SCRIPT_BAD,   /* type pay without /data/n: parks */
    SCRIPT_VISIT, /* only the view sums takes it */
    SCRIPT_NOTE,  /* only the view last takes it */
    SCRIPT_BULK_LINES,
    SCRIPT_NOISE,   /* no view takes it */
    SCRIPT_GARBAGE, /* cannot be decoded; its routing key says the subject all the same */
};

struct script_event {
    uint64_t offset;
    enum script_kind kind;
    unsigned id, subject;
    int64_t n;
    uint64_t time_s; /* 0: none */
};

struct script {
    struct script_event *at;
    size_t count;
};

/* Small numbers of everything that can happen to an event. */
void script_small(struct script *script);
/* Batches that are full, so that two are under way. */
void script_bulky(struct script *script);
void script_random(struct script *script, uint64_t seed, size_t count);
void script_release(struct script *script);

const char *script_type(enum script_kind kind);
struct message *script_message(const struct script_event *event);

/* splitmix64: the next number of the sequence that *state stands in. */
uint64_t script_next(uint64_t *state);

#endif
