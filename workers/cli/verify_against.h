/*
 * verify_against.h: `fanfold verify --against`: one view in two Redis servers.
 */
#ifndef FANFOLD_CLI_VERIFY_AGAINST_H
#define FANFOLD_CLI_VERIFY_AGAINST_H

#include "cli/rebuilding.h"

/* other: the name of a target; or the address of a server, without a password: the login is that of
 * the first. Returns the exit code. */
int verify_against(struct rebuilding *rebuilding, const char *other, bool json);

#endif
