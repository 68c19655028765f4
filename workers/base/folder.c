/*
 * folder.c: lists a folder.
 */
#include "base/folder.h"
#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

static void add(struct folder *folder, const char *path, const char *name)
{
    if (folder->count == folder->cap) {
        folder->cap = folder->cap ? folder->cap * 2 : 16;
        folder->at = must_realloc(folder->at, folder->cap * sizeof *folder->at);
    }
    struct buf whole = {0};
    buf_printf(&whole, "%s/%s", path, name);
    folder->at[folder->count++] = must_strdup(buf_text(&whole));
    buf_release(&whole);
}

bool folder_ends(const char *name, const char *ending)
{
    size_t len = strlen(name), tail = strlen(ending);
    return len > tail && strcmp(name + len - tail, ending) == 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool folder_list(const char *path, const char *ending, size_t max, struct folder *folder,
                 struct error *error)
{
    size_t before = folder->count;
    DIR *dir = opendir(path);
    if (!dir)
        return error_set(error, ERROR_CONFIG, "%s", strerror(errno));
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (entry->d_name[0] != '.' && folder_ends(entry->d_name, ending) &&
            folder->count - before <= max)
            add(folder, path, entry->d_name);
    closedir(dir);
    if (folder->count - before > max)
        return error_set(error, ERROR_CONFIG, "more than %zu files end in %s", max, ending);
    if (folder->count > before)
        qsort(folder->at + before, folder->count - before, sizeof *folder->at, compare_paths);
    return true;
}

void folder_release(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free(folder->at[i]);
    free(folder->at);
    *folder = (struct folder){0};
}
