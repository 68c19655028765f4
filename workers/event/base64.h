/*
 * base64.h: RFC 4648 section 4, for data_base64 of CloudEvents JSON.
 */
#ifndef FANFOLD_EVENT_BASE64_H
#define FANFOLD_EVENT_BASE64_H

#include "base/arena.h"
#include "base/buf.h"

/* Bytes in the arena; {NULL,0} when text is not Base64. Strict: padded, no blanks. */
struct str base64_decode(struct arena *arena, struct str text);

/* Appends the Base64 of bytes. */
void base64_encode(struct buf *out, struct str bytes);

#endif
