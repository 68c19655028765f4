/*
 * timestamp.h: times, always UTC (DESIGN section 7, Time). No function here knows "now".
 */
#ifndef FANFOLD_BASE_TIMESTAMP_H
#define FANFOLD_BASE_TIMESTAMP_H

#include "base/str.h"

#define TIMESTAMP_TEXT_MAX 32

enum time_unit { TIME_MINUTE, TIME_HOUR, TIME_DAY, TIME_MONTH, TIME_YEAR, TIME_UNIT_NONE };

/* RFC 3339 date-time, any offset, any count of decimals (cut after milliseconds), "T" and "Z" also
 * in lower case, a leap second 60 reads as 59.999. Milliseconds since 1970; years 0001 … 9999. */
bool timestamp_parse(struct str text, int64_t *ms);

/* RFC 3339, or a JSON number of Unix seconds (decimals kept to the millisecond); from 10^11 up, of
 * milliseconds. */
bool timestamp_parse_any(struct str text, int64_t *ms);

/* "2026-01-31T09:05:07.000Z": 24 characters, so text order is time order. Returns the length. */
size_t timestamp_format(int64_t ms, char out[TIMESTAMP_TEXT_MAX]);

/* The prefix of that text up to the unit: "2026-01-31T09" for TIME_HOUR. Returns the length. */
size_t timestamp_format_unit(int64_t ms, enum time_unit unit, char out[TIMESTAMP_TEXT_MAX]);

/* First millisecond behind the unit that ms lies in (the end of its day, month, …). */
int64_t timestamp_unit_end(int64_t ms, enum time_unit unit);

/* "day" → TIME_DAY …; TIME_UNIT_NONE when it is no unit. */
enum time_unit time_unit_of(struct str name);

/* "90m", "24h", "7d", "30s", "2w" → milliseconds; false when it is not 1 … 9 digits and a unit. */
bool duration_parse(struct str text, int64_t *ms);

#endif
