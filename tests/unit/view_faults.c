/*
 * view_faults.c: the view compiler as a filter, for view_schema_test.py: each line of standard
 * input is a view file, each line of standard output its faults, [["pointer", "text"], …].
 *
 *     view_faults --verbs      prints the verbs: {"hash": ["set", …], …}
 */
#include "view/verbs.h"

#include <fanfold/view.h>
#include <stdio.h>
#include <stdlib.h>

static void print_faults(struct str line)
{
    struct faults faults = {0};
    struct buf out = {0};
    struct view *view = view_parse("v.json", line, &faults);
    buf_add_byte(&out, '[');
    for (size_t i = 0; i < faults.count; i++) {
        if (faults.at[i].warning)
            continue;
        buf_add(&out, out.len > 1 ? STR(",[") : STR("["));
        buf_add_json_string(&out, str_of(faults.at[i].pointer));
        buf_add_byte(&out, ',');
        buf_add_json_string(&out, str_of(faults.at[i].text));
        buf_add_byte(&out, ']');
    }
    buf_add_byte(&out, ']');
    puts(buf_text(&out));
    buf_release(&out);
    faults_release(&faults);
    view_free(view);
}

static void print_verbs(void)
{
    for (int s = 0; s < STRUCTURE_COUNT; s++) {
        printf("%s\"%s\": [", s ? ", " : "{", structure_names[s]);
        const char *comma = "";
        for (size_t i = 0; i < VERB_COUNT; i++) {
            if ((int)verbs[i].structure != s)
                continue;
            printf("%s\"%s\"", comma, verbs[i].name);
            comma = ", ";
        }
        putchar(']');
    }
    puts("}");
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    if (argc == 2 && strcmp(argv[1], "--verbs") == 0) {
        print_verbs();
        return 0;
    }
    while ((len = getline(&line, &room, stdin)) > 0)
        print_faults((struct str){line, (size_t)len - (line[len - 1] == '\n')});
    free(line);
    return 0;
}
