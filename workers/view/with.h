/*
 * with.h: "with": {"r": {structure: key}} reads rows of this view as they stood before the event;
 * @r, @r/x then point into them, in the action itself and below its "do" (DESIGN section 7, with).
 */
#ifndef FANFOLD_VIEW_WITH_H
#define FANFOLD_VIEW_WITH_H

#include "view/compile.h"
#include "view/scope.h"
#include <fanfold/row.h>

/* Distinct rows that one event may read, and the bytes of their texts. */
#define READS_MAX       1000
#define READS_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Its names can be seen from here on: the caller takes them off c->around again. */
void with_compile(struct compiler *c, const char *at, cJSON *object, struct action *action);

/* What only the whole view can tell: that the rows are this view's, and the same at every replay.
 */
void with_check(struct compiler *c);

/* What one event has read. */
struct reads {
    struct row_source *source; /* NULL: the view has no `with` */
    struct map index;          /* key → place in nodes + 1 */
    const struct json **nodes; /* NULL: nothing */
    size_t count, cap, bytes;
    bool unread; /* something was not known: source->unread lists it */
    bool beyond; /* too many rows already, whatever the others are */
};

/* Reads the rows of an action into scope->rows. OUTCOME_NOTHING: leave the action out, because a
 * key is nothing, or because a row is not known yet (reads->unread). label: of the row at fault. */
enum outcome with_read(const struct action *action, struct reads *reads, struct scope *scope,
                       const char **label);
void reads_release(struct reads *reads);

#endif
