/*
 * ram_rows.h: rows in memory, with a journal that takes back what a refused batch had done (private
 * to store/).
 *
 * A row is a list of cells: a hash's fields (name, text), a zset's members (name, score), a set's
 * and an hll's members (name), a list's elements (text, oldest first), and for a counter or a
 * document one cell with the name "". A row without cells is absent. An hll is counted exactly:
 * where Redis estimates, the twin knows.
 */
#ifndef FANFOLD_STORE_RAM_ROWS_H
#define FANFOLD_STORE_RAM_ROWS_H

#include "base/buf.h"
#include "base/map.h"
#include <fanfold/change.h>

struct ram_cell {
    struct str name, text; /* owned; {NULL, 0} where the structure has none */
    double score;
};

struct ram_cells {
    struct map index; /* name → place + 1; empty for a list */
    struct ram_cell *at;
    size_t count, cap;
};

struct ram_row {
    struct str key; /* owned */
    uint8_t structure;
    struct ram_cells cells;
    int64_t expire_at_ms; /* 0: none */

    /* What the batch under way says of the row at its end (ram_commit.c). */
    bool touched, deleted, has_expire, has_keep, has_keep_age;
    int64_t expire_ms, keep, keep_age_ms;
    struct str stamp; /* of the changes that follow; {NULL, 0}: none */
};

struct ram_undo;

struct ram_journal {
    struct ram_undo *at;
    size_t count, cap;
};

const struct ram_cell *ram_row_find(const struct ram_row *row, struct str name);
/* Sets or adds the cell. */
void ram_row_put(struct ram_journal *journal, struct ram_row *row, struct str name, struct str text,
                 double score);
void ram_row_remove(struct ram_journal *journal, struct ram_row *row, struct str name);
/* Appends an element to a list. */
void ram_row_push(struct ram_journal *journal, struct ram_row *row, struct str text);
void ram_row_wipe(struct ram_journal *journal, struct ram_row *row);

/* At the end of a batch, when nothing is taken back any more: */
void ram_journal_forget(struct ram_journal *journal);
/* The n highest members stay; equal scores: the later in byte order. */
void ram_row_keep_highest(struct ram_row *row, int64_t n);
/* Members with a score below the highest minus age go. */
void ram_row_keep_age(struct ram_row *row, double age);
/* The n newest elements of a list stay. */
void ram_row_keep_newest(struct ram_row *row, int64_t n);
/* Or: everything since the last _forget or _undo is taken back. */
void ram_journal_undo(struct ram_journal *journal);

void ram_journal_release(struct ram_journal *journal);
/* Appends the row as redis_reader_row() would. The row has cells. */
void ram_row_json(const struct ram_row *row, struct buf *json);
void ram_row_free(struct ram_row *row);

#endif
