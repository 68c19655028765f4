/* targets.c: see targets.h. */
#include "view/targets.h"

#include <stdlib.h>

static void add_target(struct compiler *c, const char *at, const cJSON *item)
{
    struct view *view = c->view;

    if (!cJSON_IsString(item) || !target_is_name(item->valuestring)) {
        faults_add(c->faults, c->file, at, TARGET_NAME_RULE "; found %s", compile_found(c, item));
        return;
    }
    if (view->target_count && view_is_in(view, item->valuestring))
        faults_add(c->faults, c->file, at, "the target \"%s\" is listed twice", item->valuestring);
    view->targets[view->target_count++] = arena_printf(c->arena, "%s", item->valuestring).at;
}

static void compile_list(struct compiler *c, const cJSON *list)
{
    size_t index = 0;
    const cJSON *item;

    if (!cJSON_IsArray(list) || !list->child || cJSON_GetArraySize(list) > TARGETS_MAX) {
        faults_add(c->faults, c->file, "/targets",
                   "\"targets\" takes a list of 1 to %d targets of the configuration, such as "
                   "[\"paris\", \"rome\"], found %s; a view without it is kept in all of them",
                   TARGETS_MAX, compile_found(c, list));
        return;
    }
    c->view->targets = arena_alloc(c->arena, TARGETS_MAX * sizeof(char *));
    cJSON_ArrayForEach(item, list)
    {
        char *place = jsonfile_pointer_index("/targets", index++);
        add_target(c, place, item);
        free(place);
    }
}

void targets_compile(struct compiler *c, cJSON *tree)
{
    cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(tree, "targets");

    if (list)
        compile_list(c, list);
    cJSON_Delete(list);
}

static void refuse(const struct view *view, size_t index, const struct config *config,
                   struct faults *faults)
{
    char *place = jsonfile_pointer_index("/targets", index);
    struct buf near = {0};

    if (config->targets.count)
        targets_suggest(&config->targets, view->targets[index], &near);
    else
        buf_add(&near, STR("it names only one, by \"redis\""));
    faults_add(faults, view->file, place, "there is no target \"%s\" in %s; %s",
               view->targets[index], config->path, buf_text(&near));
    buf_release(&near);
    free(place);
}

void targets_check(const struct view *view, const struct config *config, struct faults *faults)
{
    for (size_t i = 0; i < view->target_count; i++)
        if (!targets_find(&config->targets, view->targets[i]))
            refuse(view, i, config, faults);
}

bool view_is_in(const struct view *view, const char *target)
{
    for (size_t i = 0; i < view->target_count; i++)
        if (strcmp(view->targets[i], target) == 0)
            return true;
    return view->target_count == 0;
}

size_t view_target_count(const struct view *view)
{
    return view->target_count;
}

const char *view_target(const struct view *view, size_t index)
{
    return view->targets[index];
}
