/*
 * cases.h: what a view shall do with given events: the files of `fanfold test`. stock.cases.json
 * stands beside stock.json, and says
 *
 *     { "cases": [
 *         { "name": "an order reserves what it names",
 *           "given": [ {"type": "order.placed", "subject": "o-7",
 *                       "data": {"lines": [{"sku": "mug", "quantity": 2}]}} ],
 *           "expect": { "rows": { "stock:mug": {"reserved": "2"} } } } ] }
 *
 * `given`: CloudEvents, as `fanfold publish` takes them in a line; here "specversion" may be left
 * out, and an event without an id has "event-1", "event-2", … by its place. A view over several
 * exchanges has no order across them, so there it is {exchange: [event, …], …}.
 *
 * `expect`: "rows" {key: row}, all that there are, as `fanfold get` prints them. "parked" {id:
 * reason}, all that park; a part of the reason is enough. "expire" {key: time}: then of all rows.
 * "stops": the view stops, for this reason (or a part of it).
 *
 *     struct case_file file;
 *     if (case_file_load("views/stock.cases.json", &file, &faults)) …;
 *     case_file_release(&file);
 *
 * "about" may stand in any object of the file's own, and comments anywhere. A file has at most
 * JSONFILE_MAX bytes and CASES_MAX cases, a case CASE_EVENTS_MAX events.
 */
#ifndef FANFOLD_CLI_CASES_H
#define FANFOLD_CLI_CASES_H

#include "base/config.h"
#include "cli/case_pairs.h"
#include <fanfold/view.h>

#define CASES_MAX       1000
#define CASE_EVENTS_MAX 1000

struct case_event {
    size_t exchange; /* of the view's */
    struct cloudevent event;
};

struct test_case {
    const char *name;
    struct case_event *events; /* exchange by exchange, in the order of the file */
    size_t event_count;
    struct case_pairs rows;   /* key → RFC 8785 JSON; all three by name in byte order */
    struct case_pairs parked; /* id → part of the reason */
    struct case_pairs expire; /* key → time, as timestamp_format() writes it */
    bool has_expire;
    struct str stops; /* part of the reason; {NULL,0}: it does not stop */
};

struct case_file {
    const char *path;
    struct view *view;
    struct test_case *cases;
    size_t count;
    struct arena arena;
};

/* False: faults were added, of this file or of the view's; nothing to release. */
bool case_file_load(const char *path, struct case_file *file, struct faults *faults);
/* Makes of the events what views are to see of them. The configuration must outlive the file. */
void case_file_upcast(struct case_file *file, const struct config *config);
void case_file_release(struct case_file *file);

#endif
