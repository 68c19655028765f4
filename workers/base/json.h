/*
 * json.h: reads the JSON of events, exactly and without a malloc per value.
 *
 * Why not cJSON here: it turns every number into a double (an integer beyond 2^53 changes its last
 * digits, 12.34 is no longer exact), keeps the first of repeated members, and allocates each node.
 * Configuration and view files, where comfort counts, are read with cJSON (jsonfile.h).
 *
 * The nodes live in the caller's arena and point into the text that was parsed (texts with escapes
 * are decoded into the arena), so text and arena must outlive them.
 *
 * Strict RFC 8259, UTF-8 checked. Refused, with the byte offset: U+0000 and lone surrogates in
 * texts (DESIGN section 7, Text), more than JSON_DEPTH_MAX levels, anything behind the value. Of a
 * repeated member the last counts; the earlier ones are not in the result.
 */
#ifndef FANFOLD_BASE_JSON_H
#define FANFOLD_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define JSON_DEPTH_MAX 64

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    uint32_t count;  /* elements of an array, members of an object */
    struct str text; /* JSON_STRING: decoded; JSON_NUMBER: as written; array and object: the source
                        text from bracket to bracket (or {NULL,0} where a node was made by hand) */
    struct str name; /* its name when it is a member of an object */
    struct json *child; /* first element or member, in document order */
    struct json *next;  /* next sibling */
};

/* Parses text. Returns NULL and sets error->text ("byte 17: …") when it is not JSON. Empty text is
 * not JSON. */
struct json *json_parse(struct arena *arena, struct str text, struct error *error);

/* The member of an object, or NULL; NULL also when node is NULL or no object. */
const struct json *json_member(const struct json *node, struct str name);

/* Element i of an array, or NULL. */
const struct json *json_element(const struct json *node, size_t index);

/* Levels of arrays and objects, itself included; 0: neither. */
size_t json_depth(const struct json *node);

/* Appends RFC 8785 (JCS) text: members sorted by UTF-16 code units, ECMAScript numbers. Texts keep
 * their quotes at every level. Returns false with a reason for an integer beyond ±2^53 or a number
 * that is not finite. */
bool json_canonical(struct buf *out, const struct json *node, struct error *error);

/* Appends what the view language calls "text" (DESIGN section 7): json_canonical, but a JSON_STRING
 * at the top without its quotes. null is not text: the caller treats it as nothing before. */
bool json_text(struct buf *out, const struct json *node, struct error *error);

#endif
