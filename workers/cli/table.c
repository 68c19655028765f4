/*
 * table.c: columns for a person.
 */
#include "cli/table.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli/terminal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#define TEXT_MAX 2048
#define LAST_MIN 10 /* columns that are left to the last cell, however narrow the screen */

void table_init(struct table *table, const char *const *titles, size_t columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *table = (struct table){.titles = titles, .columns = columns};
}

void table_cell(struct table *table, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table->cells = must_realloc(table->cells, (table->count + 1) * sizeof *table->cells);
    table->cells[table->count++] = (struct table_cell){.text = must_strdup(text)};
}

void table_note(struct table *table, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct table_cell *last = &table->cells[table->count - 1];
    free(last->note);
    last->note = must_strdup(text);
}

static bool is_right(const char *title)
{
    return title[0] == '>';
}

static const char *title_text(const char *title)
{
    return is_right(title) ? title + 1 : title;
}

/* How many columns the last cell of a row may have; 0: any number. */
static size_t room_for_last(const struct table *table, const size_t *width)
{
    size_t used = 0;
    if (!table->fit)
        return 0;
    for (size_t i = 0; i + 1 < table->columns; i++)
        used += width[i] + 2;
    return table->fit > used + LAST_MIN ? table->fit - used : LAST_MIN;
}

static void print_cell(FILE *out, const char *text, size_t width, size_t max, bool right, bool last)
{
    size_t columns = terminal_columns(str_of(text));
    if (right && columns < width)
        fprintf(out, "%*s", (int)(width - columns), "");
    terminal_print(out, str_of(text), last ? max : 0, right || last ? 0 : width);
    fputs(last ? "\n" : "  ", out);
}

void table_print(const struct table *table, FILE *out)
{
    size_t width[TABLE_COLUMNS_MAX];
    assert(table->columns > 0);
    for (size_t i = 0; i < table->columns; i++)
        width[i] = strlen(title_text(table->titles[i]));
    for (size_t i = 0; i < table->count; i++) {
        size_t columns = terminal_columns(str_of(table->cells[i].text));
        if (columns > width[i % table->columns])
            width[i % table->columns] = columns;
    }
    size_t max = room_for_last(table, width);
    for (size_t i = 0; i < table->columns; i++)
        print_cell(out, title_text(table->titles[i]), width[i], max, is_right(table->titles[i]),
                   i + 1 == table->columns);
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        print_cell(out, table->cells[i].text, width[column], max, is_right(table->titles[column]),
                   column + 1 == table->columns);
        if (table->cells[i].note) {
            fputs("  ", out);
            terminal_print(out, str_of(table->cells[i].note), 0, 0);
            putc('\n', out);
        }
    }
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i].text);
        free(table->cells[i].note);
    }
    free(table->cells);
}
