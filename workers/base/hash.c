/*
 * hash.c: SipHash-1-3-128, fed piece by piece.
 *
 * The key is the one of the algorithm's reference vectors (bytes 00 … 0f), so that any other
 * implementation can be compared with this one. hash128_of hashes, for each text, its length as
 * 8 bytes, lowest first, and then its bytes.
 */
#include "base/hash.h"

#include <stdio.h>

#define KEY0 UINT64_C(0x0706050403020100)
#define KEY1 UINT64_C(0x0f0e0d0c0b0a0908)

#define WORD_ROUNDS  1
#define FINAL_ROUNDS 3

struct sip {
    uint64_t v0, v1, v2, v3;
    uint64_t tail;  /* bytes that do not yet fill a word, lowest first */
    uint64_t total; /* bytes so far */
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void rounds(struct sip *s, int count)
{
    for (int i = 0; i < count; i++) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void add_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, WORD_ROUNDS);
    s->v0 ^= word;
}

static uint64_t read_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static struct sip sip_start(void)
{
    return (struct sip){
        .v0 = KEY0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = KEY1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
        .v2 = KEY0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = KEY1 ^ UINT64_C(0x7465646279746573),
    };
}

/* The next `count` ≤ 8 bytes, lowest first; the word is 0 above them. */
static void add_bytes(struct sip *s, uint64_t word, size_t count)
{
    unsigned held = s->total % 8;
    s->total += count;
    s->tail |= word << 8 * held;
    if (held + count < 8)
        return;
    add_word(s, s->tail);
    s->tail = held ? word >> 8 * (8 - held) : 0;
}

/* Works on a copy, which the compiler keeps in registers. */
static void add_text(struct sip *sip, struct str text)
{
    struct sip s = *sip;
    size_t i = 0;
    for (; text.len - i >= 8; i += 8)
        add_bytes(&s, read_word(text.at + i), 8);
    uint64_t rest = 0;
    for (size_t k = text.len; k > i; k--)
        rest = rest << 8 | (unsigned char)text.at[k - 1];
    add_bytes(&s, rest, text.len - i);
    *sip = s;
}

static uint64_t end_low(struct sip *s)
{
    add_word(s, s->tail | s->total << 56);
    s->v2 ^= 0xee;
    rounds(s, FINAL_ROUNDS);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static struct hash128 end_both(struct sip *s)
{
    struct hash128 hash = {.lo = end_low(s)};
    s->v1 ^= 0xdd;
    rounds(s, FINAL_ROUNDS);
    hash.hi = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
    return hash;
}

uint64_t hash64(struct str text)
{
    struct sip s = sip_start();
    add_text(&s, text);
    return end_low(&s);
}

struct hash128 hash128(struct str text)
{
    struct sip s = sip_start();
    add_text(&s, text);
    return end_both(&s);
}

struct hash128 hash128_of(const struct str *texts, size_t count)
{
    struct sip s = sip_start();
    for (size_t i = 0; i < count; i++) {
        add_bytes(&s, texts[i].len, 8);
        add_text(&s, texts[i]);
    }
    return end_both(&s);
}

static uint64_t finalise(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t hash_mix(uint64_t a, uint64_t b)
{
    return finalise(finalise(a + UINT64_C(0x9e3779b97f4a7c15)) ^ b);
}

void hash_hex(uint64_t value, char out[HASH_HEX_LEN + 1])
{
    snprintf(out, HASH_HEX_LEN + 1, "%016llx", (unsigned long long)value);
}
