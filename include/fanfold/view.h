/*
 * view.h: fold. A view file is compiled once, then turns events into changes. Pure: no I/O, no
 * clock, no randomness, so a replay gives the same rows.
 *
 *     struct faults faults = {0};
 *     struct view *view = view_load("views/stock.json", &faults);      NULL: faults say all that is
 * wrong … arena_clear(&scratch); size_t mark = changes.count; switch (view_fold(view, &event,
 * &rows, &changes, &scratch, &why)) { case FOLD_DONE: case FOLD_IGNORED: break; case FOLD_PARK:
 * (changes are as before the call) park(why.text); break;
 *     }
 *     view_free(view);
 *
 * A view file may name a shared object that folds in its place (fanfold/fold.h); view_load() loads
 * it, and nothing else here differs.
 *
 * The view language: DESIGN section 7. A view with `with` reads rows: what it may see of them is
 * given to it (row.h), and where that is too little it answers FOLD_READ.
 */
#ifndef FANFOLD_VIEW_H
#define FANFOLD_VIEW_H

#include "base/error.h"
#include "base/faults.h"
#include <fanfold/change.h>
#include <fanfold/cloudevent.h>
#include <fanfold/row.h>

struct view;

#define VIEW_NAME_MAX    64
#define VIEW_KEY_MAX     1024  /* bytes of a row's key */
#define VIEW_CHANGES_MAX 10000 /* changes that one event may make */
/* Raised when a release folds the same events into other rows; part of every epoch. */
#define VIEW_SEMANTICS 1

enum on_error { ON_ERROR_PARK, ON_ERROR_SKIP, ON_ERROR_STOP };

struct view *view_load(const char *path, struct faults *faults);
/* From memory; file is its name in faults. Refuses a plugin: no text from elsewhere loads code. */
struct view *view_parse(const char *file, struct str text, struct faults *faults);
/* A definition that was a file once (view_text): a plugin is looked for as beside that file. */
struct view *view_restore(const char *path, struct str text, struct faults *faults);
void view_free(struct view *view);

/* Adds the faults that only several views together have: equal names, keys that could collide, and
 * (with the configuration; may be NULL) an exchange that no log is declared for, a target that
 * there is none of; and warnings of types that the `upcast` of their log makes others of. */
void views_check(struct view *const *views, size_t count, const struct config *config,
                 struct faults *faults);

/* The same of one view and one of its logs: where that has several partitions, whose events have no
 * common order, the events of a row for which order matters must be in one of them. */
void view_check_log(const struct view *view, const struct log_config *log, struct faults *faults);

const char *view_name(const struct view *view);
const char *view_file(const struct view *view);
const char *view_about(const struct view *view); /* "" when there is none */
size_t view_exchange_count(const struct view *view);
const char *view_exchange(const struct view *view, size_t index);
/* The Redis servers that it is kept in, by their names in the configuration; none: in all. They are
 * no part of its definition. */
size_t view_target_count(const struct view *view);
const char *view_target(const struct view *view, size_t index);
bool view_is_in(const struct view *view, const char *target);
enum on_error view_on_error(const struct view *view);
/* All verbs commute (DESIGN section 4, Determinism): then nothing waits behind a parked event. */
bool view_commutes(const struct view *view);
/* Why not: the first place in the file for which order matters, "/on/x/0/set: \"set\" depends on
 * the order of events"; "" when it commutes. */
const char *view_order_why(const struct view *view);
/* Does it read rows (`with`)? Then it needs a row_source, and it never commutes. */
bool view_reads(const struct view *view);
/* SipHash of the canonical definition (comments, `about`, member order and blanks do not count),
 * and of the name and version of its plugin. */
uint64_t view_digest(const struct view *view);
/* The definition that the digest is of, as RFC 8785 JSON: view_parse() gives the same view again.
 */
struct str view_text(const struct view *view);

/* The row families of the view: one per structure and key template, whatever stands in its {…};
 * "stock:{subject}" and "stock:{./sku}" are one, shown as the first of them. */
struct view_row {
    enum structure structure;
    const char *key; /* the template as written: "stock:{subject}" */
    const char
        *prefix; /* its literal start: "stock:"; it is the whole key when the template has no {} */
};
size_t view_row_count(const struct view *view);
const struct view_row *view_row(const struct view *view, size_t index);

enum fold_result {
    FOLD_DONE,    /* matched; changes were appended (maybe none) */
    FOLD_IGNORED, /* no pattern matches the type */
    FOLD_PARK,    /* cannot be folded: `why` says why; nothing was appended */
    FOLD_READ,    /* rows were not known, and stand in rows->unread; nothing was appended. Fold it
                     again with them: it may want more, a bounded number of times */
};

/* rows: where it looks rows up; may be NULL for a view that reads none. scratch: cleared by the
 * caller, used for intermediate texts. */
enum fold_result view_fold(const struct view *view, const struct cloudevent *event,
                           struct row_source *rows, struct changes *changes, struct arena *scratch,
                           struct error *why);

/* Does any pattern match the type? (For events that could not be decoded.) */
bool view_matches(const struct view *view, struct str type);

/* The event's `park_by` as text (default /subject), in scratch; {NULL,0}: the event waits for
 * nobody. */
struct str view_park_key(const struct view *view, const struct cloudevent *event,
                         struct arena *scratch);

#endif
