/*
 * scripts.h: the server-side scripts as text; the build makes them from the .lua files.
 */
#ifndef FANFOLD_STORE_SCRIPTS_H
#define FANFOLD_STORE_SCRIPTS_H

extern const char commit_lua[];
extern const char compare_lua[];
extern const char generation_lua[];
extern const char lease_lua[];
extern const char read_lua[];
extern const char unpark_lua[];

#endif
