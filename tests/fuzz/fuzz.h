/*
 * fuzz.h: what the fuzz targets share.
 *
 * A target is one file NAME_fuzz.c with one function from bytes to assertions. libFuzzer calls it
 * with inputs that it invents (scripts/fuzz); replay.c calls it with the files of corpus/NAME and
 * crashes/NAME (the test suite). A target fails by assert(), by a sanitizer, or by a crash; so what
 * must hold of every input is written there, not only "it does not crash".
 *
 * Inputs are text as far as possible, so that a corpus can be read and written by hand.
 */
#ifndef FANFOLD_TEST_FUZZ_H
#define FANFOLD_TEST_FUZZ_H

#include "base/str.h"
#include <assert.h>

/* The target. libFuzzer gives the name. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the first line off *rest, without its line break. */
static inline struct str fuzz_line(struct str *rest)
{
    const char *end = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;
    struct str line = {rest->at, end ? (size_t)(end - rest->at) : rest->len};
    *rest = str_from(*rest, line.len + (end != NULL));
    return line;
}

static inline struct str fuzz_input(const uint8_t *data, size_t size)
{
    return (struct str){size ? (const char *)data : "", size};
}

#endif
