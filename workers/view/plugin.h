/*
 * plugin.h: views whose fold is a plugin (fanfold/fold.h says what a plugin is).
 *
 * Its "rows" become actions of the model that are checked as those of any view (families,
 * collisions, keep, expire, commuting), but never run: they say what the plugin may write, and
 * plugin_write.c looks every change up in them. So nothing outside this stage, and little inside,
 * knows that there are plugins.
 */
#ifndef FANFOLD_VIEW_PLUGIN_H
#define FANFOLD_VIEW_PLUGIN_H

#include "view/compile.h"
#include <fanfold/fold.h>

struct plugin {
    void *handle; /* dlopen's */
    const struct fanfold_plugin *entry;
    const struct json *parameters; /* JSON_NULL without any */
    void *context;                 /* what init left */
};

/* plugin.c: what stands beside "plugin" in a view file, and the plugin itself. */
void plugin_compile(struct compiler *c, cJSON *tree);

/* plugin_load.c: finds, checks and opens the shared object; NULL: faults were added. Its init has
 * not run then; plugin_init() runs it. */
struct plugin *plugin_open(struct compiler *c, const char *name);
void plugin_init(struct compiler *c, struct plugin *plugin);
/* Takes NULL, and what was opened but not initialised. */
void plugin_close(struct plugin *plugin);
/* digest, with the plugin's name and version where there is one. */
uint64_t plugin_digest(const struct plugin *plugin, uint64_t digest);

/* plugin_call.c: as view_fold(). */
enum fold_result plugin_fold(const struct view *view, const struct cloudevent *event,
                             struct changes *changes, struct arena *scratch, struct error *why);

#endif
