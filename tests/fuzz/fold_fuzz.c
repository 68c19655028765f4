/*
 * fold_fuzz.c: the views of the examples and tests/fuzz/views over any message. No event's text can
 * make a view write a key that is not its own: not one of another view of its folder, and none of
 * Fanfold's.
 */
#include "fuzz.h"
#include "fuzz_fold.h"
#include "fuzz_message.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#define VIEWS_MAX 16

/* The views of one folder; they live until the program ends. */
struct folder {
    const char *path;
    struct view *views[VIEWS_MAX];
    size_t count;
};

static int is_view(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0 &&
           !strstr(entry->d_name, ".cases.");
}

static void load(struct folder *folder)
{
    struct faults faults = {0};
    struct dirent **entries;
    int count = scandir(folder->path, &entries, is_view, alphasort);
    if (count <= 0 || count > VIEWS_MAX)
        errx(1, "%s: 1 to %d views were expected", folder->path, VIEWS_MAX);
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder->path, entries[i]->d_name);
        folder->views[folder->count++] = view_load(path, &faults);
        free(entries[i]);
    }
    free(entries);
    if (!faults.errors)
        views_check(folder->views, folder->count, NULL, &faults);
    faults_print(&faults, stderr);
    if (faults.errors)
        exit(1);
    faults_release(&faults);
}

static void check_others(const struct folder *folder, size_t own, const struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        for (size_t other = 0; other < folder->count; other++)
            for (int s = 0; s < STRUCTURE_COUNT && other != own; s++)
                assert(!fuzz_owns(folder->views[other], (enum structure)s, changes->at[i].key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct folder folders[] = {
        {.path = FANFOLD_SOURCE "/workers/examples/shop/views"},
        {.path = FANFOLD_SOURCE "/workers/examples/sensors/views"},
        {.path = FANFOLD_SOURCE "/workers/examples/crm/views"},
        {.path = FANFOLD_SOURCE "/tests/data/retail/views"},
        {.path = FANFOLD_SOURCE "/tests/fuzz/views"},
    };
    struct fuzz_message made;
    struct arena arena = {0};
    struct cloudevent event;
    struct changes changes = {0};
    struct error error;
    fuzz_message_init(&made, fuzz_input(data, size));
    const struct decoder decoder = {.partition = "x.log.0",
                                    .read = made.has_rules ? &made.rules : NULL};
    bool decoded = cloudevent_decode(&decoder, &made.message, &arena, &event, &error);
    for (size_t f = 0; f < sizeof folders / sizeof *folders; f++) {
        struct folder *folder = &folders[f];
        if (!folder->count)
            load(folder);
        for (size_t i = 0; decoded && i < folder->count; i++) {
            fuzz_fold(folder->views[i], &event, &changes);
            check_others(folder, i, &changes);
        }
    }
    changes_release(&changes);
    arena_release(&arena);
    fuzz_message_release(&made);
    return 0;
}
