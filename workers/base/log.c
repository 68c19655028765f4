/*
 * log.c: one message, one line, one write.
 *
 * The level is the only state of the whole library: it belongs to the process, as standard error
 * does.
 */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/timestamp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_MAX 4096

static enum log_level highest = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    highest = level;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARNING:
        return "warning";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "info";
}

/* A reason that quotes a server or a file must not start a line of its own. */
static void keep_on_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level,
                                                             const char *format, va_list args)
{
    if (level > highest)
        return;
    char message[MESSAGE_MAX];
    vsnprintf(message, sizeof message, format, args);
    keep_on_one_line(message);

    struct buf line = {0};
    if (getenv("JOURNAL_STREAM")) {
        buf_printf(&line, "<%d>%s\n", (int)level, message);
    } else {
        char time[TIMESTAMP_TEXT_MAX];
        timestamp_format(clock_wall_ms(), time);
        buf_printf(&line, "%s %s: %s\n", time, level_name(level), message);
    }
    /* Nobody can be told when standard error is gone. */
    ssize_t written = write(STDERR_FILENO, line.at, line.len);
    (void)written;
    buf_release(&line);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_ERROR, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_WARNING, format, args);
    va_end(args);
}

void log_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_INFO, format, args);
    va_end(args);
}

void log_debug(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(LOG_LEVEL_DEBUG, format, args);
    va_end(args);
}
