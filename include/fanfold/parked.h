/*
 * parked.h: the parked events of a task, seen and changed from outside of its live worker (`fanfold
 * parked`, `fanfold status`).
 *
 * In Redis (an interface; README "Fanfold's own keys"): fanfold:parked:<view>:<partition> is a hash
 * offset → record, a JSON object with reason, key (absent: none), waits, id, source, type, at.
 * fanfold:parked-payload:… is a hash offset → body, of events that fail themselves and are at most
 * PARKED_PAYLOAD_MAX. fanfold:waiting:… is a hash key → how many events are parked under it.
 * fanfold:dropped:… is a hash offset → JSON object with reason, key, id, source, type, at (of the
 * drop).
 *
 *     struct parked_list list;
 *     redis_reader_parked(reader, "stock", "shop.events.log.0", &list, &error)
 *     …
 *     parked_list_release(&list);
 *
 *     struct unpark unpark = {.view = …, .partition = …, .epoch = …};
 *     unpark.changes.event = unpark_add(&unpark, UNPARK_FOLDED, event)  …fold into unpark.changes…
 *     redis_store_unpark(redis, &unpark, on_answer, arg);     it may be reused when this returns
 *     unpark_clear(&unpark); …
 *     unpark_release(&unpark);
 */
#ifndef FANFOLD_PARKED_H
#define FANFOLD_PARKED_H

#include <fanfold/redis_reader.h>
#include <fanfold/redis_store.h>

struct parked_list {
    struct parked_event *at; /* by rising offset; without payloads */
    size_t count, cap;
    struct arena arena; /* holds the texts */
};

/* All that are parked at the call (read in portions: others may come and go meanwhile). */
bool redis_reader_parked(struct redis_reader *reader, const char *view, const char *partition,
                         struct parked_list *list, struct error *error);

/* What of a parked event is enough to count and order it: there may be very many. */
struct parked_mark {
    uint64_t offset;
    int64_t parked_at_ms;
    bool waits;
};

struct parked_index {
    struct parked_mark *at; /* by rising offset */
    size_t count, cap;
};

/* As redis_reader_parked, but only marks. */
bool redis_reader_parked_index(struct redis_reader *reader, const char *view, const char *partition,
                               struct parked_index *index, struct error *error);
void parked_index_release(struct parked_index *index);
/* The events of some marks, at most PARKED_PORTION, without those that are not parked any more. */
#define PARKED_PORTION 500
bool redis_reader_parked_some(struct redis_reader *reader, const char *view, const char *partition,
                              const struct parked_mark *marks, size_t count,
                              struct parked_list *list, struct error *error);

/* Appends the body that was kept with a parked event; *kept says whether there is one. */
bool redis_reader_parked_payload(struct redis_reader *reader, const char *view,
                                 const char *partition, uint64_t offset, struct buf *payload,
                                 bool *kept, struct error *error);
void parked_list_release(struct parked_list *list);
/* NULL: not in the list. */
const struct parked_event *parked_list_find(const struct parked_list *list, uint64_t offset);

/* The records described above. */
void parked_record(struct buf *out, const struct parked_event *event);
void dropped_record(struct buf *out, const struct parked_event *event, struct str reason,
                    int64_t at_ms);
/* Reads a parked_record; the texts live in the arena. */
bool parked_record_read(struct str text, struct arena *arena, struct parked_event *event,
                        struct error *error);

/* What becomes of a parked event. The numbers are the wire format to the script. */
enum unpark_what {
    UNPARK_FOLDED = 0,  /* its changes go in, and it goes */
    UNPARK_DROPPED = 1, /* it goes, and is remembered as dropped */
    UNPARK_FAILED = 2,  /* it stays, with a new record (and payload, if one is given) */
};

struct unpark_entry {
    uint64_t offset;
    enum unpark_what what;
    struct str key;     /* of the parked event; {NULL,0}: none */
    struct str record;  /* {NULL,0} for UNPARK_FOLDED */
    struct str payload; /* {NULL,0}: none */
};

/* A row that the events of a step were folded with. */
struct unpark_read {
    struct row_name name;
    struct str text; /* JSON; {NULL,0}: absent */
};

/* A step of a retry or a drop, committed as a whole by the rule at the head of unpark.lua. */
struct unpark {
    const char *view, *partition, *epoch;
    bool trial;             /* is answered in the same way, but changes nothing */
    uint64_t reordered;     /* how many of the events that it folds count as reordered */
    struct changes changes; /* change.event is an index in entries; the arena holds all texts */
    struct unpark_entry *entries;
    size_t count, cap;
    struct unpark_read *reads;
    size_t read_count, read_cap;
};

/* Appends an entry for the event and returns its index. */
uint32_t unpark_add(struct unpark *unpark, enum unpark_what what, const struct parked_event *event);
/* Notes a row as it was read; only then the step goes in if it is that still. Nothing is noted of
 * one that was too large: what reads it fails. */
void unpark_add_read(struct unpark *unpark, const struct row_name *name, const struct row *row);
/* Empties it; keeps memory, view, partition, epoch and flags. */
void unpark_clear(struct unpark *unpark);
void unpark_release(struct unpark *unpark);

/* Answers as store_commit does (never COMMIT_ALREADY). COMMIT_CONFLICT: another epoch is in force,
 * or some entry is not parked any more. COMMIT_STALE: a row that was read has changed.
 * COMMIT_REFUSED: result.event is the index of the entry. */
void redis_store_unpark(struct redis_store *redis, const struct unpark *unpark,
                        store_commit_fn *done, void *arg);

#endif
