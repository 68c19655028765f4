/*
 * ram_rows.c: see ram_rows.h.
 *
 * The journal keeps, for each step, what the row held before, moved there rather than copied;
 * taking back goes through it from the end.
 */
#include "store/ram_rows.h"
#include "base/error.h"
#include "store/rows.h"
#include <assert.h>
#include <stdlib.h>

enum undo_kind {
    UNDO_ADDED,   /* the cell `cell.name` is new */
    UNDO_CHANGED, /* it held cell.text and cell.score */
    UNDO_REMOVED, /* `cell` was there */
    UNDO_PUSHED,  /* the last cell is new */
    UNDO_WIPED,   /* the row had `cells` */
};

struct ram_undo {
    enum undo_kind kind;
    struct ram_row *row;
    struct ram_cell cell;
    struct ram_cells cells;
};

static struct str copy(struct str text)
{
    return str_is(text) ? (struct str){must_strndup(text.at, text.len), text.len} : text;
}

static void release(struct str text)
{
    free((char *)text.at);
}

static void cell_release(struct ram_cell *cell)
{
    release(cell->name);
    release(cell->text);
}

static void cells_release(struct ram_cells *cells)
{
    for (size_t i = 0; i < cells->count; i++)
        cell_release(&cells->at[i]);
    free(cells->at);
    map_release(&cells->index);
    *cells = (struct ram_cells){0};
}

static struct ram_undo *note(struct ram_journal *journal, enum undo_kind kind, struct ram_row *row)
{
    if (journal->count == journal->cap) {
        journal->cap = journal->cap ? journal->cap * 2 : 64;
        journal->at = must_realloc(journal->at, journal->cap * sizeof(*journal->at));
    }
    struct ram_undo *undo = &journal->at[journal->count++];
    *undo = (struct ram_undo){.kind = kind, .row = row};
    return undo;
}

static struct ram_cell *append(struct ram_cells *cells, struct ram_cell cell)
{
    if (cells->count == cells->cap) {
        cells->cap = cells->cap ? cells->cap * 2 : 8;
        cells->at = must_realloc(cells->at, cells->cap * sizeof(*cells->at));
    }
    assert(cells->at);
    cells->at[cells->count] = cell;
    if (str_is(cell.name))
        *map_put(&cells->index, cell.name) = cells->count + 1;
    return &cells->at[cells->count++];
}

static struct ram_cell *find(const struct ram_cells *cells, struct str name)
{
    const uint64_t *place = map_get(&cells->index, name);
    return place ? &cells->at[*place - 1] : NULL;
}

/* Takes the cell out; the last one fills its place. The caller owns its texts. */
static struct ram_cell take(struct ram_cells *cells, struct ram_cell *cell)
{
    struct ram_cell taken = *cell;
    map_remove(&cells->index, taken.name);
    struct ram_cell *last = &cells->at[--cells->count];
    if (cell != last) {
        *cell = *last;
        *map_put(&cells->index, cell->name) = (uint64_t)(cell - cells->at) + 1;
    }
    return taken;
}

const struct ram_cell *ram_row_find(const struct ram_row *row, struct str name)
{
    return find(&row->cells, name);
}

void ram_row_put(struct ram_journal *journal, struct ram_row *row, struct str name, struct str text,
                 double score)
{
    struct ram_cell *cell = find(&row->cells, name);
    if (cell) {
        struct ram_undo *undo = note(journal, UNDO_CHANGED, row);
        undo->cell = (struct ram_cell){copy(name), cell->text, cell->score};
        cell->text = copy(text);
        cell->score = score;
        return;
    }
    note(journal, UNDO_ADDED, row)->cell.name = copy(name);
    append(&row->cells, (struct ram_cell){copy(name), copy(text), score});
}

void ram_row_remove(struct ram_journal *journal, struct ram_row *row, struct str name)
{
    struct ram_cell *cell = find(&row->cells, name);
    if (cell)
        note(journal, UNDO_REMOVED, row)->cell = take(&row->cells, cell);
}

void ram_row_push(struct ram_journal *journal, struct ram_row *row, struct str text)
{
    note(journal, UNDO_PUSHED, row);
    append(&row->cells, (struct ram_cell){.text = copy(text)});
}

void ram_row_wipe(struct ram_journal *journal, struct ram_row *row)
{
    note(journal, UNDO_WIPED, row)->cells = row->cells;
    row->cells = (struct ram_cells){0};
}

static void undo_one(struct ram_undo *undo)
{
    struct ram_cells *cells = &undo->row->cells;
    struct ram_cell *cell, gone;
    switch (undo->kind) {
    case UNDO_ADDED:
        gone = take(cells, find(cells, undo->cell.name));
        cell_release(&gone);
        break;
    case UNDO_CHANGED:
        cell = find(cells, undo->cell.name);
        release(cell->text);
        cell->text = undo->cell.text;
        cell->score = undo->cell.score;
        undo->cell.text = (struct str){0};
        break;
    case UNDO_REMOVED:
        append(cells, undo->cell);
        undo->cell = (struct ram_cell){0};
        break;
    case UNDO_PUSHED:
        cell_release(&cells->at[--cells->count]);
        break;
    case UNDO_WIPED:
        cells_release(cells);
        *cells = undo->cells;
        undo->cells = (struct ram_cells){0};
        break;
    }
}

void ram_journal_forget(struct ram_journal *journal)
{
    for (size_t i = 0; i < journal->count; i++) {
        cell_release(&journal->at[i].cell);
        cells_release(&journal->at[i].cells);
    }
    journal->count = 0;
}

void ram_journal_undo(struct ram_journal *journal)
{
    for (size_t i = journal->count; i-- > 0;)
        undo_one(&journal->at[i]);
    ram_journal_forget(journal);
}

void ram_journal_release(struct ram_journal *journal)
{
    ram_journal_forget(journal);
    free(journal->at);
    *journal = (struct ram_journal){0};
}

/* Does a stand below b in a zset? */
static bool below(const struct ram_cell *a, const struct ram_cell *b)
{
    return a->score != b->score ? a->score < b->score : str_cmp(a->name, b->name) < 0;
}

static void drop(struct ram_row *row, struct ram_cell *cell)
{
    struct ram_cell gone = take(&row->cells, cell);
    cell_release(&gone);
}

static int cells_by_rank(const void *a, const void *b)
{
    const struct ram_cell *x = a, *y = b;
    return below(x, y) ? 1 : below(y, x) ? -1 : 0;
}

void ram_row_keep_highest(struct ram_row *row, int64_t n)
{
    struct ram_cells *cells = &row->cells;
    size_t keep = n < 0 ? 0 : (size_t)n;
    if (cells->count <= keep)
        return;
    qsort(cells->at, cells->count, sizeof(*cells->at), cells_by_rank);
    for (size_t i = 0; i < cells->count; i++)
        *map_put(&cells->index, cells->at[i].name) = i + 1;
    while (cells->count > keep)
        drop(row, &cells->at[cells->count - 1]);
}

void ram_row_keep_age(struct ram_row *row, double age)
{
    struct ram_cells *cells = &row->cells;
    double highest = cells->count ? cells->at[0].score : 0;
    for (size_t i = 0; i < cells->count; i++)
        if (cells->at[i].score > highest)
            highest = cells->at[i].score;
    for (size_t i = cells->count; i-- > 0;) /* from the end: what fills a place was looked at */
        if (cells->at[i].score < highest - age)
            drop(row, &cells->at[i]);
}

void ram_row_keep_newest(struct ram_row *row, int64_t n)
{
    struct ram_cells *cells = &row->cells;
    size_t keep = n < 0 ? 0 : (size_t)n;
    if (cells->count <= keep)
        return;
    size_t gone = cells->count - keep;
    for (size_t i = 0; i < gone; i++)
        cell_release(&cells->at[i]);
    memmove(cells->at, cells->at + gone, keep * sizeof(*cells->at));
    cells->count = keep;
}

static void hash_json(const struct ram_cells *cells, struct buf *json)
{
    struct row_field *fields = must_calloc(cells->count, sizeof(*fields));
    for (size_t i = 0; i < cells->count; i++)
        fields[i] = (struct row_field){cells->at[i].name, cells->at[i].text};
    rows_hash(json, fields, cells->count);
    free(fields);
}

static void zset_json(const struct ram_cells *cells, struct buf *json)
{
    struct row_member *members = must_calloc(cells->count, sizeof(*members));
    for (size_t i = 0; i < cells->count; i++)
        members[i] = (struct row_member){cells->at[i].name, cells->at[i].score};
    rows_zset(json, members, cells->count);
    free(members);
}

static void texts_json(const struct ram_row *row, struct buf *json)
{
    const struct ram_cells *cells = &row->cells;
    struct str *texts = must_calloc(cells->count, sizeof(*texts));
    bool is_list = row->structure == STRUCTURE_LIST;
    for (size_t i = 0; i < cells->count; i++)
        texts[i] = is_list ? cells->at[cells->count - 1 - i].text : cells->at[i].name;
    if (is_list)
        rows_list(json, texts, cells->count);
    else
        rows_set(json, texts, cells->count);
    free(texts);
}

void ram_row_json(const struct ram_row *row, struct buf *json)
{
    switch ((enum structure)row->structure) {
    case STRUCTURE_HASH:
        hash_json(&row->cells, json);
        break;
    case STRUCTURE_ZSET:
        zset_json(&row->cells, json);
        break;
    case STRUCTURE_SET:
    case STRUCTURE_LIST:
        texts_json(row, json);
        break;
    case STRUCTURE_HLL:
        buf_add_u64(json, row->cells.count);
        break;
    case STRUCTURE_COUNTER:
    case STRUCTURE_JSON:
    case STRUCTURE_COUNT:
        buf_add(json, row->cells.at[0].text);
        break;
    }
}

void ram_row_free(struct ram_row *row)
{
    cells_release(&row->cells);
    release(row->key);
    free(row);
}
