/*
 * script.h: the events of a run, made up: what a publisher sends, with its duplicates, its
 * used-again ids, its bad events, and the gaps that segment rolls leave in the offsets.
 *
 *     struct script script;
 *     script_small(&script);                 or script_random(&script, seed, count)
 *     struct message *message = script_message(&script.at[i]);
 *     script_release(&script);
 *
 * The same as the only partition with events of a recorded log, with what recorders leave there
 * that died, slept, or were refused: records that come again, or ahead of others, and marks.
 *
 *     script_records_make(&records, &script, seed);
 *     struct message *message = script_record_message(&script, &records, i);
 *     script_records_release(&records);
 */
#ifndef FANFOLD_TESTS_SCRIPT_H
#define FANFOLD_TESTS_SCRIPT_H

#include <fanfold/message.h>

#define SCRIPT_EXCHANGE  "x"
#define SCRIPT_PARTITION "x.log.0"
#define SCRIPT_RECORDED  "x.part.2.0"
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

struct script_record {
    size_t event; /* its first one, of the script; of a mark the one that comes next */
    size_t count; /* how many events it has; none: a mark */
    uint64_t from, offset;
    uint64_t taken; /* the first offset that is not accounted for up to here */
    uint64_t next;  /* the same without marks: the offset behind the last event */
};

/* Record i has number i * SCRIPT_STRIDE: a reader that begins in the middle of a long log, far
 * enough back in numbers, has not too many of them to read. */
#define SCRIPT_STRIDE 8

struct script_records {
    struct script_record *at;
    size_t count, cap;
    size_t *ends; /* ends[n]: so many records have none but the first n events; and all of those, if
                     no record has the last of them and the next one */
};

/* Small numbers of everything that can happen to an event. */
void script_small(struct script *script);
/* Batches that are full, so that two are under way. */
void script_bulky(struct script *script);
void script_random(struct script *script, uint64_t seed, size_t count);
void script_release(struct script *script);

const char *script_type(enum script_kind kind);
struct message *script_message(const struct script_event *event);

void script_records_make(struct script_records *records, const struct script *script,
                         uint64_t seed);
struct message *script_record_message(const struct script *script,
                                      const struct script_records *records, size_t i);
void script_records_release(struct script_records *records);

/* splitmix64: the next number of the sequence that *state stands in. */
uint64_t script_next(uint64_t *state);

#endif
