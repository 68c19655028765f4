/*
 * cmd_check.c: fanfold check: configuration and view files, offline, all faults at once.
 */
#include "base/jsonfile.h"
#include "cli/check_live.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/target.h"
#include "worker/views.h"

#include <stdlib.h>

static int report(const struct faults *faults, const struct config *config,
                  const struct view_set *views)
{
    faults_print(faults, stderr);
    if (faults->errors) {
        say("%zu %s", faults->errors, faults->errors == 1 ? "fault" : "faults");
        return ERROR_CONFIG;
    }
    const char *s = views->count == 1 ? "" : "s";
    if (config)
        say("%s and %zu view%s: good", config->path, views->count, s);
    else
        say("%zu view%s: good (without a configuration: exchanges were not checked)", views->count,
            s);
    return 0;
}

/* FILE may be the configuration itself: it has "logs", a view file never. */
static bool is_config(const char *path)
{
    struct faults unsaid = {0}; /* who reads the file for good says them */
    cJSON *root = jsonfile_load(path, &unsaid);
    bool found = cJSON_HasObjectItem(root, "logs") && !cJSON_HasObjectItem(root, "view");
    cJSON_Delete(root);
    faults_release(&unsaid);
    return found;
}

/* The files that are views stay in paths; returns the configuration among them, or NULL. */
static const char *divide(const char **paths, size_t *count)
{
    const char *config = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!config && is_config(paths[i]))
            config = paths[i];
        else
            paths[kept++] = paths[i];
    }
    *count = kept;
    return config;
}

/* Where the configuration has faults: its views are checked all the same, but not against it. */
static void check_folder(const char *config, struct view_set *views, struct faults *faults)
{
    char *folder = config_views_folder(config);
    if (folder)
        view_set_load_folder(folder, NULL, views, faults);
    free(folder);
}

/* Of the views that are kept in the target. */
static int against_live(const struct options *options, struct config *config,
                        struct view_set *views)
{
    struct error error;
    if (!config) {
        say("--against-live needs a configuration: it names Redis and the log");
        return ERROR_CONFIG;
    }
    if (!config_choose(config, options_text(options, "target"), &error))
        return say_usage("check", &error);
    view_set_keep_target(views, config->target);
    return check_live(config, views);
}

static int run(const struct options *options)
{
    struct config config;
    struct faults faults = {0};
    struct view_set views = {0};
    size_t count = options->arg_count;
    const char *path = divide(options->args, &count);
    bool has_config = false;
    if (count == 0 || path || target_config_exists(options))
        has_config = config_load(path ? path : options_text(options, "config"), &config, &faults);
    if (count)
        view_set_load_files(options->args, count, has_config ? &config : NULL, &views, &faults);
    else if (has_config)
        view_set_load(&config, &views, &faults);
    else
        check_folder(path ? path : options_text(options, "config"), &views, &faults);
    int code = report(&faults, has_config ? &config : NULL, &views);
    if (code == 0 && options_has(options, "against-live"))
        code = against_live(options, has_config ? &config : NULL, &views);
    view_set_release(&views);
    faults_release(&faults);
    if (has_config)
        config_release(&config);
    return code;
}

static const struct option own_options[] = {
    {0, "against-live", NULL, "ask Redis and the log which changed views need a replay", NULL},
    TARGET_OPTION_REDIS,
    {0},
};

const struct command command_check = {
    .name = "check",
    .group = GROUP_FILES,
    .summary = "validate the configuration and view files",
    .synopsis = "[FILE…] [--against-live [--target NAME]]",
    .about =
        "Validates the configuration and all view files of its folder; with FILE…, those view\n"
        "files, and the configuration if there is one. No server is needed.\n"
        "\n"
        "All faults are said at once, one a line: the file, the JSON pointer of the place, what\n"
        "is wrong and what would be right. Likely mistakes are marked \"warning:\".\n"
        "\n"
        "--against-live compares the files with the definitions in force: a change of comments "
        "needs\n"
        "nothing, patterns and rules of \"upcast\" for event types that the log has never held "
        "only\n"
        "`fanfold adopt`, all else `fanfold rebuild`. It reads the log when that depends on it.\n"
        "\n"
        "Exit code 0 (also with warnings); 1: with --against-live, some view needs a replay; 78 "
        "when\n"
        "something must be mended; 69 and 77 as elsewhere.",
    .examples = "  fanfold check\n"
                "  fanfold check --against-live\n"
                "  fanfold check views/stock.json views/orders.json\n"
                "  fanfold --config /etc/fanfold/fanfold.json check",
    .options = own_options,
    .args_max = ARGS_ANY,
    .complete = COMPLETE_FILE,
    .run = run,
};
