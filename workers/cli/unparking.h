/*
 * unparking.h: steps of a retry or a drop, committed one after the other, each waited for.
 *
 *     struct unparking *unparking = unparking_open(base, &config.redis, &error);
 *     unparking_commit(unparking, &unpark, &result);
 *     if (result.outcome == COMMIT_UNKNOWN) unparking_wait(unparking, &error) and look again;
 *     unparking_close(unparking);
 *
 * While it waits it turns the loop: whatever else is in it goes on.
 */
#ifndef FANFOLD_CLI_UNPARKING_H
#define FANFOLD_CLI_UNPARKING_H

#include <fanfold/parked.h>

struct unparking;

/* Waits until Redis was found to be usable. NULL: it cannot be reached or used, error says why. */
struct unparking *unparking_open(struct event_base *base, const struct uri *uri,
                                 struct error *error);
/* Waits, for at most half a minute, until there is a connection (again). */
bool unparking_wait(struct unparking *unparking, struct error *error);
void unparking_commit(struct unparking *unparking, const struct unpark *unpark,
                      struct commit_result *result);
/* Waits for the answer too: done is called before it returns. */
void unparking_read(struct unparking *unparking, const struct row_request *request,
                    store_read_fn *done, void *arg);
/* What an outcome other than OK, CONFLICT, REFUSED and UNKNOWN means to a person; returns false. */
bool unparking_fault(const struct commit_result *result, struct error *error);
void unparking_close(struct unparking *unparking);

#endif
