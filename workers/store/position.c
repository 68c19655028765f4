/*
 * position.c: positions and tallies as text, as they stand in Redis (position.h has the format).
 *
 * Reading is strict: what this program did not write is no position, and a task is better stopped
 * with a conflict than started from a guess.
 */
#include <fanfold/position.h>

void position_write(struct buf *out, const struct position *position)
{
    if (position->epoch[0] == '\0')
        return;
    buf_add(out, str_of(position->epoch));
    buf_add_byte(out, ' ');
    buf_add_u64(out, position->offset);
    buf_add_byte(out, ' ');
    buf_add_u64(out, position->fingerprint);
    buf_add_byte(out, ' ');
    buf_add_u64(out, position->park_revision);
}

/* Takes `literal` off the front of text. */
static bool take(struct str *text, struct str literal)
{
    if (!str_starts(*text, literal))
        return false;
    *text = str_from(*text, literal.len);
    return true;
}

/* Takes a decimal number as buf_add_u64 writes it off the front of text. */
static bool take_u64(struct str *text, uint64_t *value)
{
    uint64_t sum = 0;
    size_t digits = 0;
    for (; digits < text->len && text->at[digits] >= '0' && text->at[digits] <= '9'; digits++) {
        uint64_t digit = (uint64_t)(text->at[digits] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (digits == 0 || (digits > 1 && text->at[0] == '0'))
        return false;
    *text = str_from(*text, digits);
    *value = sum;
    return true;
}

bool position_read(struct str text, struct position *position)
{
    struct position read = {0};
    if (text.len == 0) {
        *position = read;
        return true;
    }
    const char *blank = memchr(text.at, ' ', text.len);
    size_t length = blank ? (size_t)(blank - text.at) : 0;
    if (length == 0 || length >= EPOCH_MAX || memchr(text.at, '\0', length))
        return false;
    memcpy(read.epoch, text.at, length);
    text = str_from(text, length);
    if (!take(&text, STR(" ")) || !take_u64(&text, &read.offset) || !take(&text, STR(" ")) ||
        !take_u64(&text, &read.fingerprint) || !take(&text, STR(" ")) ||
        !take_u64(&text, &read.park_revision) || text.len != 0)
        return false;
    *position = read;
    return true;
}

bool position_eq(const struct position *a, const struct position *b)
{
    return strcmp(a->epoch, b->epoch) == 0 &&
           (a->epoch[0] == '\0' || (a->offset == b->offset && a->fingerprint == b->fingerprint &&
                                    a->park_revision == b->park_revision));
}

void tally_write(struct buf *out, const struct tally *tally)
{
    buf_add(out, STR("folded="));
    buf_add_u64(out, tally->folded);
    buf_add(out, STR(" ignored="));
    buf_add_u64(out, tally->ignored);
    buf_add(out, STR(" duplicates="));
    buf_add_u64(out, tally->duplicates);
    buf_add(out, STR(" parked="));
    buf_add_u64(out, tally->parked);
    buf_add(out, STR(" skipped="));
    buf_add_u64(out, tally->skipped);
}

bool tally_read(struct str text, struct tally *tally)
{
    struct tally read = {0};
    if (!take(&text, STR("folded=")) || !take_u64(&text, &read.folded) ||
        !take(&text, STR(" ignored=")) || !take_u64(&text, &read.ignored) ||
        !take(&text, STR(" duplicates=")) || !take_u64(&text, &read.duplicates) ||
        !take(&text, STR(" parked=")) || !take_u64(&text, &read.parked) ||
        !take(&text, STR(" skipped=")) || !take_u64(&text, &read.skipped) || text.len != 0)
        return false;
    *tally = read;
    return true;
}

void task_state_release(struct task_state *state)
{
    map_release(&state->waiting);
    moved_release(&state->moved);
    *state = (struct task_state){0};
}
