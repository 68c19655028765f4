/*
 * ram_newest.c: one change after the other, in the order of the batch; commit_newest.lua picks the
 * newest of each place instead.
 */
#include "store/ram_newest.h"
#include "store/stamp.h"

/* The stamp of a place of the row ({NULL,0}: of the row itself), or {NULL,0}. */
static struct str stamp_at(const struct ram_row *stamps, const struct ram_row *row,
                           struct str place)
{
    struct buf name = {0};
    stamp_name(&name, row->key, place);
    const struct ram_cell *cell = ram_row_find(stamps, buf_str(&name));
    buf_release(&name);
    return cell ? cell->text : (struct str){NULL, 0};
}

static void set_stamp(struct ram_journal *journal, struct ram_row *stamps,
                      const struct ram_row *row, struct str place)
{
    struct buf name = {0};
    stamp_name(&name, row->key, place);
    ram_row_put(journal, stamps, buf_str(&name), row->stamp, 0);
    buf_release(&name);
}

static void forget_stamp(struct ram_journal *journal, struct ram_row *stamps,
                         const struct ram_row *row, struct str place)
{
    struct buf name = {0};
    stamp_name(&name, row->key, place);
    ram_row_remove(journal, stamps, buf_str(&name));
    buf_release(&name);
}

/* Is the stamp (of a place; {NULL,0}: it has none) later than that of the change at hand? */
static bool is_later(struct str stamp, const struct ram_row *row)
{
    return str_is(stamp) && stamp_cmp(stamp, row->stamp) > 0;
}

bool ram_newest_counts(struct ram_journal *journal, struct ram_row *stamps,
                       const struct ram_row *row, const struct change *change)
{
    struct str place = change->op == CHANGE_DELETE ? (struct str){NULL, 0}
                       : str_is(change->field)     ? change->field
                                                   : STR("");
    if (!change_goes_by_stamp(change->op))
        return true;
    if (is_later(stamp_at(stamps, row, (struct str){NULL, 0}), row) ||
        is_later(stamp_at(stamps, row, place), row))
        return false;
    set_stamp(journal, stamps, row, place);
    return true;
}

void ram_newest_delete(struct ram_journal *journal, struct ram_row *stamps, struct ram_row *row)
{
    for (size_t i = row->cells.count; i-- > 0;) { /* from the end: what fills a place was seen */
        struct str place = row->cells.at[i].name;
        if (is_later(stamp_at(stamps, row, place), row))
            continue;
        forget_stamp(journal, stamps, row, place);
        ram_row_remove(journal, row, place);
    }
}
