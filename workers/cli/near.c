/*
 * near.c: keys by edit distance, whatever the case of their letters.
 */
#include "cli/near.h"
#include "base/error.h"

#include <ctype.h>
#include <stdlib.h>

#define COMPARED_MAX 64 /* bytes */

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance of what is left without the common start and end; of very different texts
 * their length, which is as far. */
static size_t distance(struct str a, struct str b)
{
    while (a.len && b.len && same(a.at[0], b.at[0])) {
        a = str_from(a, 1);
        b = str_from(b, 1);
    }
    while (a.len && b.len && same(a.at[a.len - 1], b.at[b.len - 1])) {
        a.len--;
        b.len--;
    }
    if (a.len > COMPARED_MAX || b.len > COMPARED_MAX)
        return a.len > b.len ? a.len : b.len;
    size_t row[COMPARED_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t replaced = diagonal + (same(a.at[i], b.at[j]) ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = smallest(replaced, row[j] + 1, diagonal + 1);
        }
    }
    return row[b.len];
}

void near_offer(struct near *near, struct str key)
{
    size_t d = distance(near->wanted, key), place = near->count;
    while (place > 0 && near->distances[place - 1] > d)
        place--;
    if (place == NEAR_MAX)
        return;
    if (near->count == NEAR_MAX)
        free(near->keys[--near->count]);
    for (size_t i = near->count; i > place; i--) {
        near->keys[i] = near->keys[i - 1];
        near->distances[i] = near->distances[i - 1];
    }
    near->keys[place] = must_strndup(key.at, key.len);
    near->distances[place] = d;
    near->count++;
}

void near_release(struct near *near)
{
    for (size_t i = 0; i < near->count; i++)
        free(near->keys[i]);
    near->count = 0;
}
