/*
 * lines.c: lines out of a descriptor.
 */
#include "cli/lines.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)
/* A signal between the test of *stop and poll() is seen after this long. */
#define IDLE_MS 200

static bool stopped(const struct lines *lines)
{
    return lines->stop && *lines->stop;
}

/* LINE_OK: there is something to read, or its end. */
static enum line_result wait_for_bytes(const struct lines *lines)
{
    struct pollfd poller = {.fd = lines->fd, .events = POLLIN};
    for (;;) {
        if (stopped(lines))
            return LINE_STOPPED;
        int n = poll(&poller, 1, lines->stop || lines->idle ? IDLE_MS : -1);
        if (n > 0)
            return LINE_OK;
        if (n == 0 && lines->idle && !lines->idle(lines->idle_arg))
            return LINE_STOPPED;
        if (n < 0 && errno != EINTR)
            return LINE_FAILED;
    }
}

/* Appends what can be read, and notes the end. */
static enum line_result fill(struct lines *lines)
{
    if (lines->start) {
        memmove(lines->buf.at, lines->buf.at + lines->start, lines->buf.len - lines->start);
        lines->buf.len -= lines->start;
        lines->start = 0;
    }
    enum line_result ready = wait_for_bytes(lines);
    if (ready != LINE_OK)
        return ready;
    ssize_t n = read(lines->fd, buf_room(&lines->buf, READ_BYTES), READ_BYTES);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? LINE_OK : LINE_FAILED;
    lines->buf.len += (size_t)n;
    lines->bytes += (uint64_t)n;
    lines->ended = n == 0;
    return LINE_OK;
}

/* What is unread, up to its first LF (*found) or all of it. */
static struct str unread(struct lines *lines, bool *found)
{
    struct str rest = str_from(buf_str(&lines->buf), lines->start);
    const char *lf = NULL;
    if (rest.len > lines->searched)
        lf = memchr(rest.at + lines->searched, '\n', rest.len - lines->searched);
    *found = lf != NULL;
    lines->searched = lf ? 0 : rest.len;
    return lf ? (struct str){rest.at, (size_t)(lf - rest.at)} : rest;
}

/* One whole line of whatever content; LINE_OK with an empty line stands for a blank one. */
static enum line_result next_raw(struct lines *lines, struct str *line)
{
    for (;;) {
        bool found;
        struct str text = unread(lines, &found);
        bool too_long = text.len > LINE_MAX_BYTES;
        bool skipping = lines->skipping;
        if (found || (lines->ended && text.len)) {
            lines->start += text.len + (found ? 1 : 0);
            lines->searched = 0;
            lines->skipping = false;
            lines->number++;
            *line = too_long || skipping ? STR("") : text;
            return too_long || skipping ? LINE_TOO_LONG : LINE_OK;
        }
        if (lines->ended) {
            lines->skipping = false;
            lines->number += skipping ? 1 : 0;
            return skipping ? LINE_TOO_LONG : LINE_END;
        }
        if (too_long) {
            lines->skipping = true;
            lines->start = lines->buf.len;
            lines->searched = 0;
        }
        enum line_result filled = fill(lines);
        if (filled != LINE_OK)
            return filled;
    }
}

static bool is_blank(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != ' ' && text.at[i] != '\t')
            return false;
    return true;
}

enum line_result lines_next(struct lines *lines, struct str *line)
{
    for (;;) {
        if (stopped(lines))
            return LINE_STOPPED;
        enum line_result result = next_raw(lines, line);
        if (result != LINE_OK)
            return result;
        if (lines->number == 1 && str_starts(*line, STR("\xef\xbb\xbf")))
            *line = str_from(*line, 3);
        if (line->len && line->at[line->len - 1] == '\r')
            line->len--;
        if (!is_blank(*line))
            return LINE_OK;
    }
}

void lines_release(struct lines *lines)
{
    buf_release(&lines->buf);
}
