/*
 * msgpack.c: see msgpack.h.
 */
#include "store/msgpack.h"

/* One tag byte and `value` in `bytes` bytes, most significant first. */
static void put(struct buf *out, unsigned tag, uint32_t value, int bytes)
{
    char *at = buf_room(out, 5);
    *at++ = (char)tag;
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        *at++ = (char)(value >> shift & 0xff);
    out->len += (size_t)bytes + 1;
}

void msgpack_uint(struct buf *out, uint32_t value)
{
    if (value < 128)
        buf_add_byte(out, (char)value);
    else if (value <= UINT8_MAX)
        put(out, 0xcc, value, 1);
    else if (value <= UINT16_MAX)
        put(out, 0xcd, value, 2);
    else
        put(out, 0xce, value, 4);
}

void msgpack_str(struct buf *out, struct str text)
{
    if (text.len < 32)
        buf_add_byte(out, (char)(0xa0 | text.len));
    else if (text.len <= UINT8_MAX)
        put(out, 0xd9, (uint32_t)text.len, 1);
    else if (text.len <= UINT16_MAX)
        put(out, 0xda, (uint32_t)text.len, 2);
    else
        put(out, 0xdb, (uint32_t)text.len, 4);
    buf_add(out, text);
}

size_t msgpack_array(struct buf *out)
{
    put(out, 0xdd, 0, 4);
    return out->len - 4;
}

void msgpack_array_end(struct buf *out, size_t at, uint32_t count)
{
    for (int i = 0; i < 4; i++)
        out->at[at + (size_t)i] = (char)(count >> (24 - 8 * i) & 0xff);
}
