/*
 * with_read.c: rows as values, while an event is folded.
 *
 * A row that the source does not know is put on its list, and the action that wanted it is left
 * out; the fold goes on, so that it finds as many more as it can, and ends as FOLD_READ. Folded
 * again with them, it may find the next ones: those whose key stands in a row, or below an each
 * over one.
 */
#include "view/with.h"

#include "base/json.h"
#include "view/template.h"
#include <stdlib.h>

/* Stands in reads->nodes for a row that the source did not know. */
static const struct json unread = {.kind = JSON_NULL};

static void keep(struct reads *reads, uint64_t *place, const struct json *node)
{
    if (reads->count == reads->cap) {
        reads->cap = reads->cap ? reads->cap * 2 : 8;
        reads->nodes = must_realloc(reads->nodes, reads->cap * sizeof(*reads->nodes));
    }
    reads->nodes[reads->count++] = node;
    *place = reads->count;
}

static enum outcome parse(struct reads *reads, const struct scope *scope, struct str text,
                          const struct json **node)
{
    struct error error;

    reads->bytes += text.len;
    if (reads->bytes > READS_BYTES_MAX)
        return scope_park(scope, "the event reads more than %zu MB of rows", READS_BYTES_MAX >> 20);
    *node = json_parse(scope->scratch, text, &error);
    if (*node)
        return OUTCOME_SOME;
    return scope_park(scope, "what was read is not JSON (%s)", error.text);
}

/* The row as a value; *node is NULL for nothing, &unread when it is not known. */
static enum outcome look(struct reads *reads, const struct scope *scope,
                         const struct row_name *name, const struct json **node)
{
    uint64_t *place = map_put(&reads->index, name->key);
    enum outcome outcome = OUTCOME_SOME;
    struct row row;

    *node = NULL;
    if (*place) {
        *node = reads->nodes[*place - 1];
        return OUTCOME_SOME;
    }
    reads->beyond = reads->count == READS_MAX;
    if (reads->beyond)
        return scope_park(scope, "the event reads more than %d rows", READS_MAX);
    row = reads->source->look(reads->source->arg, name);
    if (row.state == ROW_UNREAD) {
        row_list_add(&reads->source->unread, name);
        reads->unread = true;
        *node = &unread;
    } else if (row.state == ROW_LARGE) {
        return scope_park(scope,
                          "%.*s has more than %d entries or %zu MB, which is too much to read",
                          STRF(name->key), ROW_ENTRIES_MAX, ROW_BYTES_MAX >> 20);
    } else if (row.state == ROW_THERE) {
        outcome = parse(reads, scope, row.text, node);
    }
    keep(reads, place, *node);
    return outcome;
}

enum outcome with_read(const struct action *action, struct reads *reads, struct scope *scope,
                       const char **label)
{
    bool known = true;

    for (size_t i = 0; i < action->with_count; i++) {
        const struct with *with = &action->withs[i];
        struct row_name name = {.structure = with->structure};
        enum outcome outcome = template_key(&with->key, scope, &name.key);
        *label = with->name;
        if (outcome == OUTCOME_SOME)
            outcome = look(reads, scope, &name, &scope->rows[with->slot]);
        if (outcome != OUTCOME_SOME)
            return outcome;
        known &= scope->rows[with->slot] != &unread;
    }
    return known ? OUTCOME_SOME : OUTCOME_NOTHING;
}

void reads_release(struct reads *reads)
{
    map_release(&reads->index);
    free(reads->nodes);
}
