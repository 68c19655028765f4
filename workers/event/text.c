/*
 * text.c: checks the texts of attributes. Nearly all of them are printable ASCII, so eight bytes
 * are looked at together; only what is not goes through the UTF-8 decoder.
 */
#include "event/text.h"

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

static bool is_printable(unsigned char c)
{
    return c >= 0x20 && c < 0x7f;
}

/* Length of the longest start of text, but for up to seven bytes, that is printable ASCII. */
static size_t printable_start(struct str text)
{
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8) {
        uint64_t w;
        memcpy(&w, text.at + i, 8);
        /* The top bit of a byte: 0x80 and above; below 0x20 (borrow); 0x7f (carry). */
        if ((w | (w - EACH_BYTE(0x20)) | (w + EACH_BYTE(0x01))) & EACH_BYTE(0x80))
            return i;
    }
    while (i < text.len && is_printable((unsigned char)text.at[i]))
        i++;
    return i;
}

bool text_is_printable(struct str text)
{
    return printable_start(text) == text.len;
}

/* Reads one character of several bytes; returns its length, 0 when it is not UTF-8 (RFC 3629). */
static size_t utf8_read(const unsigned char *p, size_t left, uint32_t *code)
{
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < len)
        return 0;
    uint32_t c = p[0] & (0xff >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    bool overlong = (len == 3 && c < 0x800) || (len == 4 && c < 0x10000);
    bool surrogate = c >= 0xd800 && c <= 0xdfff;
    if (overlong || surrogate || c > 0x10ffff)
        return 0;
    *code = c;
    return len;
}

static bool is_noncharacter(uint32_t c)
{
    return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

const char *text_fault(struct str text, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text.at;
    size_t i = printable_start(text);
    while (i < text.len) {
        uint32_t c = p[i];
        size_t len = c < 0x80 ? 1 : utf8_read(p + i, text.len - i, &c);
        *at = i;
        if (len == 0)
            return "is not UTF-8";
        if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
            return "is a control character";
        if (is_noncharacter(c))
            return "is not a Unicode character";
        i += len;
    }
    return NULL;
}

bool text_is_utf8(struct str text, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text.at;
    uint32_t c;
    size_t i = printable_start(text);
    while (i < text.len) {
        size_t len = p[i] < 0x80 ? 1 : utf8_read(p + i, text.len - i, &c);
        *at = i;
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_starts_nocase(struct str text, struct str prefix)
{
    if (text.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        if (lower(text.at[i]) != prefix.at[i])
            return false;
    }
    return true;
}

bool text_has_upper(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] >= 'A' && text.at[i] <= 'Z')
            return true;
    }
    return false;
}
