/*
 * terminal.h: text for a person's screen: how wide it is, how wide the screen is, and nothing in it
 * that would steer the terminal.
 */
#ifndef FANFOLD_CLI_TERMINAL_H
#define FANFOLD_CLI_TERMINAL_H

#include "base/str.h"
#include <stdio.h>

/* Columns of the terminal that the stream writes to; 0: it is no terminal. */
size_t terminal_width(FILE *stream);

/* How many characters the text has on a screen (each code point counts one). */
size_t terminal_columns(struct str text);

/* Prints the text, cut with "…" when it has more than max columns (0: never cut) and filled with
 * blanks up to pad columns. Line breaks and tabs become blanks; other control characters
 * and bytes that are not UTF-8 become "?". */
void terminal_print(FILE *out, struct str text, size_t max, size_t pad);

#endif
