/*
 * say.h: what the commands tell a person, on standard error, each line with the program's name.
 * Data goes to standard output.
 */
#ifndef FANFOLD_CLI_SAY_H
#define FANFOLD_CLI_SAY_H

#include "base/error.h"

/* "fanfold: text", one line; control characters of quoted input become blanks. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says the error; returns its kind, which is the exit code. */
int say_error(const struct error *error);
/* The same for a wrong command line: names the command whose help would help. */
int say_usage(const char *command, const struct error *error);

/* Hands what is buffered to standard output. False: nobody reads any more (or the disk is full):
 * there is no use in going on. */
bool output_flush(void);
/* At the end of the program: 0, or 1 when output was lost for another reason than a closed pipe. */
int output_close(void);

#endif
