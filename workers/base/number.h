/*
 * number.h: numbers as the view language means them (DESIGN section 7, Numbers).
 */
#ifndef FANFOLD_BASE_NUMBER_H
#define FANFOLD_BASE_NUMBER_H

#include "base/buf.h"
#include "base/str.h"

#define NUMBER_INT_MAX (INT64_C(1) << 53) /* integers stay within ± this */

/* Longest text that number_format… makes, with NUL. */
#define NUMBER_TEXT_MAX 40

/* Is text exactly one JSON number (RFC 8259 section 6: no blanks, no leading zeros, no "+")? */
bool number_is(struct str text);

enum number_result {
    NUMBER_OK,
    NUMBER_NOT,         /* not a JSON number at all */
    NUMBER_FRACTION,    /* a number, but not an integer (1.5); 2.0 and 1e3 are integers */
    NUMBER_OUT_OF_RANGE /* beyond ±2^53 */
};

/* Is text an integer of at most 15 digits, as number_format_int() writes it? Then it is within
 * ±2^53, and its own canonical text. */
bool number_is_plain(struct str text);

/* Exact integer value. */
enum number_result number_int(struct str text, int64_t *value);

/* value × 10^digits, exactly: "12.34" with digits 2 is 1234. NUMBER_FRACTION when decimals are left
 * over. digits: 0 … 15. */
enum number_result number_scaled(struct str text, int digits, int64_t *value);

/* The same, but decimals left over are cut, towards minus infinity: never NUMBER_FRACTION. */
enum number_result number_scaled_floor(struct str text, int digits, int64_t *value);

/* The nearest double. Anything beyond ±2^53, however it is written, is NUMBER_OUT_OF_RANGE ("parks
 * rather than change its last digits"), so what number_format makes of the result can be read
 * again; fractions round as IEEE 754 does. */
enum number_result number_double(struct str text, double *value);

/* ECMAScript Number::toString of a finite double, as RFC 8785 section 3.2.2.3 asks: "12", "21.5",
 * "1e+21", -0 is "0". Returns the length; out has NUMBER_TEXT_MAX bytes. */
size_t number_format(double value, char *out);

/* Decimal digits, a "-" before those of a negative number: the same with integers. */
size_t number_format_int(int64_t value, char *out);
size_t number_format_unsigned(uint64_t value, char *out);

#endif
