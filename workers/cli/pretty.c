/*
 * pretty.c: indents JSON.
 */
#include "cli/pretty.h"

#define INDENT    2
#define SHORT_MAX 60

static void new_line(struct buf *out, size_t depth)
{
    buf_printf(out, "\n%*s", (int)(depth * INDENT), "");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Bytes of the string that starts at text. */
static size_t string_length(struct str text)
{
    size_t i = 1;
    while (i < text.len && text.at[i] != '"')
        i += text.at[i] == '\\' ? 2 : 1;
    return i < text.len ? i + 1 : text.len;
}

/* Bytes of an array or object at the start of text that fits on a line and holds no other, or 0. */
static size_t flat_length(struct str text)
{
    size_t i = 1;
    while (i < text.len && i <= SHORT_MAX) {
        char c = text.at[i];
        if (c == ']' || c == '}')
            return text.at[0] == '[' || i == 1 ? i + 1 : 0;
        if (c == '[' || c == '{')
            return 0;
        i += c == '"' ? string_length(str_from(text, i)) : 1;
    }
    return 0;
}

static void copy_flat(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len;) {
        size_t len = text.at[i] == '"' ? string_length(str_from(text, i)) : 1;
        if (!is_blank(text.at[i]))
            buf_add(out, (struct str){text.at + i, len});
        if (text.at[i] == ',')
            buf_add_byte(out, ' ');
        i += len;
    }
}

void pretty_json(struct buf *out, struct str json)
{
    size_t depth = 0;
    for (size_t i = 0; i < json.len;) {
        struct str rest = str_from(json, i);
        char c = rest.at[0];
        size_t flat = c == '[' || c == '{' ? flat_length(rest) : 0;
        size_t len = flat ? flat : c == '"' ? string_length(rest) : 1;
        if (flat) {
            copy_flat(out, (struct str){rest.at, flat});
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
            new_line(out, depth);
            buf_add_byte(out, c);
        } else if (!is_blank(c)) {
            buf_add(out, (struct str){rest.at, len});
        }
        if (!flat && (c == '[' || c == '{'))
            new_line(out, ++depth);
        else if (c == ',')
            new_line(out, depth);
        else if (c == ':')
            buf_add_byte(out, ' ');
        i += len;
    }
}
