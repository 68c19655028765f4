/*
 * faults.c: a list of what is wrong, and the nearest name to a misspelt one.
 */
#include "base/faults.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 2048

__attribute__((format(printf, 5, 0))) static void add(struct faults *faults, const char *file,
                                                      const char *pointer, int warning,
                                                      const char *format, va_list args)
{
    char text[TEXT_MAX];
    vsnprintf(text, sizeof text, format, args);
    faults->at = must_realloc(faults->at, (faults->count + 1) * sizeof *faults->at);
    faults->at[faults->count++] =
        (struct fault){must_strdup(file), must_strdup(pointer), must_strdup(text), warning};
    if (warning)
        faults->warnings++;
    else
        faults->errors++;
}

void faults_add(struct faults *faults, const char *file, const char *pointer, const char *format,
                ...)
{
    va_list args;
    va_start(args, format);
    add(faults, file, pointer, 0, format, args);
    va_end(args);
}

void faults_warn(struct faults *faults, const char *file, const char *pointer, const char *format,
                 ...)
{
    va_list args;
    va_start(args, format);
    add(faults, file, pointer, 1, format, args);
    va_end(args);
}

void faults_print(const struct faults *faults, FILE *out)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *f = &faults->at[i];
        fprintf(out, "%s:%s%s %s%s\n", f->file, f->pointer, f->pointer[0] ? ":" : "",
                f->warning ? "warning: " : "", f->text);
    }
}

void faults_release(struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->at[i].file);
        free(faults->at[i].pointer);
        free(faults->at[i].text);
    }
    free(faults->at);
    *faults = (struct faults){0};
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance. row has strlen(b) + 1 places: the distances of a's first i bytes to each
 * prefix of b. */
static size_t distance(const char *a, const char *b, size_t *row)
{
    size_t len = strlen(b);
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = smaller(replaced, smaller(row[j], diagonal) + 1);
        }
    }
    return row[len];
}

const char *suggest(const char *name, const char *const *names, size_t count)
{
    size_t len = strlen(name), limit = len / 3 > 2 ? len / 3 : 2, best = limit + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(names[i]);
        if ((other > len ? other - len : len - other) >= best)
            continue; /* the difference in length alone is too much */
        size_t *row = must_alloc((other + 1) * sizeof *row);
        size_t d = distance(name, names[i], row);
        free(row);
        /* Names that share nothing are not near, however short they are. */
        if (d < best && d < (len > other ? len : other)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
