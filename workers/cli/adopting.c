/*
 * adopting.c: which positions stay, and which go over to other partitions.
 */
#include "cli/adopting.h"
#include "base/partitions.h"
#include <fanfold/generation.h>

#include <stdlib.h>

bool adopting_moves(const struct log_config *live, const struct log_config *next)
{
    char *from = log_partition(live, 0), *to = log_partition(next, 0);
    bool moves = strcmp(from, to) != 0;
    free(from);
    free(to);
    return moves;
}

static const struct log_config *find_log(const struct definition *definition, const char *exchange)
{
    for (size_t i = 0; i < definition->log_count; i++)
        if (strcmp(definition->logs[i].exchange, exchange) == 0)
            return &definition->logs[i];
    return NULL;
}

/* Positions of both, so that none is left with the former epoch. */
struct plan {
    struct adopt_log *logs;
    struct partition_list *lists; /* two for each */
    size_t count;
};

static void add(struct plan *plan, const struct log_config *from, const struct log_config *to)
{
    struct partition_list *lists = &plan->lists[2 * plan->count];
    partition_list_add(&lists[0], from);
    partition_list_add(&lists[1], to);
    plan->logs[plan->count++] = (struct adopt_log){&lists[0], &lists[1], log_same_key(from, to)};
}

bool adopting_commit(struct redis_reader *reader, const char *view, const char *epoch,
                     const struct definition *live, const struct definition *next,
                     struct error *error)
{
    size_t room = live->log_count + next->log_count + 1;
    struct plan plan = {.logs = must_calloc(room, sizeof *plan.logs),
                        .lists = must_calloc(2 * room, sizeof *plan.lists)};
    for (size_t i = 0; i < live->log_count; i++) {
        const struct log_config *to = find_log(next, live->logs[i].exchange);
        add(&plan, &live->logs[i], to ? to : &live->logs[i]);
    }
    for (size_t i = 0; i < next->log_count; i++)
        if (!find_log(live, next->logs[i].exchange))
            add(&plan, &next->logs[i], &next->logs[i]);
    bool done = generation_adopt(reader, view, epoch, next->text, next->digest, plan.logs,
                                 plan.count, error);
    for (size_t i = 0; i < 2 * plan.count; i++)
        partition_list_release(&plan.lists[i]);
    free(plan.lists);
    free(plan.logs);
    return done;
}
