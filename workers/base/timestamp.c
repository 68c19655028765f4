/*
 * timestamp.c: the proleptic Gregorian calendar in milliseconds, without the C library's time
 * zones.
 */
#include "base/timestamp.h"
#include "base/number.h"

#include <stdio.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define FIRST_MS (INT64_C(-62135596800) * SECOND)              /* 0001-01-01T00:00:00.000Z */
#define LAST_MS  (INT64_C(253402300799) * SECOND + SECOND - 1) /* 9999-12-31T23:59:59.999Z */

/* A number from here up counts milliseconds; as seconds it would be a year beyond 5138. */
#define NUMBER_IS_MS INT64_C(100000000000)

struct civil {
    int64_t year;
    int month, day; /* from 1 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its
 * year; 400 years have 146,097 days, and 719,468 days lie between 0000-03-01 and 1970-01-01. */
static int64_t days_from_civil(struct civil c)
{
    int64_t year = c.month <= 2 ? c.year - 1 : c.year;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct civil civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t doe = days - era * 146097;
    int64_t year_of_era = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t day_of_year = doe - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    struct civil c = {
        .year = year_of_era + era * 400 + (month >= 10),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
    return c;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Reads exactly n digits at *s, with min ≤ value ≤ max, and steps behind them. */
static bool take_number(struct str *s, size_t n, int min, int max, int *value)
{
    if (s->len < n)
        return false;
    int number = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->at[i] < '0' || s->at[i] > '9')
            return false;
        number = number * 10 + (s->at[i] - '0');
    }
    *value = number;
    *s = str_from(*s, n);
    return number >= min && number <= max;
}

static bool take_byte(struct str *s, char wanted)
{
    if (s->len == 0 || s->at[0] != wanted)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static bool take_date(struct str *s, int64_t *days)
{
    int year, month, day;
    if (!take_number(s, 4, 1, 9999, &year) || !take_byte(s, '-') ||
        !take_number(s, 2, 1, 12, &month) || !take_byte(s, '-') ||
        !take_number(s, 2, 1, days_in_month(year, month), &day))
        return false;
    *days = days_from_civil((struct civil){year, month, day});
    return true;
}

/* ".123456": at least one digit; what follows the milliseconds is cut. */
static bool take_decimals(struct str *s, int *ms)
{
    *ms = 0;
    if (!take_byte(s, '.'))
        return true;
    int weight = 100, digit;
    if (!take_number(s, 1, 0, 9, &digit))
        return false;
    do {
        *ms += digit * weight;
        weight /= 10;
    } while (s->len && s->at[0] >= '0' && s->at[0] <= '9' && take_number(s, 1, 0, 9, &digit));
    return true;
}

static bool take_time(struct str *s, int64_t *ms_of_day)
{
    int hour, minute, second, ms;
    if (!take_number(s, 2, 0, 23, &hour) || !take_byte(s, ':') ||
        !take_number(s, 2, 0, 59, &minute) || !take_byte(s, ':') ||
        !take_number(s, 2, 0, 60, &second) || !take_decimals(s, &ms))
        return false;
    if (second == 60) {
        second = 59;
        ms = 999;
    }
    *ms_of_day = hour * HOUR + minute * MINUTE + second * SECOND + ms;
    return true;
}

static bool take_offset(struct str *s, int64_t *offset)
{
    *offset = 0;
    if (take_byte(s, 'Z') || take_byte(s, 'z'))
        return true;
    int sign = take_byte(s, '-') ? -1 : 1, hours, minutes;
    if (sign > 0 && !take_byte(s, '+'))
        return false;
    if (!take_number(s, 2, 0, 23, &hours) || !take_byte(s, ':') ||
        !take_number(s, 2, 0, 59, &minutes))
        return false;
    *offset = sign * (hours * HOUR + minutes * MINUTE);
    return true;
}

static bool in_range(int64_t ms)
{
    return ms >= FIRST_MS && ms <= LAST_MS;
}

bool timestamp_parse(struct str text, int64_t *ms)
{
    struct str s = text;
    int64_t days, ms_of_day, offset;
    if (!take_date(&s, &days) || !(take_byte(&s, 'T') || take_byte(&s, 't')) ||
        !take_time(&s, &ms_of_day) || !take_offset(&s, &offset) || s.len > 0)
        return false;
    int64_t result = days * DAY + ms_of_day - offset;
    if (!in_range(result))
        return false;
    *ms = result;
    return true;
}

bool timestamp_parse_any(struct str text, int64_t *ms)
{
    if (timestamp_parse(text, ms))
        return true;
    int64_t result;
    if (number_scaled_floor(text, 0, &result) != NUMBER_OK)
        return false;
    if (result < NUMBER_IS_MS && number_scaled_floor(text, 3, &result) != NUMBER_OK)
        return false;
    if (!in_range(result))
        return false;
    *ms = result;
    return true;
}

/* Writes the digits of number, 0 … 10^count − 1, and the byte behind them; returns what follows. */
static char *put_number(char *out, int64_t number, int count, char behind)
{
    for (int i = count; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
    out[count] = behind;
    return out + count + 1;
}

/* A year that four digits do not hold: no event has it, but an expiry may. */
static size_t put_far_year(int64_t year, char out[TIMESTAMP_TEXT_MAX])
{
    char behind[TIMESTAMP_TEXT_MAX];
    memcpy(behind, out + 4, strlen(out + 4) + 1);
    int len = snprintf(out, TIMESTAMP_TEXT_MAX, "%04lld%s", (long long)year, behind);
    return len < TIMESTAMP_TEXT_MAX ? (size_t)len : TIMESTAMP_TEXT_MAX - 1;
}

/* Folds write times at nearly every event, and printf() takes ten times the instructions. */
size_t timestamp_format(int64_t ms, char out[TIMESTAMP_TEXT_MAX])
{
    int64_t days = floor_div(ms, DAY), rest = ms - days * DAY;
    struct civil c = civil_from_days(days);
    bool far = c.year < 0 || c.year > 9999;
    char *next = put_number(out, far ? 0 : c.year, 4, '-');
    next = put_number(next, c.month, 2, '-');
    next = put_number(next, c.day, 2, 'T');
    next = put_number(next, rest / HOUR, 2, ':');
    next = put_number(next, rest % HOUR / MINUTE, 2, ':');
    next = put_number(next, rest % MINUTE / SECOND, 2, '.');
    next = put_number(next, rest % SECOND, 3, 'Z');
    *next = '\0';
    return far ? put_far_year(c.year, out) : (size_t)(next - out);
}

size_t timestamp_format_unit(int64_t ms, enum time_unit unit, char out[TIMESTAMP_TEXT_MAX])
{
    static const size_t lengths[] = {
        [TIME_MINUTE] = sizeof "2026-01-31T09:05" - 1,
        [TIME_HOUR] = sizeof "2026-01-31T09" - 1,
        [TIME_DAY] = sizeof "2026-01-31" - 1,
        [TIME_MONTH] = sizeof "2026-01" - 1,
        [TIME_YEAR] = sizeof "2026" - 1,
    };
    size_t len = timestamp_format(ms, out);
    if (unit == TIME_UNIT_NONE)
        return len;
    out[lengths[unit]] = '\0';
    return lengths[unit];
}

int64_t timestamp_unit_end(int64_t ms, enum time_unit unit)
{
    struct civil c = civil_from_days(floor_div(ms, DAY));
    switch (unit) {
    case TIME_MINUTE:
        return (floor_div(ms, MINUTE) + 1) * MINUTE;
    case TIME_HOUR:
        return (floor_div(ms, HOUR) + 1) * HOUR;
    case TIME_DAY:
        return (floor_div(ms, DAY) + 1) * DAY;
    case TIME_MONTH:
        c = (struct civil){c.month == 12 ? c.year + 1 : c.year, c.month % 12 + 1, 1};
        return days_from_civil(c) * DAY;
    case TIME_YEAR:
        return days_from_civil((struct civil){c.year + 1, 1, 1}) * DAY;
    case TIME_UNIT_NONE:
        break;
    }
    return ms;
}

enum time_unit time_unit_of(struct str name)
{
    static const char *const names[] = {
        [TIME_MINUTE] = "minute", [TIME_HOUR] = "hour", [TIME_DAY] = "day",
        [TIME_MONTH] = "month",   [TIME_YEAR] = "year",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, str_of(names[i])))
            return (enum time_unit)i;
    return TIME_UNIT_NONE;
}

static int64_t duration_unit(char letter)
{
    switch (letter) {
    case 's':
        return SECOND;
    case 'm':
        return MINUTE;
    case 'h':
        return HOUR;
    case 'd':
        return DAY;
    case 'w':
        return 7 * DAY;
    default:
        return 0;
    }
}

bool duration_parse(struct str text, int64_t *ms)
{
    if (text.len < 2 || text.len > 10)
        return false;
    int64_t unit = duration_unit(text.at[text.len - 1]);
    struct str digits = {text.at, text.len - 1};
    int count;
    if (unit == 0 || !take_number(&digits, digits.len, 0, 999999999, &count))
        return false;
    *ms = count * unit;
    return true;
}
