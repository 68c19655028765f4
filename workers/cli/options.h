/*
 * options.h: a command line, read by tables. One table per command gives its parser, its --help and
 * its shell completion, so that they cannot drift apart.
 *
 *     const struct option *const tables[] = {own_options, command_options, NULL};
 *     struct options options = {0};
 *     if (!options_parse(&options, tables, argc, argv, &error)) …;
 *     options_text(&options, "exchange")
 *     options_release(&options);
 *
 * Accepted: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, flags in one word (-xy), and "--" behind
 * which everything is an argument. Options and arguments may be mixed. The texts stay argv's.
 */
#ifndef FANFOLD_CLI_OPTIONS_H
#define FANFOLD_CLI_OPTIONS_H

#include "base/error.h"
#include "base/str.h"
#include <stdio.h>

struct option {
    char letter;          /* 0: none */
    const char *name;     /* without "--"; NULL ends a table */
    const char *value;    /* what stands behind it, in capitals; NULL: a flag */
    const char *help;     /* a sentence without its full stop; wrapped when it is printed */
    const char *complete; /* words for the shell, COMPLETE_FILE, or NULL */
};

#define COMPLETE_FILE    "<file>"
#define COMPLETE_COMMAND "<command>"

struct option_given {
    const struct option *option;
    const char *value;
};

struct options {
    struct option_given *given; /* in the order of the command line */
    size_t given_count;
    const char **args;
    size_t arg_count;
};

/* Appends what argv[0 … argc) says. ERROR_USAGE names the nearest known option. */
bool options_parse(struct options *options, const struct option *const *tables, int argc,
                   const char *const *argv, struct error *error);
/* The same, but ends before the first argument; *used says how many words were read. */
bool options_parse_leading(struct options *options, const struct option *const *tables, int argc,
                           const char *const *argv, int *used, struct error *error);
void options_release(struct options *options);

bool options_has(const struct options *options, const char *name);
/* The last one given; NULL: not given. */
const char *options_text(const struct options *options, const char *name);
/* {NULL,0}: not given. */
struct str options_str(const struct options *options, const char *name);
/* One after the other of a repeatable option: start with *cursor = 0; NULL at the end. */
const char *options_next(const struct options *options, const char *name, size_t *cursor);

/* Leave *value as it is when the option is not given. ERROR_USAGE says what would be right. */
bool options_count(const struct options *options, const char *name, uint64_t min, uint64_t *value,
                   struct error *error);
/* Bytes: "64M", "512k", "2G", "1000". */
bool options_size(const struct options *options, const char *name, uint64_t min, uint64_t *value,
                  struct error *error);

/* The table as part of --help. */
void options_help(FILE *out, const struct option *table);
/* Prints text wrapped at 80 columns; the first line starts where the cursor is, at column `at`. */
void options_wrap(FILE *out, const char *text, size_t at, size_t indent);

#endif
