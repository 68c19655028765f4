/*
 * rebuild_print.c: what differs between two generations, row by row for some of them.
 */
#include "cli/rebuilding.h"
#include "cli/row_diff.h"

#include <stdlib.h>

/* The family of the row: the longest literal start. */
static enum structure structure_of(const struct definition *definition, const char *key)
{
    const struct view_row *best = NULL;
    for (size_t i = 0; i < view_row_count(definition->view); i++) {
        const struct view_row *row = view_row(definition->view, i);
        if (strncmp(key, row->prefix, strlen(row->prefix)) == 0 &&
            (!best || strlen(row->prefix) > strlen(best->prefix)))
            best = row;
    }
    return best ? best->structure : STRUCTURE_HASH;
}

/* The row as JSON; "" when there is none of that structure. */
static bool read_row(const struct rebuilding *rebuilding, const struct definition *definition,
                     const char *prefix, const char *key, struct buf *json, struct error *error)
{
    struct buf whole = {0};
    buf_printf(&whole, "%s%s", prefix, key);
    bool read = redis_reader_row(rebuilding->reader, structure_of(definition, key), buf_str(&whole),
                                 json, error) ||
                error->kind == ERROR_NO;
    buf_release(&whole);
    return read;
}

typedef void found_fn(void *arg, const char *key, struct buf *live, struct buf *made);

static bool each_row(const struct rebuilding *rebuilding, const struct row_sample *sample,
                     bool has_live, bool has_made, found_fn *found, void *arg, struct error *error)
{
    char *prefix = generation_prefix(rebuilding->build.generation);
    const struct definition *next = rebuilding->next ? rebuilding->next : rebuilding->live;
    bool good = true;
    for (size_t i = 0; good && i < sample->count; i++) {
        struct buf live = {0}, made = {0};
        good = (!has_live ||
                read_row(rebuilding, rebuilding->live, "", sample->at[i], &live, error)) &&
               (!has_made || read_row(rebuilding, next, prefix, sample->at[i], &made, error));
        if (good)
            found(arg, sample->at[i], &live, &made);
        buf_release(&live);
        buf_release(&made);
    }
    free(prefix);
    return good;
}

static void print_row(void *arg, const char *key, struct buf *live, struct buf *made)
{
    row_diff_print(stdout, arg, key, buf_str(live), buf_str(made));
}

static void print_more(uint64_t count, const struct row_sample *sample, const char *what)
{
    if (count > sample->count)
        printf("… and %llu more %s\n", (unsigned long long)(count - sample->count), what);
}

bool rebuilding_print(const struct rebuilding *rebuilding, struct error *error)
{
    static char changed[] = "changed", here[] = "only live", there[] = "only new";
    const struct comparison *c = &rebuilding->comparison;
    if (!each_row(rebuilding, &c->changed_keys, true, true, print_row, changed, error))
        return false;
    print_more(c->changed, &c->changed_keys, "that are changed");
    if (!each_row(rebuilding, &c->here_keys, true, false, print_row, here, error))
        return false;
    print_more(c->only_here, &c->here_keys, "that only the live view has");
    if (!each_row(rebuilding, &c->there_keys, false, true, print_row, there, error))
        return false;
    print_more(c->only_there, &c->there_keys, "that only the new generation has");
    return true;
}

static void add_row(void *arg, const char *key, struct buf *live, struct buf *made)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "key", key);
    cJSON_AddItemToObject(row, "live",
                          live->len ? cJSON_CreateRaw(buf_text(live)) : cJSON_CreateNull());
    cJSON_AddItemToObject(row, "new",
                          made->len ? cJSON_CreateRaw(buf_text(made)) : cJSON_CreateNull());
    cJSON_AddItemToArray(arg, row);
}

bool rebuilding_json(const struct rebuilding *rebuilding, cJSON *object, struct error *error)
{
    const struct comparison *c = &rebuilding->comparison;
    cJSON_AddNumberToObject(object, "same", (double)c->same);
    cJSON_AddNumberToObject(object, "changed", (double)c->changed);
    cJSON_AddNumberToObject(object, "only_live", (double)c->only_here);
    cJSON_AddNumberToObject(object, "only_new", (double)c->only_there);
    cJSON *rows = cJSON_AddArrayToObject(object, "differences");
    return each_row(rebuilding, &c->changed_keys, true, true, add_row, rows, error) &&
           each_row(rebuilding, &c->here_keys, true, false, add_row, rows, error) &&
           each_row(rebuilding, &c->there_keys, false, true, add_row, rows, error);
}
