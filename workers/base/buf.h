/*
 * buf.h: a growing byte buffer.
 *
 *     struct buf b = {0};          zeroed memory is an empty buffer
 *     buf_add(&b, STR("x"));       append; the memory may move
 *     buf_text(&b)                 the content as a NUL-terminated string (the NUL is not counted)
 *     buf_clear(&b);               length 0, keep the memory
 *     buf_release(&b);             give the memory back
 */
#ifndef FANFOLD_BASE_BUF_H
#define FANFOLD_BASE_BUF_H

#include "base/str.h"

struct buf {
    char *at;
    size_t len, cap;
};

/* What buf_room() does when there is no room. */
char *buf_grow(struct buf *buf, size_t n);

/* Room for n more bytes behind len, and a NUL; returns where they start. The caller adds to len
 * itself. */
static inline char *buf_room(struct buf *buf, size_t n)
{
    return buf->cap - buf->len > n ? buf->at + buf->len : buf_grow(buf, n);
}
void buf_add(struct buf *buf, struct str text);
void buf_add_byte(struct buf *buf, char byte);
void buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
void buf_add_u64(struct buf *buf, uint64_t value);
void buf_add_i64(struct buf *buf, int64_t value);
/* Appends text as a JSON string with its quotes (RFC 8785 section 3.2.2.2 escapes). */
void buf_add_json_string(struct buf *buf, struct str text);
const char *buf_text(struct buf *buf);
struct str buf_str(const struct buf *buf);
void buf_clear(struct buf *buf);
void buf_release(struct buf *buf);

#endif
