/*
 * hash.h: SipHash-1-3 with 128 bits of output and a fixed key.
 *
 * Fixed, because an answer that depends on it (is this a duplicate? is this the same log?) must be
 * the same on every worker and at every replay; 128 bits, so that nobody finds two ids that
 * collide. Algorithm: Aumasson, Bernstein, "SipHash: a fast short-input PRF"; 1-3 rounds as in Rust
 * and Ruby.
 */
#ifndef FANFOLD_BASE_HASH_H
#define FANFOLD_BASE_HASH_H

#include "base/str.h"

struct hash128 {
    uint64_t lo, hi;
};

struct hash128 hash128(struct str text);

/* The low half alone, for less. */
uint64_t hash64(struct str text);

/* Of several texts, each preceded by its length, so that ("ab","c") and ("a","bc") differ. */
struct hash128 hash128_of(const struct str *texts, size_t count);

/* Order-dependent mix of two words, for chains of digests (splitmix64's finaliser). */
uint64_t hash_mix(uint64_t a, uint64_t b);

#define HASH_HEX_LEN 16
/* Lower-case hexadecimal, 16 characters and a NUL. */
void hash_hex(uint64_t value, char out[HASH_HEX_LEN + 1]);

#endif
