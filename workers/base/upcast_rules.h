/*
 * upcast_rules.h: the `upcast` of a log: how events that were published in a former form become
 * those of today, before views see them. Here the rules are read and proved; event/upcast.h applies
 * them.
 *
 *     "upcast": [
 *       { "type": "order.placed",                        of these events
 *         "dataschema": "https://shop/order/1",          only those with this dataschema (optional)
 *         "rename":  { "/data/custmer": "/data/customer" },
 *         "move":    { "/data/address": "/data/shipping/address" },
 *         "split":   { "/data/name": { "by": " ", "into": ["/data/first", "/data/last"] } },
 *         "default": { "/data/currency": "EUR" },
 *         "to":      { "type": "order.placed.v2" } } ]   what they are then (type, dataschema)
 *
 * Which rule: the one for the event's type and dataschema, else the one for its type without
 * `dataschema`. What it leaves out of `to` stays. If type or dataschema are others now, the rule
 * for those comes next; a rule without `to` is the last one. No rule may come twice: a chain ends.
 *
 * What a rule does, in this order, whatever the order in the file:
 *   1. all sources of rename, move and split are taken out. Nothing (missing or null) at a source,
 *      or on the way to it something that is no object: nothing happens;
 *   2. all targets are put in, each as the last member of its object; objects on the way are made.
 *      A split cuts a text at `by` from the left; the last target takes the rest, and where there
 *      are fewer pieces than targets, the later targets get nothing;
 *   3. defaults are put in where there is nothing.
 * A target that is there already (and is not null), something on the way to a target that is no
 * object, a split of what is no text, data that is not JSON: the rule cannot be applied, and the
 * event parks. rename and move do the same; a rename stays within its object.
 *
 * Sources of one rule do not lie inside one another, nor do targets; so no order is needed.
 *
 * Bounds: what is made is at most what was there and the rules' own text (UPCAST_TEXT_MAX) for each
 * rule of a chain.
 */
#ifndef FANFOLD_BASE_UPCAST_RULES_H
#define FANFOLD_BASE_UPCAST_RULES_H

#include "base/arena.h"
#include "base/faults.h"
#include "base/json.h"
#include <cjson/cJSON.h>

#define UPCAST_RULES_MAX 200 /* of a log */
#define UPCAST_STEPS_MAX 100 /* sources and defaults of a rule */
#define UPCAST_NAMES_MAX 16  /* in a pointer, `data` included */
#define UPCAST_DEPTH_MAX \
    (JSON_DEPTH_MAX - 4)            /* levels of a rule: in a definition it lies in four */
#define UPCAST_TEXT_MAX (64 * 1024) /* of all rules of a log: it stands in every definition */

/* A place inside `data`. */
struct upcast_path {
    const char *text;        /* as written: "/data/shipping/address" */
    const struct str *names; /* "data", "shipping", "address" */
    size_t count;            /* at least 2 */
};

/* One entry of rename, move or split. */
struct upcast_take {
    const char *verb;
    struct upcast_path from;
    struct str by; /* split; {NULL,0}: the value goes as it is */
    const struct upcast_path *into;
    size_t count; /* of into: 1 unless it is a split */
};

struct upcast_default {
    struct upcast_path at;
    const struct json *value;
};

struct upcast_rule {
    struct str type, dataschema;       /* {NULL,0}: whatever dataschema */
    struct str to_type, to_dataschema; /* {NULL,0}: stays */
    const struct upcast_take *takes;
    size_t take_count;
    const struct upcast_default *defaults;
    size_t default_count;
    struct str text;   /* RFC 8785, without "about" */
    const char *place; /* in its file */
};

/* Zeroed: no rules. */
struct upcast_rules {
    struct upcast_rule *at; /* by type, then dataschema */
    size_t count;
    /* All of them, as they stand here: a JSON array that gives the same rules; {NULL,0}: none. */
    struct str text;
    uint64_t digest;    /* of the text */
    struct arena arena; /* holds everything */
};

/* Reads an array of rules, which stands at `pointer` in `file`; an empty one is no rules. False,
 * with faults, and no rules when something is wrong with them. */
bool upcast_rules_read(const cJSON *array, const char *file, const char *pointer,
                       struct upcast_rules *rules, struct faults *faults);
void upcast_rules_release(struct upcast_rules *rules);

/* The rule for these events, or NULL. dataschema {NULL,0}: they have none. */
const struct upcast_rule *upcast_rule_for(const struct upcast_rules *rules, struct str type,
                                          struct str dataschema);
/* The rule that comes behind this one, or NULL: type and dataschema become those that the event has
 * then. */
const struct upcast_rule *upcast_rule_next(const struct upcast_rules *rules,
                                           const struct upcast_rule *rule, struct str *type,
                                           struct str *dataschema);

/* Adds a fault for each chain that does not end, with its steps. */
void upcast_chains_check(const struct upcast_rules *rules, const char *file, struct faults *faults);

/* Is every event that was published with this type another one behind the rules, and none of
 * another type this one? Then *becomes is what the first rule makes of it. */
bool upcast_replaces(const struct upcast_rules *rules, struct str type, struct str *becomes);

/* The ways that events of a type may take, one for each dataschema that makes a difference:
 *     for (size_t i = 0; upcast_way(rules, &i, &dataschema); )
 * gives each dataschema that some rule names, and {NULL,0}: none, or one that no rule names. */
bool upcast_way(const struct upcast_rules *rules, size_t *cursor, struct str *dataschema);

#endif
