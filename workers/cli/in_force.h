/*
 * in_force.h: the definition that a view is folded by, as it stands in Redis; where nothing is
 * folded yet, as the files have it.
 *
 *     struct definition *definition = in_force(reader, view, &config, epoch, &error);
 *     definition_drop(definition);
 */
#ifndef FANFOLD_CLI_IN_FORCE_H
#define FANFOLD_CLI_IN_FORCE_H

#include "base/partitions.h"
#include "worker/definition.h"
#include <fanfold/redis_reader.h>

/* view: of the files. epoch: "" when nothing is folded yet. NULL: Redis cannot be asked, or what is
 * stored cannot be folded by this version (error says why). */
struct definition *in_force(struct redis_reader *reader, const struct view *view,
                            const struct config *config, char epoch[EPOCH_MAX],
                            struct error *error);

/* Appends the partitions of the view's logs that it is folded by; what Redis does not say, or this
 * version cannot read, is taken from the configuration. Exchanges without a log are left out. */
void in_force_partitions(struct redis_reader *reader, const struct view *view,
                         const struct config *config, struct partition_list *list);

#endif
