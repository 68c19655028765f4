/*
 * rows.h: a row's JSON text, the same whether it is read from Redis or from the RAM twin.
 *
 * What each structure looks like stands at redis_reader_row(). Each function appends to json.
 * Counters, HLL counts and JSON documents are JSON as they stand. A text that is not UTF-8 (no fold
 * writes one) becomes {"base64": "…"}; as the name of a hash's field, where JSON wants a text,
 * "base64:…".
 */
#ifndef FANFOLD_STORE_ROWS_H
#define FANFOLD_STORE_ROWS_H

#include "base/buf.h"
#include "base/str.h"
#include <fanfold/row.h>

struct row_field {
    struct str name, value;
};

struct row_member {
    struct str name;
    double score; /* finite */
};

/* Bytes of the UTF-8 character at s, of which `left` bytes are there; 0: it is none. */
size_t rows_character(const unsigned char *s, size_t left);

void rows_text(struct buf *json, struct str text);
/* Is it a text that a fold may have written: UTF-8 without U+0000? */
bool rows_is_text(struct str text);
/* A counter's or a document's text as JSON; false, and nothing appended: it is none. */
bool rows_counter(struct buf *json, struct str text);
bool rows_document(struct buf *json, struct str text);
/* Appends, for a person, that the row is of the right type but holds what no fold has made. */
void rows_foreign(struct buf *out, const struct row_name *name);
/* {"name":"value",…}: sorts the fields by name in byte order. */
void rows_hash(struct buf *json, struct row_field *fields, size_t count);
/* [["name",score],…]: sorts as ZREVRANGE does: highest first, equal scores by name backwards. */
void rows_zset(struct buf *json, struct row_member *members, size_t count);
/* ["text",…]: sorts the members in byte order. */
void rows_set(struct buf *json, struct str *members, size_t count);
/* ["text",…] in the order given: newest first. */
void rows_list(struct buf *json, const struct str *elements, size_t count);

#endif
