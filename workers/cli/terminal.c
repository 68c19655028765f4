/*
 * terminal.c: texts from events, shown safely.
 */
#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

size_t terminal_width(FILE *stream)
{
    int fd = fileno(stream);
    if (!isatty(fd))
        return 0;
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_DEFAULT;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the character at the start of text, or 0 when it must not be shown: a control character
 * (C0, C1, DEL), or no UTF-8. Overlong forms do not matter here: they cannot steer a terminal that
 * decodes them strictly, and others do not decode them. */
static size_t shown_length(struct str text)
{
    unsigned char c = (unsigned char)text.at[0];
    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    size_t len = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
    if (len == 0 || c >= 0xf5 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (!is_continuation((unsigned char)text.at[i]))
            return 0;
    bool c1 = c == 0xc2 && (unsigned char)text.at[1] < 0xa0;
    return c1 ? 0 : len;
}

size_t terminal_columns(struct str text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.len; columns++) {
        size_t len = shown_length(str_from(text, i));
        i += len ? len : 1;
    }
    return columns;
}

void terminal_print(FILE *out, struct str text, size_t max, size_t pad)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.len; columns++) {
        size_t len = shown_length(str_from(text, i)), step = len ? len : 1;
        /* The last column is for "…" unless this is the last character. */
        if (max && columns + 1 == max && i + step < text.len) {
            fputs("…", out);
            columns++;
            break;
        }
        if (len)
            fwrite(text.at + i, 1, len, out);
        else
            putc(text.at[i] == '\n' || text.at[i] == '\r' || text.at[i] == '\t' ? ' ' : '?', out);
        i += step;
    }
    for (; columns < pad; columns++)
        putc(' ', out);
}
