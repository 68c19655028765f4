/*
 * resp.c: commands in Redis' wire format, and what its error texts mean.
 */
#include "base/number.h"
#include "store/redis_client.h"

static void header(struct buf *out, char kind, uint64_t count)
{
    buf_add_byte(out, kind);
    buf_add_u64(out, count);
    buf_add(out, STR("\r\n"));
}

void resp_begin(struct buf *out, size_t args)
{
    header(out, '*', args);
}

void resp_arg(struct buf *out, struct str arg)
{
    header(out, '$', arg.len);
    buf_add(out, arg);
    buf_add(out, STR("\r\n"));
    buf_text(out); /* hiredis looks at the byte behind a command of one argument */
}

void resp_arg_u64(struct buf *out, uint64_t value)
{
    char text[NUMBER_TEXT_MAX];
    resp_arg(out, (struct str){text, number_format_unsigned(value, text)});
}

enum error_kind redis_error_kind(const char *text)
{
    static const char *const permission[] = {"NOAUTH", "WRONGPASS", "NOPERM"};
    for (size_t i = 0; i < sizeof(permission) / sizeof(*permission); i++)
        if (strncmp(text, permission[i], strlen(permission[i])) == 0)
            return ERROR_PERMISSION;
    /* What Redis before 6 says to a wrong password. */
    if (strncmp(text, "ERR invalid password", 20) == 0)
        return ERROR_PERMISSION;
    return ERROR_UNAVAILABLE;
}
