/*
 * base64.c: RFC 4648 section 4.
 */
#include "event/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0 … 63, or -1. */
static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes `count` (2 … 4) digits into count - 1 bytes. The bits left over must be zero, so that one
 * value has one text. */
static bool decode_group(const char *text, size_t count, unsigned char *out)
{
    uint32_t word = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < count ? digit_value(text[i]) : 0;
        if (value < 0)
            return false;
        word = word << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i + 1 < count; i++)
        out[i] = (unsigned char)(word >> (16 - 8 * i));
    return (word & (0xffffffU >> (8 * (count - 1)))) == 0;
}

struct str base64_decode(struct arena *arena, struct str text)
{
    if (text.len % 4 != 0)
        return (struct str){NULL, 0};
    size_t len = text.len;
    while (len > 0 && text.len - len < 2 && text.at[len - 1] == '=')
        len--;
    unsigned char *bytes = arena_alloc(arena, text.len / 4 * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i += 4) {
        size_t count = len - i < 4 ? len - i : 4;
        if (count < 2 || !decode_group(text.at + i, count, bytes + n))
            return (struct str){NULL, 0};
        n += count - 1;
    }
    return (struct str){(const char *)bytes, n};
}

void base64_encode(struct buf *out, struct str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.at;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t word = (uint32_t)p[i] << 16;
        if (left > 1)
            word |= (uint32_t)p[i + 1] << 8;
        if (left > 2)
            word |= p[i + 2];
        buf_add_byte(out, digits[word >> 18]);
        buf_add_byte(out, digits[word >> 12 & 63]);
        buf_add_byte(out, left > 1 ? digits[word >> 6 & 63] : '=');
        buf_add_byte(out, left > 2 ? digits[word & 63] : '=');
    }
}
