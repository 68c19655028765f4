/*
 * row.h: what a fold reads: rows of its own view (`with`, DESIGN section 7). A store gives them as
 * JSON texts, the fold sees them as values: a hash as an object of texts (fields sorted), a set as
 * a sorted array of texts, a counter as a number, a document as it is; a row that is absent is
 * nothing.
 *
 * A row may have ROW_ENTRIES_MAX fields or members, and ROW_BYTES_MAX bytes in them (names and
 * values together; a counter's or document's text): the event that reads a larger one parks. So it
 * does in every store, and at every replay.
 *
 *     struct row_list list = {0};
 *     row_list_add(&list, &(struct row_name){STRUCTURE_HASH, key});     copies the key
 *     row_list_clear(&list); row_list_release(&list);
 */
#ifndef FANFOLD_ROW_H
#define FANFOLD_ROW_H

#include "base/map.h"
#include <fanfold/change.h>

#define ROW_ENTRIES_MAX 10000
#define ROW_BYTES_MAX   ((size_t)1024 * 1024)

/* A row by the key that a change to it has. Only hash, set, counter and json can be read. */
struct row_name {
    enum structure structure;
    struct str key;
};

enum row_state {
    ROW_UNREAD,  /* nobody knows yet */
    ROW_ABSENT,  /* there is none */
    ROW_THERE,   /* text is its JSON */
    ROW_LARGE,   /* beyond the limits above */
    ROW_FOREIGN, /* text says what is there, which no fold has made (only a store says so) */
};

struct row {
    enum row_state state;
    struct str text;
};

/* Each row once, in the order in which they were added. */
struct row_list {
    struct row_name *at;
    size_t count, cap;
    struct map index; /* key → place + 1: a view has no two structures under one key */
    struct arena arena;
};

void row_list_add(struct row_list *list, const struct row_name *name);
void row_list_clear(struct row_list *list);
void row_list_release(struct row_list *list);

/* Where a fold looks rows up. */
struct row_source {
    /* Never ROW_FOREIGN. The text must stay until the fold is over. */
    struct row (*look)(void *arg, const struct row_name *name);
    void *arg;
    struct row_list unread; /* the fold adds what look() did not know */
};

#endif
