/*
 * options.c: reads a command line by tables, and prints the tables for a person.
 */
#include "cli/options.h"
#include "base/buf.h"
#include "base/faults.h"

#include <errno.h>
#include <stdlib.h>

#define HELP_WIDTH  80
#define HELP_COLUMN 28
#define NAMES_MAX   64

static void give(struct options *options, const struct option *option, const char *value)
{
    options->given =
        must_realloc(options->given, (options->given_count + 1) * sizeof *options->given);
    options->given[options->given_count++] = (struct option_given){option, value};
}

static void add_argument(struct options *options, const char *arg)
{
    options->args = must_realloc(options->args, (options->arg_count + 1) * sizeof *options->args);
    options->args[options->arg_count++] = arg;
}

static const struct option *find_name(const struct option *const *tables, struct str name)
{
    for (; *tables; tables++)
        for (const struct option *o = *tables; o->name; o++)
            if (str_eq(str_of(o->name), name))
                return o;
    return NULL;
}

static const struct option *find_letter(const struct option *const *tables, char letter)
{
    for (; *tables; tables++)
        for (const struct option *o = *tables; o->name; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

static bool unknown(const struct option *const *tables, struct str name, struct error *error)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (; *tables; tables++)
        for (const struct option *o = *tables; o->name && count < NAMES_MAX; o++)
            names[count++] = o->name;
    char *text = must_strndup(name.at, name.len);
    const char *near = suggest(text, names, count);
    error_set(error, ERROR_USAGE, "unknown option --%s%s%s%s", text,
              near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
    free(text);
    return false;
}

/* argv[*i] is "--name" or "--name=value". */
static bool parse_long(struct options *options, const struct option *const *tables, int argc,
                       const char *const *argv, int *i, struct error *error)
{
    const char *word = argv[*i] + 2;
    struct str name = {word, strcspn(word, "=")};
    const char *value = word[name.len] ? word + name.len + 1 : NULL;
    const struct option *option = find_name(tables, name);
    if (!option)
        return unknown(tables, name, error);
    if (!option->value && value)
        return error_set(error, ERROR_USAGE, "--%s takes no value", option->name);
    if (option->value && !value) {
        if (*i + 1 == argc)
            return error_set(error, ERROR_USAGE, "--%s needs a value: --%s %s", option->name,
                             option->name, option->value);
        value = argv[++*i];
    }
    give(options, option, value);
    return true;
}

/* argv[*i] is "-x", "-xyz" (flags, the last may take a value) or "-xVALUE". */
static bool parse_letters(struct options *options, const struct option *const *tables, int argc,
                          const char *const *argv, int *i, struct error *error)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        const struct option *option = find_letter(tables, *c);
        if (!option)
            return error_set(error, ERROR_USAGE, "unknown option -%c", *c);
        if (!option->value) {
            give(options, option, NULL);
            continue;
        }
        if (!c[1] && *i + 1 == argc)
            return error_set(error, ERROR_USAGE, "-%c needs a value: -%c %s", *c, *c,
                             option->value);
        give(options, option, c[1] ? c + 1 : argv[++*i]);
        return true;
    }
    return true;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

/* Reads the option at argv[*i] and moves *i to its last word. */
static bool parse_one(struct options *options, const struct option *const *tables, int argc,
                      const char *const *argv, int *i, struct error *error)
{
    return argv[*i][1] == '-' ? parse_long(options, tables, argc, argv, i, error)
                              : parse_letters(options, tables, argc, argv, i, error);
}

bool options_parse(struct options *options, const struct option *const *tables, int argc,
                   const char *const *argv, struct error *error)
{
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        if (only_arguments || !is_option(argv[i]))
            add_argument(options, argv[i]);
        else if (strcmp(argv[i], "--") == 0)
            only_arguments = true;
        else if (!parse_one(options, tables, argc, argv, &i, error))
            return false;
    }
    return true;
}

bool options_parse_leading(struct options *options, const struct option *const *tables, int argc,
                           const char *const *argv, int *used, struct error *error)
{
    int i = 0;
    for (; i < argc && is_option(argv[i]) && strcmp(argv[i], "--") != 0; i++)
        if (!parse_one(options, tables, argc, argv, &i, error))
            return false;
    *used = i;
    return true;
}

void options_release(struct options *options)
{
    free(options->given);
    free(options->args);
    *options = (struct options){0};
}

static const struct option_given *last_given(const struct options *options, const char *name)
{
    for (size_t i = options->given_count; i-- > 0;)
        if (strcmp(options->given[i].option->name, name) == 0)
            return &options->given[i];
    return NULL;
}

bool options_has(const struct options *options, const char *name)
{
    return last_given(options, name) != NULL;
}

const char *options_text(const struct options *options, const char *name)
{
    const struct option_given *given = last_given(options, name);
    return given ? given->value : NULL;
}

struct str options_str(const struct options *options, const char *name)
{
    return str_of(options_text(options, name));
}

const char *options_next(const struct options *options, const char *name, size_t *cursor)
{
    while (*cursor < options->given_count) {
        const struct option_given *given = &options->given[(*cursor)++];
        if (strcmp(given->option->name, name) == 0)
            return given->value;
    }
    return NULL;
}

/* Digits only; *rest is what stands behind them. */
static bool read_digits(const char *text, uint64_t *value, const char **rest)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

bool options_count(const struct options *options, const char *name, uint64_t min, uint64_t *value,
                   struct error *error)
{
    const char *text = options_text(options, name), *rest;
    uint64_t number;
    if (!text)
        return true;
    if (!read_digits(text, &number, &rest) || *rest || number < min)
        return error_set(error, ERROR_USAGE, "--%s %s: not a whole number from %llu up", name, text,
                         (unsigned long long)min);
    *value = number;
    return true;
}

bool options_size(const struct options *options, const char *name, uint64_t min, uint64_t *value,
                  struct error *error)
{
    const char *text = options_text(options, name), *rest;
    uint64_t number;
    if (!text)
        return true;
    bool good = read_digits(text, &number, &rest);
    int shift = 0;
    if (good && *rest) {
        const char *unit = strchr("kKmMgG", *rest);
        shift = unit ? ((int)(unit - "kKmMgG") / 2 + 1) * 10 : 0;
        good = unit && !rest[1] && number <= UINT64_MAX >> shift;
    }
    if (!good || number << shift < min)
        return error_set(error, ERROR_USAGE,
                         "--%s %s: not a size of at least %llu bytes; write 64M, 512k or 2G", name,
                         text, (unsigned long long)min);
    *value = number << shift;
    return true;
}

void options_wrap(FILE *out, const char *text, size_t at, size_t indent)
{
    bool line_start = true;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (!line_start && at + 1 + len > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            line_start = true;
        }
        fprintf(out, "%s%.*s", line_start ? "" : " ", (int)len, text);
        at += len + (line_start ? 0 : 1);
        line_start = false;
        text += len + strspn(text + len, " ");
    }
    putc('\n', out);
}

void options_help(FILE *out, const struct option *table)
{
    for (const struct option *o = table; o->name; o++) {
        struct buf left = {0};
        if (o->letter)
            buf_printf(&left, "  -%c, --%s", o->letter, o->name);
        else
            buf_printf(&left, "      --%s", o->name);
        if (o->value)
            buf_printf(&left, " %s", o->value);
        fprintf(out, "%s", buf_text(&left));
        if (left.len + 2 > HELP_COLUMN)
            fprintf(out, "\n%*s", HELP_COLUMN, "");
        else
            fprintf(out, "%*s", (int)(HELP_COLUMN - left.len), "");
        options_wrap(out, o->help, HELP_COLUMN, HELP_COLUMN);
        buf_release(&left);
    }
}
