/*
 * cmd_rebuild.c: fanfold rebuild: the next generation of a view, built, compared, switched to.
 */
#include "base/number.h"
#include "cli/command.h"
#include "cli/rebuilding.h"
#include "cli/say.h"
#include "cli/target.h"

#include <stdlib.h>
#include <unistd.h>

#define SWITCH_TRIES 5

struct rebuild {
    const struct options *options;
    struct rebuilding rebuilding;
    bool json, keep, yes;
    bool has_limit, limit_is_percent; /* --max-changes */
    int64_t limit;                    /* rows, or PERCENT_DIGITS decimals of a per cent */
    bool switched;
};

#define PERCENT_DIGITS 6
#define PERCENT_WHOLE  100000000 /* 100 of them */

static const char *name_of(const struct rebuild *rebuild)
{
    return view_name(rebuild->rebuilding.view);
}

/* "10" or "0.5%". */
static bool read_limit(struct rebuild *rebuild, struct error *error)
{
    const char *text = options_text(rebuild->options, "max-changes");
    if (!text)
        return true;
    struct str number = str_of(text);
    rebuild->has_limit = true;
    rebuild->limit_is_percent = number.len && number.at[number.len - 1] == '%';
    number.len -= rebuild->limit_is_percent;
    enum number_result result = rebuild->limit_is_percent
                                    ? number_scaled(number, PERCENT_DIGITS, &rebuild->limit)
                                    : number_int(number, &rebuild->limit);
    if (result == NUMBER_OK && rebuild->limit >= 0)
        return true;
    return error_set(error, ERROR_USAGE,
                     "--max-changes takes a number of rows such as 100, or a share such as 0.5%%, "
                     "found \"%s\"",
                     text);
}

static bool read_options(struct rebuild *rebuild, struct error *error)
{
    const struct options *options = rebuild->options;
    const char *on_error = options_text(options, "on-error");
    rebuild->json = options_has(options, "json");
    rebuild->keep = options_has(options, "keep-old");
    rebuild->yes = options_has(options, "yes");
    if (on_error && strcmp(on_error, "stop") != 0 && strcmp(on_error, "park") != 0)
        return error_set(error, ERROR_USAGE, "--on-error takes stop or park, found \"%s\"",
                         on_error);
    if (options_has(options, "cancel") && options_has(options, "drop-old"))
        return error_set(error, ERROR_USAGE, "--cancel and --drop-old are two commands");
    return read_limit(rebuild, error);
}

/* --- is it to be switched to? ---------------------------------------------------------- */

static bool is_below_limit(const struct rebuild *rebuild)
{
    const struct comparison *c = &rebuild->rebuilding.comparison;
    unsigned __int128 changes = comparison_differences(c), rows = c->same + changes;
    return rebuild->limit_is_percent
               ? changes * PERCENT_WHOLE <= (unsigned __int128)rebuild->limit * rows
               : changes <= (uint64_t)rebuild->limit;
}

static bool ask_person(void)
{
    char answer[16] = "";
    fputs("fanfold: switch to the new generation? [y/N] ", stderr);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    return answer[0] == 'y' || answer[0] == 'Y';
}

enum verdict { VERDICT_SWITCH, VERDICT_ASK, VERDICT_LEAVE };

static enum verdict judge(const struct rebuild *rebuild)
{
    if (rebuild->has_limit)
        return is_below_limit(rebuild) ? VERDICT_SWITCH : VERDICT_LEAVE;
    if (rebuild->yes || comparison_differences(&rebuild->rebuilding.comparison) == 0)
        return VERDICT_SWITCH;
    return isatty(STDIN_FILENO) && !rebuild->json ? VERDICT_ASK : VERDICT_LEAVE;
}

static void say_left(const struct rebuild *rebuild)
{
    say("both generations stay, and the new one goes on: `fanfold rebuild %s --yes` switches, "
        "`fanfold "
        "rebuild %s --cancel` removes it",
        name_of(rebuild), name_of(rebuild));
}

static void say_compared(const struct rebuild *rebuild)
{
    const struct rebuilding *rebuilding = &rebuild->rebuilding;
    const struct comparison *c = &rebuilding->comparison;
    const struct generation_position *at = rebuilding->at;
    say("generation %llu beside the live one%s: %llu rows are the same, %llu changed, %llu only "
        "live, "
        "%llu only new",
        (unsigned long long)rebuilding->build.generation,
        rebuilding->build.follows ? ", both at the same position" : "", (unsigned long long)c->same,
        (unsigned long long)c->changed, (unsigned long long)c->only_here,
        (unsigned long long)c->only_there);
    for (size_t i = 0; i < rebuilding->build.partition_count; i++)
        if (at[i].live_reordered)
            say("the live view is reordered on %s: a retry folded events out of turn, so "
                "differences are to be expected",
                rebuilding->build.partitions[i]);
}

/* Compares, and switches unless somebody or something says no. Leaves nothing held. */
static int decide(struct rebuild *rebuild, struct error *error)
{
    struct rebuilding *rebuilding = &rebuild->rebuilding;
    bool asked = false, moved = true;
    for (int i = 0; moved && i < SWITCH_TRIES; i++) {
        if (!rebuilding_compare(rebuilding, 0, error))
            return (int)error->kind;
        if (!asked) {
            say_compared(rebuild);
            if (!rebuild->json && !rebuilding_print(rebuilding, error))
                return (int)error->kind;
            fflush(stdout);
        }
        enum verdict verdict = asked ? VERDICT_SWITCH : judge(rebuild);
        if (verdict != VERDICT_SWITCH && !rebuilding_let_go(rebuilding, error))
            return (int)error->kind;
        if (verdict == VERDICT_LEAVE || (verdict == VERDICT_ASK && !ask_person())) {
            say_left(rebuild);
            return 0;
        }
        if (verdict == VERDICT_ASK) {
            asked = true; /* what was compared before the question is old */
            continue;
        }
        rebuild->switched = rebuilding_switch(rebuilding, rebuild->keep, &moved, error);
        if (!rebuild->switched && !moved)
            return (int)error->kind;
    }
    struct error ignored;
    rebuilding_let_go(rebuilding, &ignored);
    return rebuild->switched ? 0 : (int)error->kind;
}

/* --- actions --------------------------------------------------------------------------- */

static int print_result(const struct rebuild *rebuild, struct error *error)
{
    const struct rebuilding *rebuilding = &rebuild->rebuilding;
    if (rebuild->switched)
        say("%s is generation %llu now%s", name_of(rebuild),
            (unsigned long long)rebuilding->build.generation,
            rebuild->keep ? "; the former rows stay behind fanfold:g:…, until `fanfold rebuild "
                            "--drop-old`"
                          : "");
    return rebuild->switched ? 0 : error->kind ? (int)error->kind : ERROR_NO;
}

/* The rows are read before the switch: afterwards there is nothing to compare. */
static cJSON *differences(const struct rebuild *rebuild, struct error *error)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "view", name_of(rebuild));
    cJSON_AddNumberToObject(object, "generation", (double)rebuild->rebuilding.build.generation);
    rebuilding_json(&rebuild->rebuilding, object, error);
    return object;
}

static int build_and_switch(struct rebuild *rebuild)
{
    struct rebuilding *rebuilding = &rebuild->rebuilding;
    struct error error = {0};
    if (options_has(rebuild->options, "detach")) {
        say("generation %llu of %s is being built; `fanfold rebuild %s` waits for it and switches, "
            "`fanfold status` shows how far it is",
            (unsigned long long)rebuilding->build.generation, name_of(rebuild), name_of(rebuild));
        return 0;
    }
    if (!rebuilding_follow(rebuilding, &error))
        return say_error(&error);
    int code = decide(rebuild, &error);
    if (code && error.kind)
        say("%s", error.text);
    if (rebuild->json && !code) {
        cJSON *object = differences(rebuild, &error);
        cJSON_AddBoolToObject(object, "switched", rebuild->switched);
        char *text = cJSON_Print(object);
        puts(text);
        cJSON_free(text);
        cJSON_Delete(object);
    }
    return code ? code : print_result(rebuild, &error);
}

/* What was begun is finished first; a build of the same definition is taken up again. */
static int take_up(struct rebuild *rebuild, bool *ours, struct error *error)
{
    struct rebuilding *rebuilding = &rebuild->rebuilding;
    *ours = false;
    if (!rebuilding->has_build)
        return 0;
    if (rebuilding->build.state != BUILD_FOLDING) {
        bool switching = rebuilding->build.state == BUILD_SWITCHING;
        if (!rebuilding_finish(rebuilding, error))
            return (int)error->kind;
        if (switching) {
            say("finished the switch that had begun");
            return -1;
        }
        return 0;
    }
    if (strcmp(rebuilding->build.digest, rebuilding->next->digest) == 0 &&
        !rebuilding->build.verify) {
        *ours = true;
        return 0;
    }
    error_set(
        error, ERROR_NO,
        "generation %llu of %s is being built %s already; wait for it, or `fanfold rebuild %s "
        "--cancel` it",
        (unsigned long long)rebuilding->build.generation, name_of(rebuild),
        rebuilding->build.verify ? "by `fanfold verify`" : "by another definition",
        name_of(rebuild));
    return (int)error->kind;
}

/* One former generation can be kept, and is not thrown away unasked. */
static bool check_keep(const struct rebuild *rebuild, struct error *error)
{
    bool kept = false;
    if (!rebuild->keep ||
        !generation_is_kept(rebuild->rebuilding.reader, name_of(rebuild), &kept, error))
        return !rebuild->keep;
    return !kept || error_set(error, ERROR_NO,
                              "the rows that an earlier `fanfold rebuild %s --keep-old` kept are "
                              "there still: remove them first, with --drop-old",
                              name_of(rebuild));
}

static int rebuild_view(struct rebuild *rebuild)
{
    struct rebuilding *rebuilding = &rebuild->rebuilding;
    const char *file = options_text(rebuild->options, "definition");
    const char *on_error = options_text(rebuild->options, "on-error");
    struct error error;
    struct rebuilding_wish wish = {.strict = !on_error || strcmp(on_error, "stop") == 0,
                                   .from_retained = options_has(rebuild->options, "from-retained")};
    bool ours;
    if (!check_keep(rebuild, &error))
        return say_error(&error);
    int code = file ? rebuilding_take_file(rebuilding, file) : 0;
    if (code)
        return code;
    if (!rebuilding->next)
        rebuilding->next = definition_of(rebuilding->view, &rebuilding->config);
    code = take_up(rebuild, &ours, &error);
    if (code)
        return code < 0 ? 0 : say_error(&error);
    bool good = ours ? generation_again(rebuilding->reader, name_of(rebuild), &rebuilding->build,
                                        wish.strict, &error)
                     : rebuilding_begin(rebuilding, &wish, &error);
    if (!good)
        return say_error(&error);
    say("%s generation %llu of %s", ours ? "taking up" : "building",
        (unsigned long long)rebuilding->build.generation, name_of(rebuild));
    return build_and_switch(rebuild);
}

static int cancel(struct rebuild *rebuild)
{
    struct rebuilding *rebuilding = &rebuild->rebuilding;
    struct error error;
    if (!rebuilding->has_build) {
        say("no generation of %s is being built", name_of(rebuild));
        return ERROR_NO;
    }
    if (!rebuilding_remove(rebuilding, &error))
        return say_error(&error);
    say("generation %llu of %s is removed", (unsigned long long)rebuilding->build.generation,
        name_of(rebuild));
    return 0;
}

static int drop_old(struct rebuild *rebuild)
{
    struct rebuilding *rebuilding = &rebuild->rebuilding;
    struct error error;
    bool found;
    if (!generation_end_kept(rebuilding->reader, name_of(rebuild), &found, &error) ||
        (found && !rebuilding_finish(rebuilding, &error)))
        return say_error(&error);
    say(found ? "the former generation of %s is removed" : "no former generation of %s was kept",
        name_of(rebuild));
    return found ? 0 : ERROR_NO;
}

static int run(const struct options *options)
{
    struct rebuild rebuild = {.options = options};
    struct error error;
    if (!read_options(&rebuild, &error))
        return say_usage("rebuild", &error);
    int code = rebuilding_open(&rebuild.rebuilding, options, "rebuild");
    if (code)
        return code;
    code = options_has(options, "cancel")     ? cancel(&rebuild)
           : options_has(options, "drop-old") ? drop_old(&rebuild)
                                              : rebuild_view(&rebuild);
    rebuilding_close(&rebuild.rebuilding);
    return code;
}

static const struct option own_options[] = {
    TARGET_OPTION_REDIS,
    {0, "definition", "FILE", "build by this view file instead of the view's own", COMPLETE_FILE},
    {0, "yes", NULL, "switch without asking, whatever has changed", NULL},
    {0, "max-changes", "ROWS",
     "switch without asking when no more rows differ (100, or 0.1%), else exit with 1", NULL},
    {0, "keep-old", NULL, "keep the former rows, behind fanfold:g:<generation>:", NULL},
    {0, "drop-old", NULL, "remove the rows that --keep-old has kept", NULL},
    {0, "detach", NULL, "begin, and let the workers go on; run the command again to switch", NULL},
    {0, "cancel", NULL, "remove the generation that is being built", NULL},
    {0, "from-retained", NULL, "build also when the log has lost its beginning", NULL},
    {0, "on-error", "RULE",
     "what an event does that cannot be folded, and that the live view has not parked (default "
     "stop)",
     "stop park"},
    {0, "json", NULL, "print the differences as one JSON object", NULL},
    {0},
};

const struct command command_rebuild = {
    .name = "rebuild",
    .group = GROUP_ROWS,
    .summary = "build a view anew from its log, compare, and switch",
    .synopsis = "VIEW [OPTION…]",
    .about =
        "Builds the next generation of a view beside the live one, by its file as it is now, from "
        "the\n"
        "log's first event on. The workers do it, while the live view goes on. When it stands "
        "where\n"
        "the live view stands, the rows of both are compared: what would change is printed. Then "
        "the\n"
        "new rows take the places of the old ones in one step; readers never see an empty view or "
        "a\n"
        "mixed one (above 100,000 rows: some seconds of both).\n"
        "\n"
        "It may be interrupted, and workers may die: run it again and it goes on where it was.\n"
        "Without --yes and --max-changes it asks on a terminal, and elsewhere switches only when\n"
        "nothing differs.\n"
        "\n"
        "Exit code 0: switched (or begun, with --detach); 1: not switched, both generations stay; "
        "or "
        "an\n"
        "event cannot be folded; 69: a server cannot be reached; 77: login or permission refused; "
        "78:\n"
        "the configuration or the view file has a fault.\n"
        "\n"
        "--json prints {\"view\", \"generation\", \"same\", \"changed\", \"only_live\", "
        "\"only_new\" "
        "(numbers\n"
        "of rows), \"differences\": [{\"key\", \"live\", \"new\"}] (some of each kind), "
        "\"switched\"}.",
    .examples = "  fanfold rebuild stock\n"
                "  fanfold rebuild stock --definition stock-next.json --max-changes 0.1%\n"
                "  fanfold rebuild stock --target rome --yes\n"
                "  fanfold rebuild stock --cancel",
    .options = own_options,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
