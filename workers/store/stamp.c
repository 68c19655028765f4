/* stamp.c: see stamp.h. */
#include "store/stamp.h"

#include "base/error.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

struct stamp {
    int64_t time_ms;
    uint64_t offset;
    struct str partition;
};

static struct stamp read(struct str text)
{
    struct stamp stamp;
    char *copy = must_strndup(text.at, text.len), *end;
    stamp.time_ms = strtoll(copy, &end, 10);
    assert(*end == ' ');
    stamp.offset = strtoull(end + 1, &end, 10);
    assert(*end == ' ');
    stamp.partition = str_from(text, (size_t)(end + 1 - copy));
    free(copy);
    return stamp;
}

int stamp_cmp(struct str a, struct str b)
{
    struct stamp x = read(a), y = read(b);
    if (x.time_ms != y.time_ms)
        return x.time_ms < y.time_ms ? -1 : 1;
    int order = str_cmp(x.partition, y.partition);
    return order ? order : (x.offset > y.offset) - (x.offset < y.offset);
}

void stamp_name(struct buf *out, struct str key, struct str place)
{
    buf_add_u64(out, key.len);
    buf_add_byte(out, ':');
    buf_add(out, key);
    if (!str_is(place))
        return;
    buf_add_byte(out, ':');
    buf_add(out, place);
}
