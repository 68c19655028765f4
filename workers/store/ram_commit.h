/*
 * ram_commit.h: a batch's changes applied to rows in memory, all or none (private to store/).
 */
#ifndef FANFOLD_STORE_RAM_COMMIT_H
#define FANFOLD_STORE_RAM_COMMIT_H

#include "store/ram_rows.h"
#include <fanfold/store.h>

struct ram_rows {
    struct map index; /* key → place + 1 */
    struct ram_row **at;
    size_t count, cap;
    struct ram_journal journal;
};

/* The row of that key; made, without cells, when there is none. */
struct ram_row *ram_rows_get(struct ram_rows *rows, struct str key);
/* NULL: none. */
struct ram_row *ram_rows_find(const struct ram_rows *rows, struct str key);
void ram_rows_release(struct ram_rows *rows);

/* Steps (2) and (3) of the commit rule (commit.lua). stamps: a row that holds the stamps of the
 * changes' view (ram_newest.h). Sets result to COMMIT_OK, _REFUSED or _FOREIGN; unless OK, the rows
 * and stamps are as before. */
void ram_rows_apply(struct ram_rows *rows, struct ram_row *stamps, const struct changes *changes,
                    struct commit_result *result);

#endif
