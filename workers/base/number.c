/*
 * number.c: JSON numbers, exactly.
 *
 * A number is taken apart into sign, digits and a power of ten; whether it is an integer, and
 * which, is decided there and never on a double. So 2.0, 20e-1 and 2 are one integer, 1e21 is an
 * integer beyond ±2^53, and 9007199254740993 is refused instead of becoming …992.
 */
#include "base/number.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPONENT_MAX     INT64_C(1000000000000000) /* beyond any text's length: clamped there */
#define INT_DIGITS       16                        /* of 2^53 */
#define PLAIN_DIGITS_MAX 15                        /* any integer of so many lies within ±2^53 */

/* ±(whole digits, then decimals) × 10^exponent, as written. */
struct decimal {
    bool negative;
    struct str whole, decimals;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digit_run(struct str s, size_t start)
{
    size_t i = start;
    while (i < s.len && is_digit(s.at[i]))
        i++;
    return i - start;
}

/* Reads "e+12" from start to the end of s; a missing exponent is 0. */
static bool read_exponent(struct str s, size_t start, int64_t *exponent)
{
    *exponent = 0;
    if (start == s.len)
        return true;
    if (s.at[start] != 'e' && s.at[start] != 'E')
        return false;
    size_t i = start + 1;
    bool negative = i < s.len && s.at[i] == '-';
    if (i < s.len && (s.at[i] == '-' || s.at[i] == '+'))
        i++;
    size_t n = digit_run(s, i);
    if (n == 0 || i + n != s.len)
        return false;
    for (; i < s.len; i++)
        if (*exponent < EXPONENT_MAX)
            *exponent = *exponent * 10 + (s.at[i] - '0');
    if (negative)
        *exponent = -*exponent;
    return true;
}

/* RFC 8259 section 6. */
static bool take_apart(struct str s, struct decimal *d)
{
    size_t i = s.len && s.at[0] == '-';
    d->negative = i == 1;
    size_t n = digit_run(s, i);
    if (n == 0 || (n > 1 && s.at[i] == '0'))
        return false;
    d->whole = (struct str){s.at + i, n};
    d->decimals = (struct str){"", 0};
    i += n;
    if (i < s.len && s.at[i] == '.') {
        n = digit_run(s, ++i);
        if (n == 0)
            return false;
        d->decimals = (struct str){s.at + i, n};
        i += n;
    }
    return read_exponent(s, i, &d->exponent);
}

bool number_is(struct str text)
{
    struct decimal d;
    return take_apart(text, &d);
}

bool number_is_plain(struct str text)
{
    size_t sign = text.len && text.at[0] == '-', digits = digit_run(text, sign);
    if (digits == 0 || digits > PLAIN_DIGITS_MAX || sign + digits != text.len)
        return false;
    return text.at[sign] != '0' || text.len == 1;
}

/* The digits as a sequence, whole ones first. */
static char digit_at(const struct decimal *d, size_t i)
{
    return i < d->whole.len ? d->whole.at[i] : d->decimals.at[i - d->whole.len];
}

/* The significant digits are [*first, *end) of the sequence: no zeros at either side. Both equal:
 * 0. */
static void significant(const struct decimal *d, size_t *first, size_t *end)
{
    *first = 0;
    *end = d->whole.len + d->decimals.len;
    while (*end > 0 && digit_at(d, *end - 1) == '0')
        --*end;
    while (*first < *end && digit_at(d, *first) == '0')
        ++*first;
}

/* |d| × 10^digits, decimals cut; *left_over says whether there were any. */
static enum number_result scale(const struct decimal *d, int digits, uint64_t *value,
                                bool *left_over)
{
    size_t first, end;
    significant(d, &first, &end);
    *value = 0;
    *left_over = false;
    if (first == end)
        return NUMBER_OK;

    /* How many of the digits stand before the decimal point of the result. */
    int64_t before = (int64_t)d->whole.len + d->exponent + digits - (int64_t)first;
    *left_over = before < (int64_t)(end - first);
    if (before > INT_DIGITS)
        return NUMBER_OUT_OF_RANGE;
    for (int64_t i = 0; i < before; i++) {
        size_t at = first + (size_t)i;
        *value = *value * 10 + (at < end ? (uint64_t)(digit_at(d, at) - '0') : 0);
    }
    return *value > (uint64_t)NUMBER_INT_MAX ? NUMBER_OUT_OF_RANGE : NUMBER_OK;
}

enum number_result number_scaled(struct str text, int digits, int64_t *value)
{
    struct decimal d;
    uint64_t size;
    bool left_over;
    if (!take_apart(text, &d))
        return NUMBER_NOT;
    enum number_result result = scale(&d, digits, &size, &left_over);
    if (left_over)
        return NUMBER_FRACTION;
    if (result == NUMBER_OK)
        *value = d.negative ? -(int64_t)size : (int64_t)size;
    return result;
}

enum number_result number_scaled_floor(struct str text, int digits, int64_t *value)
{
    struct decimal d;
    uint64_t size;
    bool left_over;
    if (!take_apart(text, &d))
        return NUMBER_NOT;
    enum number_result result = scale(&d, digits, &size, &left_over);
    if (result == NUMBER_OK)
        *value = d.negative ? -(int64_t)size - left_over : (int64_t)size;
    return result;
}

enum number_result number_int(struct str text, int64_t *value)
{
    return number_scaled(text, 0, value);
}

/* Up to 15 digits and a power of ten up to 22 are exact doubles, so one division rounds correctly
 * (Clinger, "How to read floating point numbers accurately", 1990). */
static bool quick_fraction(const struct decimal *d, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t count = d->whole.len + d->decimals.len;
    int64_t power = d->exponent - (int64_t)d->decimals.len;
    if (count > 15 || power > 0 || power < -22)
        return false;
    uint64_t digits = 0;
    for (size_t i = 0; i < count; i++)
        digits = digits * 10 + (uint64_t)(digit_at(d, i) - '0');
    *value = (double)digits / powers[-power];
    if (d->negative)
        *value = -*value;
    return true;
}

/* strtod wants a NUL, which a slice does not have. */
static double convert(struct str text)
{
    char room[64];
    if (text.len < sizeof room) {
        memcpy(room, text.at, text.len);
        room[text.len] = '\0';
        return strtod(room, NULL);
    }
    char *copy = must_strndup(text.at, text.len);
    double value = strtod(copy, NULL);
    free(copy);
    return value;
}

enum number_result number_double(struct str text, double *value)
{
    struct decimal d;
    uint64_t size;
    bool left_over;
    if (!take_apart(text, &d))
        return NUMBER_NOT;
    enum number_result result = scale(&d, 0, &size, &left_over);
    if (!left_over) {
        if (result == NUMBER_OK)
            *value = d.negative ? -(double)size : (double)size;
        return result;
    }
    double fraction;
    if (!quick_fraction(&d, &fraction))
        fraction = convert(text);
    if (fabs(fraction) > (double)NUMBER_INT_MAX)
        return NUMBER_OUT_OF_RANGE;
    *value = fraction;
    return NUMBER_OK;
}

/* Shortest digits of a positive double: value is 0.DIGITS × 10^point. */
struct digits {
    char at[20];
    int count, point;
};

static double digits_value(const struct digits *d)
{
    char text[40];
    snprintf(text, sizeof text, "0.%.*se%d", d->count, d->at, d->point);
    return strtod(text, NULL);
}

/* Adds one to the last digit. */
static void digits_up(struct digits *d)
{
    int i = d->count - 1;
    while (i >= 0 && d->at[i] == '9')
        d->at[i--] = '0';
    if (i >= 0) {
        d->at[i]++;
        return;
    }
    d->at[0] = '1';
    d->point++;
}

/* The decimal of that many digits nearest to value. */
static struct digits digits_near(double value, int count)
{
    struct digits d = {.count = count};
    char text[40]; /* "d.ddde±x" */
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    d.at[0] = text[0];
    memcpy(d.at + 1, text + 2, (size_t)count - 1);
    d.point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
    return d;
}

/*
 * The fewest digits that read back as value. Any double that has 15 digits or fewer is found at 15
 * (DBL_DIG), but for the subnormal ones, which have fewer; zeros at the end are cut. At a power of
 * two the neighbours below stand closer than those above, so the nearest decimal may fail where the
 * next one up fits.
 */
static struct digits digits_shortest(double value)
{
    int exponent;
    bool power_of_two = frexp(value, &exponent) == 0.5;
    int count = isnormal(value) ? 15 : 1;
    struct digits d;
    for (;; count++) {
        d = digits_near(value, count);
        if (count == 17 || digits_value(&d) == value)
            break;
        if (power_of_two) {
            digits_up(&d);
            if (digits_value(&d) == value)
                break;
        }
    }
    while (d.count > 1 && d.at[d.count - 1] == '0')
        d.count--;
    return d;
}

static int layout(const struct digits *d, char *out, size_t size)
{
    int k = d->count, n = d->point;
    if (n > 21 || n <= -6)
        return snprintf(out, size, "%c%s%.*se%+d", d->at[0], k > 1 ? "." : "", k - 1, d->at + 1,
                        n - 1);
    if (n <= 0)
        return snprintf(out, size, "0.%.*s%.*s", -n, "00000", k, d->at);
    if (n < k)
        return snprintf(out, size, "%.*s.%.*s", n, d->at, k - n, d->at + n);
    return snprintf(out, size, "%.*s%.*s", k, d->at, n - k, "000000000000000000000");
}

size_t number_format(double value, char *out)
{
    if (fabs(value) < (double)NUMBER_INT_MAX && value == trunc(value))
        return number_format_int((int64_t)value, out);
    struct digits d = digits_shortest(fabs(value));
    size_t sign = value < 0;
    out[0] = '-';
    return sign + (size_t)layout(&d, out + sign, NUMBER_TEXT_MAX - sign);
}

/* Nearly every event has integers, and printf() takes ten times the instructions. */
size_t number_format_unsigned(uint64_t value, char *out)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    size_t len = sizeof digits - start;
    memcpy(out, digits + start, len);
    out[len] = '\0';
    return len;
}

size_t number_format_int(int64_t value, char *out)
{
    if (value >= 0)
        return number_format_unsigned((uint64_t)value, out);
    out[0] = '-';
    return 1 + number_format_unsigned(-(uint64_t)value, out + 1);
}
