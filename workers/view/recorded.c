/*
 * recorded.c: rows whose order matters, against the key of the partitions.
 */
#include "view/recorded.h"
#include "base/jsonfile.h"
#include "base/partitions.h"

#include <stdlib.h>

/* Cuts the next token of a JSON Pointer off, without its escapes. */
static struct str take_token(struct arena *arena, struct str *pointer)
{
    struct str rest = str_from(*pointer, 1);
    const char *end = memchr(rest.at, '/', rest.len);
    size_t len = end ? (size_t)(end - rest.at) : rest.len, out = 0;
    char *name = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        if (rest.at[i] == '~' && i + 1 < len)
            name[out++] = rest.at[++i] == '1' ? '/' : '~';
        else
            name[out++] = rest.at[i];
    *pointer = str_from(rest, len);
    return (struct str){name, out};
}

static bool points_to(const struct pointer *pointer, struct str by)
{
    struct arena arena = {0};
    bool same = pointer->up == POINTER_EVENT;
    for (size_t i = 0; same && i < pointer->count; i++)
        same = by.len && str_eq(pointer->tokens[i].name, take_token(&arena, &by));
    arena_release(&arena);
    return same && by.len == 0;
}

/* Is what the log is divided by a whole part of the key? */
static bool has_key(const struct template *key, const char *by)
{
    for (size_t i = 0; i < key->count; i++) {
        const struct part *part = &key->parts[i];
        if (part->kind == PART_POINTER && part->unit == TIME_UNIT_NONE &&
            points_to(&part->pointer, str_of(by)))
            return true;
    }
    return false;
}

static bool is_changed(const struct log_config *log, const char *by)
{
    return log->upcast.count && strncmp(by, "/data", 5) == 0;
}

static void check_key(const struct view *view, const struct log_config *log, const char *place,
                      const char *why, const struct template *key, struct faults *faults)
{
    const char *by = log_partition_by(log);
    if (is_changed(log, by))
        faults_add(faults, view->file, place,
                   "%s, and the events of %s are divided among %d partitions by %s as it is before "
                   "the log's \"upcast\", so those of one row may be in several; divide by an "
                   "attribute that no upcast changes",
                   why, log->exchange, log->partitions, by);
    else if (!has_key(key, by))
        faults_add(faults, view->file, place,
                   "%s, and the events of %s are divided among %d partitions, which have no common "
                   "order; let the key, \"%s\", contain {%s}, by which they are divided "
                   "(\"partition_by\"), or use add, subtract, max, min, include (without exclude), "
                   "count, or \"newest\"",
                   why, log->exchange, log->partitions, key->text, by);
}

void recorded_check(const struct view *view, const struct log_config *log, struct faults *faults)
{
    for (const struct action *row = view->rows; row; row = row->next_row) {
        if (!row->order_why)
            continue;
        char *place = jsonfile_pointer(row->place, structure_names[row->structure]);
        check_key(view, log, place, row->order_why, &row->key, faults);
        free(place);
    }
    for (const struct with *with = view->withs; with; with = with->next)
        check_key(view, log, with->place, "\"with\" reads what earlier events wrote", &with->key,
                  faults);
}
