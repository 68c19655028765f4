/*
 * faults.h: everything that is wrong with some files, collected, so that a person mends all at
 * once.
 *
 *     struct faults faults = {0};
 *     faults_add(&faults, "views/stock.json", "/on/order.placed/0", "unknown verb \"ad\"; …");
 *     if (faults.errors) { faults_print(&faults, stderr); return 78; }
 *     faults_release(&faults);
 */
#ifndef FANFOLD_BASE_FAULTS_H
#define FANFOLD_BASE_FAULTS_H

#include <stddef.h>
#include <stdio.h>

struct fault {
    char *file;    /* as the user named it */
    char *pointer; /* RFC 6901 into that file, "" for the whole; or "line 3, column 7" */
    char *text;    /* what was found, and what would be right */
    int warning;   /* 1: a likely mistake that does not stop anything */
};

struct faults {
    struct fault *at;
    size_t count, errors, warnings;
};

void faults_add(struct faults *faults, const char *file, const char *pointer, const char *format,
                ...) __attribute__((format(printf, 4, 5)));
void faults_warn(struct faults *faults, const char *file, const char *pointer, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
/* One line each: "file:pointer: text", warnings marked "warning:". */
void faults_print(const struct faults *faults, FILE *out);
void faults_release(struct faults *faults);

/* The name of names[0 … count) nearest to name (edit distance at most 2, or a third of its length),
 * else NULL. */
const char *suggest(const char *name, const char *const *names, size_t count);

#endif
