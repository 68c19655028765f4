/*
 * age.h: how long ago something was, for a person: "12s", "5m", "3h", "9d".
 */
#ifndef FANFOLD_CLI_AGE_H
#define FANFOLD_CLI_AGE_H

#include <stdint.h>

#define AGE_TEXT_MAX 24

/* Seconds from then to now, both in milliseconds; never below 0. */
double age_seconds(int64_t then_ms, int64_t now_ms);
const char *age_text(int64_t then_ms, int64_t now_ms, char out[AGE_TEXT_MAX]);

#endif
