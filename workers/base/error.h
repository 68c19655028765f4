/*
 * error.h: why something failed, for a person, and the exit code that it means.
 *
 * A function that can fail returns bool and takes a struct error *; on failure it returns false,
 * has set the error, and has left its results untouched. The kind is also the program's exit code
 * (DESIGN section 8). Libraries only return errors; programs print them.
 */
#ifndef FANFOLD_BASE_ERROR_H
#define FANFOLD_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum error_kind {
    ERROR_NONE = 0,
    ERROR_NO = 1,           /* the answer is no: no such row, not confirmed, a line refused */
    ERROR_USAGE = 2,        /* wrong command line */
    ERROR_UNAVAILABLE = 69, /* a server cannot be reached; trying again may help */
    ERROR_PERMISSION = 77,  /* login or permission refused */
    ERROR_CONFIG = 78,      /* configuration, view file, topology mismatch */
};

struct error {
    enum error_kind kind;
    char text[1024];
};

/* Sets the error and returns false, so that "return error_set(...)" reads well. Cuts long texts,
 * between characters. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool error_vset(struct error *error, enum error_kind kind, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Copies text into out[size], cut between characters where it does not fit. */
void error_fit(char *out, size_t size, const char *text);

/* Puts "format: " in front of the text that is there; returns false. */
bool error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Memory that cannot be had ends the program with a message (exit 70): nothing is half done, and
 * what was not committed is read again. Sizes that come from outside are limited before this. */
void *must_alloc(size_t size);
void *must_calloc(size_t count, size_t size);
void *must_realloc(void *memory, size_t size);
char *must_strdup(const char *text);
char *must_strndup(const char *text, size_t len);

#endif
