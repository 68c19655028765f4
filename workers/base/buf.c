/*
 * buf.c: a byte buffer that doubles when it is full.
 */
#include "base/buf.h"
#include "base/error.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP_MIN 64

char *buf_grow(struct buf *buf, size_t n)
{
    size_t wanted = buf->len + n + 1; /* one for the NUL of buf_text */
    size_t cap = buf->cap ? buf->cap * 2 : CAP_MIN;
    buf->cap = cap < wanted ? wanted : cap;
    buf->at = must_realloc(buf->at, buf->cap);
    return buf->at + buf->len;
}

void buf_add(struct buf *buf, struct str text)
{
    if (text.len == 0)
        return;
    memcpy(buf_room(buf, text.len), text.at, text.len);
    buf->len += text.len;
}

void buf_add_byte(struct buf *buf, char byte)
{
    *buf_room(buf, 1) = byte;
    buf->len++;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len > 0) {
        vsnprintf(buf_room(buf, (size_t)len), (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    buf->len += number_format_unsigned(value, buf_room(buf, NUMBER_TEXT_MAX));
}

void buf_add_i64(struct buf *buf, int64_t value)
{
    buf->len += number_format_int(value, buf_room(buf, NUMBER_TEXT_MAX));
}

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static void add_escape(struct buf *buf, unsigned char c)
{
    static const char letters[] = "btn\0fr"; /* 0x08 … 0x0d; 0x0b has no letter */
    if (c == '"' || c == '\\')
        buf_printf(buf, "\\%c", c);
    else if (c >= 0x08 && c <= 0x0d && c != 0x0b)
        buf_printf(buf, "\\%c", letters[c - 0x08]);
    else
        buf_printf(buf, "\\u%04x", c);
}

void buf_add_json_string(struct buf *buf, struct str text)
{
    buf_add_byte(buf, '"');
    size_t run = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (!needs_escape(c))
            continue;
        buf_add(buf, (struct str){text.at + run, i - run});
        add_escape(buf, c);
        run = i + 1;
    }
    buf_add(buf, (struct str){text.at + run, text.len - run});
    buf_add_byte(buf, '"');
}

const char *buf_text(struct buf *buf)
{
    *buf_room(buf, 0) = '\0';
    return buf->at;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->at ? buf->at : "", buf->len};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
}

void buf_release(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){0};
}
