/*
 * structured.h: a CloudEvent written as one JSON object (CloudEvents JSON format 1.0.2).
 */
#ifndef FANFOLD_EVENT_STRUCTURED_H
#define FANFOLD_EVENT_STRUCTURED_H

#include "event/draft.h"

struct structured {
    struct json *root; /* what json_parse() made of `text` */
    struct str text;
    bool publishing; /* refuse what a CloudEvent may not have or AMQP cannot carry */
    size_t room;     /* for extensions that the caller will add */
};

/* Fills the draft from the object. Null members are unset. Does not ask for required attributes but
 * specversion. After a fault it reads on, so that the draft knows all that can be known. */
bool structured_read(struct draft *draft, const struct structured *from, struct error *error);

/* The JSON text of a value that was parsed from `source`. */
struct str structured_value_text(struct arena *arena, const struct json *node, struct str source);

#endif
