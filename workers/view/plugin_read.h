/*
 * plugin_read.h: the functions of the host that read, and make texts; fanfold/fold.h says what each
 * does.
 */
#ifndef FANFOLD_VIEW_PLUGIN_READ_H
#define FANFOLD_VIEW_PLUGIN_READ_H

#include "view/plugin_call.h"

const struct fanfold_value *read_find(struct fanfold_call *call, const struct fanfold_value *from,
                                      const char *pointer);
enum fanfold_kind read_kind(struct fanfold_call *call, const struct fanfold_value *from,
                            const char *pointer);
const char *read_text(struct fanfold_call *call, const struct fanfold_value *from,
                      const char *pointer);
const char *read_json(struct fanfold_call *call, const struct fanfold_value *from,
                      const char *pointer);
int64_t read_integer(struct fanfold_call *call, const struct fanfold_value *from,
                     const char *pointer);
int64_t read_scaled(struct fanfold_call *call, const struct fanfold_value *from,
                    const char *pointer, int digits);
double read_number(struct fanfold_call *call, const struct fanfold_value *from,
                   const char *pointer);
int64_t read_time(struct fanfold_call *call, const struct fanfold_value *from, const char *pointer);
const struct fanfold_value *read_first(struct fanfold_call *call, const struct fanfold_value *from,
                                       const char *pointer);
const struct fanfold_value *read_next(struct fanfold_call *call,
                                      const struct fanfold_value *element);
const char *read_name(struct fanfold_call *call, const struct fanfold_value *element);
const void *read_body(struct fanfold_call *call, size_t *size);

const char *make_format(struct fanfold_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *make_number_text(struct fanfold_call *call, double number);
const char *make_time_text(struct fanfold_call *call, int64_t ms, enum fanfold_unit unit);

/* The text of a finite number within ±2^53; out has NUMBER_TEXT_MAX bytes. */
bool number_written(double number, char *out, struct str *text, struct error *error);

#endif
