/*
 * lines.h: reads lines from a descriptor with bounded memory.
 *
 *     struct lines lines = {.fd = STDIN_FILENO};
 *     while (lines_next(&lines, &line) != LINE_END) …;    line is valid until the next call
 *     lines_release(&lines);
 *
 * A line ends with LF or CR LF, which are not part of it; the last one needs none. Blank lines are
 * counted and passed over. A byte order mark at the start is, too.
 */
#ifndef FANFOLD_CLI_LINES_H
#define FANFOLD_CLI_LINES_H

#include "base/buf.h"

#define LINE_MAX_BYTES (16 * 1024 * 1024)

enum line_result {
    LINE_OK,
    LINE_TOO_LONG, /* passed over to its end; line is empty */
    LINE_END,
    LINE_FAILED,  /* cannot be read: errno */
    LINE_STOPPED, /* *stop became true, or idle said so */
};

struct lines {
    int fd;
    const volatile int *stop; /* set by a signal handler; NULL: none */
    /* Called again and again while nothing comes; false ends the reading. NULL: none. */
    bool (*idle)(void *arg);
    void *idle_arg;
    struct buf buf;
    size_t start;    /* of what is unread in buf */
    size_t searched; /* bytes behind start that hold no LF */
    bool ended, skipping;
    uint64_t number; /* of the line returned last, from 1 */
    uint64_t bytes;  /* read so far */
};

enum line_result lines_next(struct lines *lines, struct str *line);
void lines_release(struct lines *lines);

#endif
