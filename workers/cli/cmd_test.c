/*
 * cmd_test.c: fanfold test: given events, expected rows, without any server.
 */
#include "cli/case_report.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/target.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/stat.h>

struct tests {
    struct folder paths;             /* of the files of cases */
    struct folder bare;              /* view files without cases */
    const struct config **config_of; /* by path; NULL: none */
    struct config **configs;         /* events point into their upcasts */
    size_t config_count;
    struct case_file *files;
    size_t file_count;
    struct faults faults;
    bool json;
    cJSON *answer; /* "files" */
    struct junit junit;
    size_t cases, failed;
};

/* ------------------------------------------------------------------------------------ which files
 */

static void add_path(struct folder *folder, const char *path)
{
    folder->at = must_realloc(folder->at, (folder->count + 1) * sizeof *folder->at);
    folder->at[folder->count++] = must_strdup(path);
    folder->cap = folder->count;
}

/* Views of the folder that have no cases beside them. */
static void find_bare(struct tests *tests, const char *folder)
{
    struct folder views = {0};
    view_folder_list(folder, &views, &tests->faults);
    for (size_t i = 0; i < views.count; i++) {
        struct buf cases = {0};
        bool found = false;
        buf_printf(&cases, "%.*s%s", (int)(strlen(views.at[i]) - strlen(".json")), views.at[i],
                   VIEW_CASES_ENDING);
        for (size_t k = 0; k < tests->paths.count; k++)
            found |= strcmp(tests->paths.at[k], buf_text(&cases)) == 0;
        if (!found)
            add_path(&tests->bare, views.at[i]);
        buf_release(&cases);
    }
    folder_release(&views);
}

static void find_in_folder(struct tests *tests, const char *folder)
{
    struct error error;
    size_t before = tests->paths.count;
    if (!folder_list(folder, VIEW_CASES_ENDING, VIEW_SET_MAX, &tests->paths, &error))
        faults_add(&tests->faults, folder, "", "cannot read this folder: %s", error.text);
    else if (tests->paths.count == before)
        faults_add(&tests->faults, folder, "",
                   "no cases here: those of stock.json stand in stock%s beside it",
                   VIEW_CASES_ENDING);
    else
        find_bare(tests, folder);
}

/* path: NULL for the usual ones. NULL: it has faults. */
static const struct config *load_config(struct tests *tests, const char *path)
{
    struct config *config = must_calloc(1, sizeof *config);
    if (!config_load(path, config, &tests->faults)) {
        free(config);
        return NULL;
    }
    tests->configs =
        must_realloc(tests->configs, (tests->config_count + 1) * sizeof *tests->configs);
    return tests->configs[tests->config_count++] = config;
}

/* usual: the configuration of whoever runs this, or NULL. Returns that of what it finds. */
static const struct config *find(struct tests *tests, const char *path, const struct config *usual)
{
    struct stat status;
    struct buf file = {0};
    const struct config *config = usual;
    buf_printf(&file, "%s/fanfold.json", path);
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        add_path(&tests->paths, path);
    else if (stat(buf_text(&file), &status) != 0)
        find_in_folder(tests, path);
    else if ((config = load_config(tests, buf_text(&file))))
        find_in_folder(tests, config->views);
    buf_release(&file);
    return config;
}

/* What was found since then stands under this configuration. */
static void configure(struct tests *tests, size_t since, const struct config *config)
{
    tests->config_of =
        must_realloc(tests->config_of, (tests->paths.count + 1) * sizeof *tests->config_of);
    while (since < tests->paths.count)
        tests->config_of[since++] = config;
}

static void find_all(struct tests *tests, const struct options *options)
{
    bool has_usual = target_config_exists(options);
    const struct config *usual =
        has_usual ? load_config(tests, options_text(options, "config")) : NULL;
    for (size_t i = 0; i < options->arg_count; i++) {
        size_t since = tests->paths.count;
        configure(tests, since, find(tests, options->args[i], usual));
    }
    if (options->arg_count == 0 && (usual || !has_usual)) {
        find_in_folder(tests, usual ? usual->views : ".");
        configure(tests, 0, usual);
    }
}

static void load(struct tests *tests)
{
    tests->files = must_calloc(tests->paths.count + 1, sizeof *tests->files);
    for (size_t i = 0; i < tests->paths.count; i++)
        if (case_file_load(tests->paths.at[i], &tests->files[tests->file_count], &tests->faults)) {
            if (tests->config_of[i])
                case_file_upcast(&tests->files[tests->file_count], tests->config_of[i]);
            tests->file_count++;
        }
}

/* ---------------------------------------------------------------------------------------- results
 */

/* The text line by line, each four columns in. */
static void print_indented(const char *text, size_t len)
{
    for (const char *line = text, *end; line < text + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + len - line));
        end = end ? end : text + len;
        printf("    %.*s\n", (int)(end - line), line);
    }
}

static void print_result(const struct case_file *file, const struct case_result *result)
{
    char *text = NULL;
    size_t len = 0;
    const char *why = result->findings[CASE_INTERLEAVED].not_run;
    printf("  %s ", result->good ? "good  " : "FAILED");
    terminal_print(stdout, str_of(result->test->name), 0, 0);
    putchar('\n');
    if (why && view_commutes(file->view))
        printf("    not %s: %s\n", result->findings[CASE_SPLIT].not_run ? "varied" : "interleaved",
               why);
    FILE *memory = open_memstream(&text, &len);
    if (!memory)
        return;
    case_result_print(memory, result);
    fclose(memory);
    print_indented(text, len);
    free(text);
}

static void run_case(struct tests *tests, const struct case_file *file, cJSON *list, size_t index)
{
    struct case_result result;
    case_check(file, &file->cases[index], &result);
    tests->cases++;
    tests->failed += !result.good;
    if (tests->json)
        cJSON_AddItemToArray(list, case_result_json(&result));
    else
        print_result(file, &result);
    junit_case(&tests->junit, file, &result);
    case_result_release(&result);
}

static void run_file(struct tests *tests, const struct case_file *file)
{
    cJSON *object = cJSON_CreateObject(), *list;
    cJSON_AddItemToArray(tests->answer, object);
    cJSON_AddStringToObject(object, "file", file->path);
    cJSON_AddStringToObject(object, "view", view_name(file->view));
    list = cJSON_AddArrayToObject(object, "cases");
    if (!tests->json)
        printf("%s\n", file->path);
    for (size_t i = 0; i < file->count; i++)
        run_case(tests, file, list, i);
    if (!tests->json && !view_commutes(file->view))
        printf("  not interleaved: %s\n", view_order_why(file->view));
    junit_suite(&tests->junit, file);
}

static void print_answer(const struct tests *tests)
{
    char *text = cJSON_PrintUnformatted(tests->answer);
    printf("{\"files\":%s,\"cases\":%zu,\"failed\":%zu}\n", text, tests->cases, tests->failed);
    free(text);
}

static int run_all(struct tests *tests, const char *junit)
{
    struct error error;
    for (size_t i = 0; i < tests->file_count; i++)
        run_file(tests, &tests->files[i]);
    if (tests->json)
        print_answer(tests);
    fflush(stdout);
    for (size_t i = 0; i < tests->bare.count; i++)
        say("%s has no cases", tests->bare.at[i]);
    say("%zu case%s, %zu failed", tests->cases, tests->cases == 1 ? "" : "s", tests->failed);
    if (junit && !junit_write(&tests->junit, junit, &error))
        return say_error(&error);
    return tests->failed ? ERROR_NO : 0;
}

static int run(const struct options *options)
{
    struct tests tests = {.json = options_has(options, "json"), .answer = cJSON_CreateArray()};
    int code = ERROR_CONFIG;
    find_all(&tests, options);
    load(&tests);
    faults_print(&tests.faults, stderr);
    if (!tests.faults.errors)
        code = run_all(&tests, options_text(options, "junit"));
    for (size_t i = 0; i < tests.file_count; i++)
        case_file_release(&tests.files[i]);
    free(tests.files);
    folder_release(&tests.paths);
    folder_release(&tests.bare);
    for (size_t i = 0; i < tests.config_count; i++) {
        config_release(tests.configs[i]);
        free(tests.configs[i]);
    }
    free(tests.configs);
    free(tests.config_of);
    faults_release(&tests.faults);
    cJSON_Delete(tests.answer);
    junit_release(&tests.junit);
    return code;
}

static const struct option own_options[] = {
    {0, "junit", "FILE", "write the results as JUnit's XML too, for build servers", COMPLETE_FILE},
    {0, "json", NULL, "print one JSON object", NULL},
    {0},
};

const struct command command_test = {
    .name = "test",
    .group = GROUP_FILES,
    .summary = "run the cases of views: given events, expected rows",
    .synopsis = "[DIR|FILE…] [--junit FILE] [--json]",
    .about =
        "Runs the cases that stand beside views, stock.cases.json beside stock.json, in memory "
        "and\n"
        "without any server. DIR is a folder of views, or one with a fanfold.json; without it, "
        "the\n"
        "\"views\" of the configuration, or else the current folder.\n"
        "\n"
        "  { \"cases\": [ { \"name\": \"an order reserves what it names\",\n"
        "      \"given\": [ {\"type\": \"order.placed\", \"subject\": \"o-7\",\n"
        "                  \"data\": {\"lines\": [{\"sku\": \"mug\", \"quantity\": 2}]}} ],\n"
        "      \"expect\": { \"rows\": {\"stock:mug\": {\"reserved\": \"2\"}} } } ] }\n"
        "\n"
        "\"given\" lists CloudEvents (\"specversion\", \"id\" and \"source\" may be left out); for "
        "a "
        "view\n"
        "over several exchanges, {exchange: [event, …], …}. \"expect\" has \"rows\": all of them, "
        "as\n"
        "`fanfold get` prints them; and, where it matters, \"parked\": {id: a part of the "
        "reason},\n"
        "\"expire\": {key: time}, \"stops\": a part of the reason.\n"
        "\n"
        "Each case must give the same rows when every event comes twice, when the events are "
        "divided\n"
        "into batches at every place, and, where the verbs of the view commute, when they are "
        "mixed\n"
        "across several partitions.\n"
        "\n"
        "Where there is a configuration, events pass the \"upcast\" of their log first.\n"
        "\n"
        "Exit code 0; 1: a case failed; 78: a file has faults, and nothing was run.\n"
        "\n"
        "--json prints {\"files\": [{\"file\", \"view\", \"cases\": [{\"name\", \"good\", "
        "\"runs\": "
        "[{\"kind\",\n"
        "\"runs\", \"failed\", \"not_run\", \"how\", \"differences\": [{\"what\", \"key\", "
        "\"expected\",\n"
        "\"found\"}]}]}]}], \"cases\", \"failed\"}.",
    .examples = "  fanfold test\n"
                "  fanfold test views --junit report.xml\n"
                "  fanfold test views/stock.cases.json",
    .options = own_options,
    .args_max = ARGS_ANY,
    .complete = COMPLETE_FILE,
    .run = run,
};
