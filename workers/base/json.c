/*
 * json.c: a recursive parser, one pass, nodes in an arena.
 *
 * Speed matters here: every event goes through it. A text without escapes costs its scan, eight
 * bytes at a time, and no copy.
 */
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FEW_MEMBERS 16 /* up to here comparing all pairs is quicker than sorting */

struct parser {
    const char *start, *at, *end;
    struct arena *arena;
    struct error *error;
    int depth;
};

static struct json *parse_value(struct parser *p);

/* Sets "byte N: …" for the place `at`; returns false. */
__attribute__((format(printf, 3, 4))) static bool fail(struct parser *p, const char *at,
                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->error->text, sizeof p->error->text, format, args);
    va_end(args);
    p->error->kind = ERROR_NO;
    return error_prefix(p->error, "byte %zu", (size_t)(at - p->start));
}

/* Says what stands at p->at instead of what was expected. */
static bool fail_found(struct parser *p, const char *expected)
{
    if (p->at == p->end)
        return fail(p, p->at, "the text ends where %s should be", expected);
    unsigned char c = (unsigned char)*p->at;
    if (c > 0x20 && c < 0x7f)
        return fail(p, p->at, "found '%c' where %s should be", c, expected);
    return fail(p, p->at, "found byte 0x%02x where %s should be", c, expected);
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

static struct json *new_node(struct parser *p, enum json_kind kind)
{
    struct json *node = arena_alloc(p->arena, sizeof *node);
    *node = (struct json){.kind = kind};
    return node;
}

/*
 * How many of the eight bytes at `at` come before the first quote, backslash, control character or
 * byte beyond ASCII. Subtracting sets the top bit of a byte that was too small; it borrows from the
 * bytes above, so only the lowest mark is exact, and only that one is used.
 */
static size_t plain_of_eight(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t x;
    memcpy(&x, at, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
    uint64_t marks = ((quote - ones) | (backslash - ones) | (x - ones * 0x20) | x) & tops;
    return marks ? (size_t)__builtin_ctzll(marks) / 8 : 8;
}

static void skip_plain(struct parser *p)
{
    while (p->end - p->at >= 8) {
        size_t plain = plain_of_eight(p->at);
        p->at += plain;
        if (plain < 8)
            return;
    }
}

/* The length of the UTF-8 sequence at `at` (RFC 3629 section 4), or 0 when it is none. */
static size_t utf8_length(const char *at, const char *end)
{
    const unsigned char *s = (const unsigned char *)at;
    size_t room = (size_t)(end - at);
    unsigned char low = 0x80, high = 0xbf;
    size_t len;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        len = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        len = 3;
        low = s[0] == 0xe0 ? 0xa0 : 0x80;
        high = s[0] == 0xed ? 0x9f : 0xbf;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        len = 4;
        low = s[0] == 0xf0 ? 0x90 : 0x80;
        high = s[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (room < len || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static bool fail_in_text(struct parser *p)
{
    if (p->at == p->end)
        return fail(p, p->at, "the text ends inside a string");
    unsigned char c = (unsigned char)*p->at;
    if (c < 0x20)
        return fail(p, p->at, "control character 0x%02x in a string; write it as \\u%04x", c, c);
    return fail(p, p->at, "byte 0x%02x is not UTF-8 here", c);
}

/* From behind the opening quote to the closing one. Escapes are only stepped over. */
static bool scan_string(struct parser *p, bool *escapes)
{
    for (;;) {
        skip_plain(p);
        if (p->at == p->end)
            return fail_in_text(p);
        unsigned char c = (unsigned char)*p->at;
        if (c == '"')
            return true;
        if (c == '\\') {
            *escapes = true;
            p->at += p->end - p->at >= 2 ? 2 : 1;
        } else if (c >= 0x80) {
            size_t len = utf8_length(p->at, p->end);
            if (len == 0)
                return fail_in_text(p);
            p->at += len;
        } else if (c >= 0x20) {
            p->at++;
        } else {
            return fail_in_text(p);
        }
    }
}

/* Four hexadecimal digits at `at`, or -1. */
static int read_hex4(const char *at, const char *end)
{
    if (end - at < 4)
        return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (c | 0x20) - 'a' + 10;
        else
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *write_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* *at stands on the u of \uXXXX and is moved behind the character (two of them for a pair). */
static bool decode_unicode(struct parser *p, const char **at, const char *end, uint32_t *character)
{
    const char *escape = *at - 1;
    int first = read_hex4(*at + 1, end);
    if (first < 0)
        return fail(p, escape, "\\u needs four hexadecimal digits");
    if (first == 0)
        return fail(p, escape, "U+0000 is not allowed in a text");
    *at += 5;
    *character = (uint32_t)first;
    if (first < 0xd800 || first > 0xdfff)
        return true;
    int second = -1;
    if (first < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u')
        second = read_hex4(*at + 2, end);
    if (second < 0xdc00 || second > 0xdfff)
        return fail(p, escape, "\\u%04x is half of a surrogate pair without the other half", first);
    *at += 6;
    *character = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
    return true;
}

/* *at stands behind a backslash and is moved behind the escape. */
static bool decode_escape(struct parser *p, const char **at, const char *end, char **out)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (**at == 'u') {
        uint32_t character = 0;
        if (!decode_unicode(p, at, end, &character))
            return false;
        *out = write_utf8(*out, character);
        return true;
    }
    const char *found = **at ? strchr(escapes, **at) : NULL;
    if (!found)
        return fail(p, *at - 1,
                    "unknown escape in a string; one of \\\" \\\\ \\/ \\b \\f \\n \\r "
                    "\\t \\uXXXX was expected");
    *(*out)++ = meanings[found - escapes];
    ++*at;
    return true;
}

/* The source between the quotes into the arena; what is decoded is never longer than what was
 * written. */
static bool decode_string(struct parser *p, struct str source, struct str *text)
{
    char *start = arena_alloc(p->arena, source.len), *out = start;
    const char *at = source.at, *end = source.at + source.len;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape ? escape : end) - at);
        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (escape && (++at, !decode_escape(p, &at, end, &out)))
            return false;
    }
    *text = (struct str){start, (size_t)(out - start)};
    return true;
}

/* p->at stands on the opening quote. */
static bool parse_text(struct parser *p, struct str *text)
{
    const char *start = ++p->at;
    bool escapes = false;
    if (!scan_string(p, &escapes))
        return false;
    struct str source = {start, (size_t)(p->at - start)};
    p->at++;
    if (escapes)
        return decode_string(p, source, text);
    *text = source;
    return true;
}

static bool skip_digits(struct parser *p)
{
    const char *start = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return p->at > start || fail_found(p, "a digit");
}

static struct json *parse_number(struct parser *p)
{
    const char *start = p->at;
    if (*p->at == '-')
        p->at++;
    if (p->at < p->end && *p->at == '0')
        p->at++;
    else if (!skip_digits(p))
        return NULL;
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        if (!skip_digits(p))
            return NULL;
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
            p->at++;
        if (!skip_digits(p))
            return NULL;
    }
    struct json *node = new_node(p, JSON_NUMBER);
    node->text = (struct str){start, (size_t)(p->at - start)};
    return node;
}

static struct json *parse_word(struct parser *p, struct str word, enum json_kind kind)
{
    struct str rest = {p->at, (size_t)(p->end - p->at)};
    if (!str_starts(rest, word)) {
        fail_found(p, "a value");
        return NULL;
    }
    p->at += word.len;
    return new_node(p, kind);
}

/* Steps over "," or the closing bracket; *more tells which it was. */
static bool parse_separator(struct parser *p, char close, bool *more)
{
    skip_blanks(p);
    if (p->at < p->end && (*p->at == ',' || *p->at == close)) {
        *more = *p->at++ == ',';
        return true;
    }
    return fail_found(p, close == ']' ? "',' or ']'" : "',' or '}'");
}

/* Opens an array or object: *empty when its closing bracket follows at once. */
static bool parse_open(struct parser *p, char close, bool *empty)
{
    if (++p->depth > JSON_DEPTH_MAX)
        return fail(p, p->at, "more than %d levels of arrays and objects", JSON_DEPTH_MAX);
    p->at++;
    skip_blanks(p);
    *empty = p->at < p->end && *p->at == close;
    if (*empty)
        p->at++;
    return true;
}

static struct json *parse_close(struct parser *p, struct json *node, const char *start)
{
    p->depth--;
    node->text = (struct str){start, (size_t)(p->at - start)};
    return node;
}

static struct json *parse_array(struct parser *p)
{
    const char *start = p->at;
    bool empty, more = true;
    if (!parse_open(p, ']', &empty))
        return NULL;
    struct json *array = new_node(p, JSON_ARRAY), **last = &array->child;
    while (!empty && more) {
        struct json *element = parse_value(p);
        if (!element || !parse_separator(p, ']', &more))
            return NULL;
        *last = element;
        last = &element->next;
        array->count++;
    }
    return parse_close(p, array, start);
}

static struct json *parse_member(struct parser *p)
{
    struct str name;
    skip_blanks(p);
    if (p->at == p->end || *p->at != '"') {
        fail_found(p, "a member's name in quotes");
        return NULL;
    }
    if (!parse_text(p, &name))
        return NULL;
    skip_blanks(p);
    if (p->at == p->end || *p->at != ':') {
        fail_found(p, "':'");
        return NULL;
    }
    p->at++;
    struct json *member = parse_value(p);
    if (member)
        member->name = name;
    return member;
}

/* Repeated members: the earlier one loses its name, which marks it for unlinking. */
static bool mark_few(struct json *object)
{
    bool any = false;
    for (struct json *a = object->child; a; a = a->next)
        for (struct json *b = a->next; b; b = b->next)
            if (a->name.len == b->name.len && str_eq(a->name, b->name)) {
                a->name = (struct str){0};
                any = true;
                break;
            }
    return any;
}

struct place {
    struct json *node;
    uint32_t index;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    int c = str_cmp(a->node->name, b->node->name);
    return c ? c : (a->index > b->index) - (a->index < b->index);
}

/* Sorting keeps an object of 100,000 members, all alike in any hash, from taking minutes. */
static bool mark_many(struct json *object)
{
    struct place *places = must_alloc(object->count * sizeof *places);
    uint32_t n = 0;
    for (struct json *m = object->child; m; m = m->next, n++)
        places[n] = (struct place){m, n};
    qsort(places, n, sizeof *places, compare_places);
    bool any = false;
    for (uint32_t i = 0; i + 1 < n; i++)
        if (str_eq(places[i].node->name, places[i + 1].node->name)) {
            places[i].node->name = (struct str){0};
            any = true;
        }
    free(places);
    return any;
}

static void drop_repeated(struct json *object)
{
    if (!(object->count <= FEW_MEMBERS ? mark_few(object) : mark_many(object)))
        return;
    for (struct json **link = &object->child; *link;) {
        if (str_is((*link)->name)) {
            link = &(*link)->next;
            continue;
        }
        *link = (*link)->next;
        object->count--;
    }
}

static struct json *parse_object(struct parser *p)
{
    const char *start = p->at;
    bool empty, more = true;
    if (!parse_open(p, '}', &empty))
        return NULL;
    struct json *object = new_node(p, JSON_OBJECT), **last = &object->child;
    while (!empty && more) {
        struct json *member = parse_member(p);
        if (!member || !parse_separator(p, '}', &more))
            return NULL;
        *last = member;
        last = &member->next;
        object->count++;
    }
    drop_repeated(object);
    return parse_close(p, object, start);
}

static struct json *parse_string(struct parser *p)
{
    struct json *node = new_node(p, JSON_STRING);
    return parse_text(p, &node->text) ? node : NULL;
}

static struct json *parse_value(struct parser *p)
{
    skip_blanks(p);
    switch (p->at < p->end ? *p->at : '\0') {
    case '{':
        return parse_object(p);
    case '[':
        return parse_array(p);
    case '"':
        return parse_string(p);
    case 't':
        return parse_word(p, STR("true"), JSON_TRUE);
    case 'f':
        return parse_word(p, STR("false"), JSON_FALSE);
    case 'n':
        return parse_word(p, STR("null"), JSON_NULL);
    case '-':
    case '0' ... '9':
        return parse_number(p);
    default:
        fail_found(p, "a value");
        return NULL;
    }
}

struct json *json_parse(struct arena *arena, struct str text, struct error *error)
{
    struct parser p = {text.at, text.at, text.at + text.len, arena, error, 0};
    struct json *value = parse_value(&p);
    if (!value)
        return NULL;
    skip_blanks(&p);
    if (p.at < p.end) {
        fail_found(&p, "the end of the text");
        return NULL;
    }
    return value;
}

const struct json *json_member(const struct json *node, struct str name)
{
    if (!node || node->kind != JSON_OBJECT)
        return NULL;
    for (const struct json *m = node->child; m; m = m->next)
        if (m->name.len == name.len && str_eq(m->name, name))
            return m;
    return NULL;
}

const struct json *json_element(const struct json *node, size_t index)
{
    if (!node || node->kind != JSON_ARRAY || index >= node->count)
        return NULL;
    const struct json *element = node->child;
    while (index-- > 0)
        element = element->next;
    return element;
}

size_t json_depth(const struct json *node)
{
    size_t deepest = 0;
    for (const struct json *child = node->child; child; child = child->next) {
        size_t depth = json_depth(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (node->kind == JSON_ARRAY || node->kind == JSON_OBJECT);
}
