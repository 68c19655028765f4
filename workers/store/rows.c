/*
 * rows.c: rows as JSON text.
 */
#include "store/rows.h"

#include "base/error.h"
#include "base/json.h"
#include "base/number.h"
#include <stdlib.h>

/* How many bytes the character at s has as UTF-8 (RFC 3629 section 4), 0 when it is none. left > 0.
 */
size_t rows_character(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

static bool is_utf8(struct str text)
{
    for (size_t i = 0; i < text.len;) {
        size_t length = rows_character((const unsigned char *)text.at + i, text.len - i);
        if (!length)
            return false;
        i += length;
    }
    return true;
}

/* RFC 4648 section 4. */
static void add_base64(struct buf *out, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = (const unsigned char *)bytes.at;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i;
        uint32_t group = (uint32_t)s[i] << 16;
        group |= have > 1 ? (uint32_t)s[i + 1] << 8 : 0;
        group |= have > 2 ? (uint32_t)s[i + 2] : 0;
        buf_add_byte(out, digits[group >> 18]);
        buf_add_byte(out, digits[group >> 12 & 63]);
        buf_add_byte(out, have > 1 ? digits[group >> 6 & 63] : '=');
        buf_add_byte(out, have > 2 ? digits[group & 63] : '=');
    }
}

static void add_text(struct buf *json, struct str text, const char *before, const char *after)
{
    if (is_utf8(text)) {
        buf_add_json_string(json, text);
        return;
    }
    buf_add(json, str_of(before));
    add_base64(json, text);
    buf_add(json, str_of(after));
}

void rows_text(struct buf *json, struct str text)
{
    add_text(json, text, "{\"base64\":\"", "\"}");
}

bool rows_is_text(struct str text)
{
    return !(text.len && memchr(text.at, 0, text.len)) && is_utf8(text);
}

bool rows_counter(struct buf *json, struct str text)
{
    int64_t value;
    if (number_int(text, &value) != NUMBER_OK)
        return false;
    buf_add_i64(json, value);
    return true;
}

bool rows_document(struct buf *json, struct str text)
{
    struct arena arena = {0};
    struct error ignored;
    bool ok = json_parse(&arena, text, &ignored) != NULL;
    arena_release(&arena);
    if (ok)
        buf_add(json, text);
    return ok;
}

void rows_foreign(struct buf *out, const struct row_name *name)
{
    buf_printf(out, "%.*s holds %s", STRF(name->key),
               name->structure == STRUCTURE_COUNTER ? "no integer"
               : name->structure == STRUCTURE_JSON  ? "no JSON document"
                                                    : "text that is not UTF-8");
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct row_field *)a)->name, ((const struct row_field *)b)->name);
}

void rows_hash(struct buf *json, struct row_field *fields, size_t count)
{
    if (count)
        qsort(fields, count, sizeof *fields, by_name);
    buf_add_byte(json, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_byte(json, ',');
        add_text(json, fields[i].name, "\"base64:", "\"");
        buf_add_byte(json, ':');
        rows_text(json, fields[i].value);
    }
    buf_add_byte(json, '}');
}

static int by_score_backwards(const void *a, const void *b)
{
    const struct row_member *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return str_cmp(y->name, x->name);
}

void rows_zset(struct buf *json, struct row_member *members, size_t count)
{
    char score[NUMBER_TEXT_MAX];
    if (count)
        qsort(members, count, sizeof *members, by_score_backwards);
    buf_add_byte(json, '[');
    for (size_t i = 0; i < count; i++) {
        buf_add(json, i ? STR(",[") : STR("["));
        rows_text(json, members[i].name);
        buf_add_byte(json, ',');
        buf_add(json, (struct str){score, number_format(members[i].score, score)});
        buf_add_byte(json, ']');
    }
    buf_add_byte(json, ']');
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void rows_set(struct buf *json, struct str *members, size_t count)
{
    if (count)
        qsort(members, count, sizeof *members, by_text);
    rows_list(json, members, count);
}

void rows_list(struct buf *json, const struct str *elements, size_t count)
{
    buf_add_byte(json, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_byte(json, ',');
        rows_text(json, elements[i]);
    }
    buf_add_byte(json, ']');
}
