/*
 * near.h: keys that resemble one that is not there.
 *
 *     struct near near = {.wanted = key};
 *     for each candidate: near_offer(&near, candidate);
 *     near.keys[0 … near.count): the best first
 *     near_release(&near);
 */
#ifndef FANFOLD_CLI_NEAR_H
#define FANFOLD_CLI_NEAR_H

#include "base/str.h"

#define NEAR_MAX 5

struct near {
    struct str wanted;
    char *keys[NEAR_MAX];
    size_t distances[NEAR_MAX];
    size_t count;
};

void near_offer(struct near *near, struct str key);
void near_release(struct near *near);

#endif
