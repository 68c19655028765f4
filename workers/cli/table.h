/*
 * table.h: a table for a person: columns as wide as their widest cell.
 *
 *     struct table table;
 *     table_init(&table, titles, count);         titles that begin with ">" are aligned right
 *     table_cell(&table, "%s", name); …          row by row, count cells each
 *     table_note(&table, "reason: %s", reason);  a line below the row
 *     table_print(&table, stdout);
 *     table_release(&table);
 */
#ifndef FANFOLD_CLI_TABLE_H
#define FANFOLD_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16

struct table_cell {
    char *text;
    char *note; /* below its row; at most one a row */
};

struct table {
    const char *const *titles;
    size_t columns;
    struct table_cell *cells;
    size_t count;
    size_t fit; /* the last column is cut so that a row has at most so many; 0: it is not */
};

void table_init(struct table *table, const char *const *titles, size_t columns);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_note(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_print(const struct table *table, FILE *out);
void table_release(struct table *table);

#endif
