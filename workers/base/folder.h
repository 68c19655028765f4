/*
 * folder.h: the files of a folder by the end of their names.
 *
 *     struct folder folder = {0};
 *     if (!folder_list("views", ".json", 10000, &folder, &error)) …;
 *     folder.at[i]                          "views/stock.json", in byte order
 *     folder_release(&folder);
 *
 * Not deeper. Hidden files are editors' and other tools' business, and left out.
 */
#ifndef FANFOLD_BASE_FOLDER_H
#define FANFOLD_BASE_FOLDER_H

#include "base/error.h"

struct folder {
    char **at;
    size_t count, cap;
};

/* Appends at most max paths; false: it cannot be read, or has more. */
bool folder_list(const char *path, const char *ending, size_t max, struct folder *folder,
                 struct error *error);
/* Does the name end so, with something before it? */
bool folder_ends(const char *name, const char *ending);
void folder_release(struct folder *folder);

#endif
