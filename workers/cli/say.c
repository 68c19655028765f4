/*
 * say.c: talk on standard error, and the state of standard output.
 */
#include "cli/say.h"
#include "base/buf.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAY_MAX 4096

void say(const char *format, ...)
{
    char text[SAY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    fprintf(stderr, "fanfold: %s\n", text);
}

int say_error(const struct error *error)
{
    say("%s", error->text);
    return (int)error->kind;
}

int say_usage(const char *command, const struct error *error)
{
    fflush(stdout);
    say("%s; see `fanfold %s --help`", error->text, command);
    return (int)error->kind;
}

bool output_flush(void)
{
    return fflush(stdout) == 0 && !ferror(stdout);
}

/* A pipe without a reader reports an error, whenever it lost him. */
static bool reader_is_gone(void)
{
    struct pollfd poller = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&poller, 1, 0) == 1 && (poller.revents & (POLLERR | POLLHUP));
}

int output_close(void)
{
    if (output_flush() || reader_is_gone())
        return 0;
    say("cannot write to standard output: output was lost");
    return ERROR_NO;
}
