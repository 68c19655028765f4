/*
 * error.c: reasons with a kind, and allocation that cannot fail.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exit code EX_SOFTWARE of sysexits.h. */
#define EXIT_NO_MEMORY 70

/* A text that was cut after len bytes may have lost the rest of its last character: then the start
 * of that goes too. Reasons are shown, and written into JSON, so they must stay UTF-8. */
static void drop_half_character(char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 3 && (text[start - 1] & 0xc0) == 0x80)
        start--;
    unsigned char lead = start > 0 ? (unsigned char)text[--start] : 0;
    size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (len - start < whole)
        text[start] = '\0';
}

bool error_vset(struct error *error, enum error_kind kind, const char *format, va_list args)
{
    error->kind = kind;
    int len = vsnprintf(error->text, sizeof error->text, format, args);
    if (len >= (int)sizeof error->text)
        drop_half_character(error->text, sizeof error->text - 1);
    return false;
}

bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vset(error, kind, format, args);
    va_end(args);
    return false;
}

void error_fit(char *out, size_t size, const char *text)
{
    size_t len = strlen(text), keep = len < size ? len : size - 1;
    memmove(out, text, keep);
    out[keep] = '\0';
    if (keep < len)
        drop_half_character(out, keep);
}

bool error_prefix(struct error *error, const char *format, ...)
{
    char prefix[sizeof error->text];
    const size_t room = sizeof prefix - sizeof ": ";
    va_list args;
    va_start(args, format);
    if (vsnprintf(prefix, room, format, args) >= (int)room)
        drop_half_character(prefix, room - 1);
    va_end(args);
    strcat(prefix, ": ");

    size_t shift = strlen(prefix), len = strlen(error->text);
    size_t keep = len < sizeof error->text - 1 - shift ? len : sizeof error->text - 1 - shift;
    memmove(error->text + shift, error->text, keep);
    memcpy(error->text, prefix, shift);
    error->text[shift + keep] = '\0';
    if (keep < len)
        drop_half_character(error->text, shift + keep);
    return false;
}

static void *must(void *memory, size_t size)
{
    if (memory)
        return memory;
    fprintf(stderr, "fanfold: out of memory (%zu bytes asked for)\n", size);
    exit(EXIT_NO_MEMORY);
}

void *must_alloc(size_t size)
{
    return must(malloc(size ? size : 1), size);
}

void *must_calloc(size_t count, size_t size)
{
    bool empty = count == 0 || size == 0;
    return must(calloc(empty ? 1 : count, empty ? 1 : size), size);
}

void *must_realloc(void *memory, size_t size)
{
    return must(realloc(memory, size ? size : 1), size);
}

char *must_strdup(const char *text)
{
    return must_strndup(text, strlen(text));
}

char *must_strndup(const char *text, size_t len)
{
    char *copy = must_alloc(len + 1);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}
