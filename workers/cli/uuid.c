/*
 * uuid.c: UUID version 7.
 */
#include "cli/uuid.h"
#include "base/clock.h"

#include <stdio.h>

void uuid_make(char out[UUID_TEXT_MAX])
{
    uint64_t ms = (uint64_t)clock_wall_ms(), a = clock_random(), b = clock_random();
    snprintf(out, UUID_TEXT_MAX, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(ms >> 16 & 0xffffffff),
             (unsigned)(ms & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (a >> 12 & 0x3fff)), (unsigned long long)(b & 0xffffffffffff));
}
