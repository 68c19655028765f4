/*
 * replay.c: runs a fuzz target on files, without a fuzzer: the files named, and all files of the
 * folders named. Without a file it fails: a corpus that is not found must not look like one that
 * passes.
 */
#include "fuzz.h"

#include "base/error.h"
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_MAX (16 * 1024 * 1024)

/* A block of exactly the input's size, so that a sanitizer sees a read behind it. */
static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0)
        err(1, "%s", path);
    size_t size = (size_t)status.st_size;
    if (size > INPUT_MAX)
        errx(1, "%s: %zu bytes; at most %d are read", path, size, INPUT_MAX);
    uint8_t *data = must_alloc(size);
    if (size && fread(data, size, 1, file) != 1)
        errx(1, "%s: cannot be read", path);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* names the culprit when the target crashes */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t replay_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0)
        err(1, "%s", folder);
    for (int i = 0; i < count; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
            err(1, "%s", folder);
        replay_file(path);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return (size_t)count;
}

int main(int count, char **paths)
{
    size_t replayed = 0;
    for (int i = 1; i < count; i++) {
        struct stat status;
        if (stat(paths[i], &status) != 0)
            err(1, "%s", paths[i]);
        if (S_ISDIR(status.st_mode)) {
            replayed += replay_folder(paths[i]);
        } else {
            replay_file(paths[i]);
            replayed++;
        }
    }
    if (!replayed)
        errx(1, "no input was found; name files or folders");
    printf("%zu inputs\n", replayed);
    return 0;
}
