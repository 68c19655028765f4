/*
 * expire.c: a row that expires must be the same in a live view and in one that was rebuilt later.
 *
 * With a time unit in the key the end of its life is a function of the key. That holds if all
 * actions that could make the row say so: one that did not would make it anew, for ever, after its
 * end.
 *
 * Without one the end moves with each event. Then a row that has come to its end must have nothing
 * that the next write does not write again: one action alone writes it, and writes it whole.
 */
#include "view/expire.h"

#include "view/value.h"
#include <stdlib.h>

static void fault(struct compiler *c, const struct action *row, const char *text)
{
    char *place = jsonfile_pointer(row->place, "expire");

    faults_add(c->faults, c->file, place, "%s", text);
    free(place);
}

static bool creates(const struct action *row)
{
    for (size_t i = 0; i < row->verb_count; i++)
        if (row->verbs[i].verb->creates)
            return true;
    return false;
}

/* Does each run write every field that the row can have? */
static bool writes_whole(const struct action *row)
{
    for (size_t i = 0; i < row->verb_count; i++) {
        const struct verb_use *use = &row->verbs[i];
        if (use->verb->op != CHANGE_HASH_SET && use->verb->op != CHANGE_JSON_PUT)
            return false;
        for (size_t k = 0; k < use->count; k++)
            if (value_optional(&use->entries[k].value) ||
                (use->verb->op == CHANGE_HASH_SET && !str_is(use->entries[k].name.fixed)))
                return false;
    }
    return true;
}

static void check_sliding(struct compiler *c, const struct action *row)
{
    const struct action *other;

    if (!writes_whole(row))
        fault(c, row,
              "without a time unit in the key, such as {time:day}, \"expire\" needs the row to be "
              "written whole each time: \"set\" of a hash, with names and values without {…} and "
              "\"?\", or \"put\"; a rebuilt row would differ from the live one");
    for (other = c->view->rows; other; other = other->next_row)
        if (other != row && other->family == row->family) {
            fault(
                c, row,
                arena_printf(c->arena,
                             "without a time unit in the key, such as {time:day}, \"expire\" "
                             "needs this action alone to write \"%s\", but %s does too; a rebuilt "
                             "row would differ from the live one",
                             row->key.text, other->place)
                    .at);
            return;
        }
}

void expire_check(struct compiler *c, const struct action *row)
{
    const struct action *other;

    if (!row->expire_ms)
        return;
    if (!creates(row))
        fault(c, row, "nothing here makes a row that could expire; leave \"expire\" out");
    if (!row->clock) {
        check_sliding(c, row);
        return;
    }
    for (other = c->view->rows; other; other = other->next_row)
        if (other->family == row->family && creates(other) &&
            (other->expire_ms != row->expire_ms || !other->clock)) {
            fault(c, row,
                  arena_printf(c->arena,
                               "all actions that write \"%s\" must say the same \"expire\", and "
                               "have a time unit in the key, but %s does not",
                               row->key.text, other->place)
                      .at);
            return;
        }
}
