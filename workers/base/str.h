/*
 * str.h: a slice of text that somebody else owns.
 *
 * A struct str borrows: it is valid as long as the memory it points into. It may hold any bytes and
 * is not NUL-terminated. {NULL, 0} is "no text"; {"", 0} is the empty text. str_is() tells them
 * apart.
 */
#ifndef FANFOLD_BASE_STR_H
#define FANFOLD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

/* A slice of a string literal. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* For printf: printf("%.*s", STRF(s)). */
#define STRF(s) (int)(s).len, ((s).at ? (s).at : "")

static inline struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_is(struct str s)
{
    return s.at != NULL;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static inline bool str_ends(struct str s, struct str end)
{
    return s.len >= end.len &&
           (end.len == 0 || memcmp(s.at + s.len - end.len, end.at, end.len) == 0);
}

/* Byte order, a prefix before what it begins: <0, 0, >0. */
static inline int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.at, b.at, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline struct str str_from(struct str s, size_t start)
{
    return (struct str){s.at + start, s.len - start};
}

#endif
