/* views_check.c: faults that only several views together have. */
#include "base/jsonfile.h"
#include "base/partitions.h"
#include "view/model.h"
#include "view/recorded.h"
#include "view/targets.h"

#include <stdlib.h>

/* In a definition, what stands beside views and upcasts: names, and the pointers of "read". */
#define SIZE_OF_LOG  4096
#define SIZE_BESIDES (64 * 1024)

static void check_name(const struct view *view, const struct view *other, struct faults *faults)
{
    if (strcmp(view->name, other->name) == 0)
        faults_add(faults, view->file, "/view",
                   "%s is named \"%s\" too; the name of a view is its own", other->file,
                   view->name);
}

/* Where the first row of a family stands in its file; the caller frees it. */
static char *place_of(const struct view *view, size_t family)
{
    const struct action *row = view->rows;

    while (row->family != family)
        row = row->next_row;
    return jsonfile_pointer(row->place, structure_names[row->structure]);
}

/* A key starts with literal text that no other view's keys start with. */
static void check_prefixes(const struct view *view, const struct view *other, struct faults *faults)
{
    for (size_t i = 0; i < view->family_count; i++)
        for (size_t k = 0; k < other->family_count; k++) {
            struct str a = str_of(view->families[i].prefix);
            struct str b = str_of(other->families[k].prefix);
            if (!str_starts(a, b) && !str_starts(b, a))
                continue;
            char *place = place_of(view, i);
            faults_add(faults, view->file, place,
                       "the key \"%s\" starts with \"%s\", and so does \"%s\" of view \"%s\" "
                       "(%s); the literal start of a key belongs to one view: change one of them",
                       view->families[i].key, a.len < b.len ? a.at : b.at, other->families[k].key,
                       other->name, other->file);
            free(place);
        }
}

static void check_exchanges(const struct view *view, const struct config *config,
                            struct faults *faults)
{
    const char **names = must_calloc(config->log_count + 1, sizeof(*names));

    for (size_t i = 0; i < config->log_count; i++)
        names[i] = config->logs[i].exchange;
    for (size_t i = 0; i < view->exchange_count; i++) {
        const struct log_config *log = config_log(config, view->exchanges[i]);
        if (log) {
            view_check_log(view, log, faults);
            continue;
        }
        const char *near = suggest(view->exchanges[i], names, config->log_count);
        faults_add(faults, view->file, "/exchange",
                   "no log is declared for the exchange \"%s\"%s%s%s; add it to \"logs\" in %s",
                   view->exchanges[i], near ? " (did you mean \"" : "", near ? near : "",
                   near ? "\"?)" : "", config->path);
    }
    free(names);
}

/* The type would be right if its events were still of that type when views see them. */
static void check_type(const struct view *view, const struct rule *rule,
                       const struct config *config, struct faults *faults)
{
    struct str becomes = {NULL, 0};
    for (size_t i = 0; i < view->exchange_count; i++) {
        const struct log_config *log = config_log(config, view->exchanges[i]);
        if (!log || !upcast_replaces(&log->upcast, rule->prefix, &becomes))
            return;
    }
    char *place = view->plugin ? must_strdup("/on") : jsonfile_pointer("/on", rule->prefix.at);
    faults_warn(faults, view->file, place,
                "no event is \"%.*s\" any more: the \"upcast\" of its log makes \"%.*s\" of it; "
                "write that type",
                STRF(rule->prefix), STRF(becomes));
    free(place);
}

/* A definition holds the view and what its logs do to events, and is read again with the limit of
 * one file. */
static void check_size(const struct view *view, const struct config *config, struct faults *faults)
{
    size_t size = view_text(view).len, most = JSONFILE_MAX - SIZE_BESIDES;
    for (size_t i = 0; i < view->exchange_count; i++) {
        const struct log_config *log = config_log(config, view->exchanges[i]);
        size += SIZE_OF_LOG + (log ? log->upcast.text.len : 0);
    }
    if (size > most)
        faults_add(faults, view->file, "",
                   "the view and the \"upcast\" of its logs have %zu bytes together; at most %zu "
                   "are allowed",
                   size, most);
}

void view_check_log(const struct view *view, const struct log_config *log, struct faults *faults)
{
    if (log_is_recorded(log))
        recorded_check(view, log, faults);
}

void views_check(struct view *const *views, size_t count, const struct config *config,
                 struct faults *faults)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            check_name(views[i], views[k], faults);
            check_prefixes(views[i], views[k], faults);
        }
        if (!config)
            continue;
        check_exchanges(views[i], config, faults);
        check_size(views[i], config, faults);
        targets_check(views[i], config, faults);
        for (size_t k = 0; k < views[i]->rule_count; k++)
            check_type(views[i], &views[i]->rules[k], config, faults);
    }
}
