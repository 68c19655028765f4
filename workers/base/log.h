/*
 * log.h: what a program says on standard error. Only programs log; libraries return reasons.
 *
 * Under systemd (JOURNAL_STREAM is set) each line starts with its syslog level ("<6>") and has no
 * time; on a terminal or in a file it starts with the UTC time and the level. Never pass a URI here
 * unless uri_safe() made it.
 */
#ifndef FANFOLD_BASE_LOG_H
#define FANFOLD_BASE_LOG_H

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Messages above the level are dropped. Default LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
