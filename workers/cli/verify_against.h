/*
 * verify_against.h: `fanfold verify --against`: one view in two Redis servers.
 */
#ifndef FANFOLD_CLI_VERIFY_AGAINST_H
#define FANFOLD_CLI_VERIFY_AGAINST_H

#include "cli/rebuilding.h"

/* uri: of the other server, without a password: the login is that of the first. Returns the exit
 * code. */
int verify_against(struct rebuilding *rebuilding, const char *uri, bool json);

#endif
