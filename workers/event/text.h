/*
 * text.h: which texts CloudEvents allows as the value of an attribute.
 */
#ifndef FANFOLD_EVENT_TEXT_H
#define FANFOLD_EVENT_TEXT_H

#include "base/str.h"

/* NULL when text is a CloudEvents String (1.0.2 section 3.1: UTF-8 without control characters and
 * noncharacters); else what is wrong ("is not UTF-8"), and *at is the offset of that byte. */
const char *text_fault(struct str text, size_t *at);

/* Only printable ASCII, as most texts are? */
bool text_is_printable(struct str text);

/* UTF-8 (RFC 3629), whatever its characters? If not, *at is the offset of the byte. */
bool text_is_utf8(struct str text, size_t *at);

/* Does text begin with prefix (in lower case), whatever the case of its ASCII letters? */
bool text_starts_nocase(struct str text, struct str prefix);

bool text_has_upper(struct str text);

#endif
