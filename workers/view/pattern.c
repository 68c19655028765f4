/*
 * pattern.c: templates as sequences of glyphs, and whether two of them have a text in common.
 *
 * A glyph is a byte, any digit, any byte, or any number of any bytes. A pointer is ANY MANY in a
 * key and MANY in a name; a time cut to a unit has a fixed shape, so "sales:{time:day}" and
 * "sales:total" are known to differ. Both MANY and ANY match bytes that could not be there (control
 * characters,
 * ":" in a number): a pair may be refused that would never meet, but none that meets is let pass.
 */
#include "view/pattern.h"

#include <stdlib.h>

enum { GLYPH_DIGIT = 256, GLYPH_ANY, GLYPH_MANY };

struct pattern {
    uint16_t *at;
    size_t count;
};

/* RFC 3339 prefixes; 'd' stands for a digit. */
static const char *const unit_shapes[] = {
    [TIME_MINUTE] = "dddd-dd-ddTdd:dd", [TIME_HOUR] = "dddd-dd-ddTdd", [TIME_DAY] = "dddd-dd-dd",
    [TIME_MONTH] = "dddd-dd",           [TIME_YEAR] = "dddd",
};

static void add_text(struct pattern *pattern, struct str text, bool shape)
{
    for (size_t i = 0; i < text.len; i++)
        pattern->at[pattern->count++] =
            shape && text.at[i] == 'd' ? GLYPH_DIGIT : (unsigned char)text.at[i];
}

static size_t glyphs_of(const struct part *part)
{
    if (part->kind == PART_LITERAL)
        return part->literal.len;
    return part->unit == TIME_UNIT_NONE ? 2 : strlen(unit_shapes[part->unit]);
}

static struct pattern pattern_new(const struct template *from, enum pattern_kind kind)
{
    struct pattern pattern = {0};
    size_t room = 1;

    for (size_t i = 0; i < from->count; i++)
        room += glyphs_of(&from->parts[i]);
    pattern.at = must_calloc(room, sizeof(*pattern.at));
    for (size_t i = 0; i < from->count; i++) {
        const struct part *part = &from->parts[i];
        if (part->kind == PART_LITERAL) {
            add_text(&pattern, part->literal, false);
        } else if (part->unit != TIME_UNIT_NONE) {
            add_text(&pattern, str_of(unit_shapes[part->unit]), true);
        } else {
            if (kind == PATTERN_KEY)
                pattern.at[pattern.count++] = GLYPH_ANY;
            pattern.at[pattern.count++] = GLYPH_MANY;
        }
    }
    return pattern;
}

static bool glyphs_meet(uint16_t a, uint16_t b)
{
    if (a == b || a == GLYPH_ANY || b == GLYPH_ANY)
        return true;
    if (a == GLYPH_DIGIT)
        return b >= '0' && b <= '9';
    return b == GLYPH_DIGIT && a >= '0' && a <= '9';
}

/* meet[i][j]: do the rests from a[i] and from b[j] on have a text in common? Filled from the ends.
 */
static bool patterns_meet(const struct pattern *a, const struct pattern *b)
{
    size_t width = b->count + 1;
    bool *meet = must_calloc((a->count + 1) * width, sizeof(*meet)), result;

    for (size_t i = a->count + 1; i-- > 0;)
        for (size_t j = b->count + 1; j-- > 0;) {
            bool end_a = i == a->count, end_b = j == b->count, m = end_a && end_b;
            if (!end_a && a->at[i] == GLYPH_MANY)
                m = meet[(i + 1) * width + j] || (!end_b && meet[i * width + j + 1]);
            if (!m && !end_b && b->at[j] == GLYPH_MANY)
                m = meet[i * width + j + 1] || (!end_a && meet[(i + 1) * width + j]);
            if (!m && !end_a && !end_b && a->at[i] != GLYPH_MANY && b->at[j] != GLYPH_MANY)
                m = glyphs_meet(a->at[i], b->at[j]) && meet[(i + 1) * width + j + 1];
            meet[i * width + j] = m;
        }
    result = meet[0];
    free(meet);
    return result;
}

bool templates_meet(const struct template *a, const struct template *b, enum pattern_kind kind)
{
    struct pattern x, y;
    bool meet;

    if (str_is(a->fixed) && str_is(b->fixed))
        return str_eq(a->fixed, b->fixed);
    x = pattern_new(a, kind);
    y = pattern_new(b, kind);
    meet = patterns_meet(&x, &y);
    free(x.at);
    free(y.at);
    return meet;
}

bool template_meets_prefix(const struct template *key, struct str prefix)
{
    uint16_t glyphs[64];
    struct pattern x = pattern_new(key, PATTERN_KEY), y = {.at = glyphs};
    bool meet;

    add_text(&y, prefix, false);
    y.at[y.count++] = GLYPH_MANY;
    meet = patterns_meet(&x, &y);
    free(x.at);
    return meet;
}

bool template_gives(const struct template *from, struct str key)
{
    struct part whole = {.kind = PART_LITERAL, .literal = key};
    struct template other = {.parts = &whole, .count = 1};
    const struct part *parts = from->parts;

    if (str_is(from->fixed))
        return str_eq(key, from->fixed);
    if (parts[0].kind == PART_LITERAL && !str_starts(key, parts[0].literal))
        return false;
    if (from->count == 2 && parts[0].kind == PART_LITERAL && parts[1].unit == TIME_UNIT_NONE)
        return key.len > parts[0].literal.len;
    return templates_meet(from, &other, PATTERN_KEY);
}

bool templates_alike(const struct template *a, const struct template *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        bool literal = a->parts[i].kind == PART_LITERAL;
        if (literal != (b->parts[i].kind == PART_LITERAL) ||
            (literal && !str_eq(a->parts[i].literal, b->parts[i].literal)))
            return false;
    }
    return true;
}
