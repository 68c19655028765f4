/*
 * model.h: what a view file becomes once it is compiled. Private to this stage.
 *
 * Everything lives in the view's arena and is never changed after view_parse(), so one view may
 * fold for several tasks. Compiling is bottom-up: pointers stand in templates, templates and
 * pointers in values, values in conditions and verbs, those in actions, actions in rules (one per
 * pattern of "on").
 */
#ifndef FANFOLD_VIEW_MODEL_H
#define FANFOLD_VIEW_MODEL_H

#include "base/timestamp.h"
#include <fanfold/view.h>

#define EACH_MAX  3  /* DESIGN section 7: three levels of each */
#define NEST_MAX  16 /* levels of do, with or without each */
#define PARTS_MAX 32 /* parts of one template */
#define WITHS_MAX 8  /* rows of with that can be seen from one place */

#define POINTER_EVENT (-1)
#define POINTER_ROW   (-2)

struct token {
    struct str name;
    bool is_index; /* also a valid array index: digits without leading zeros */
    size_t index;
};

/* A JSON Pointer (RFC 6901) split into its tokens. */
struct pointer {
    const char *text; /* as written, for messages */
    struct token *tokens;
    size_t count;
    int up;   /* POINTER_EVENT, POINTER_ROW, or how many each further out than the nearest: ./x 0 */
    int slot; /* POINTER_ROW: which row of with */
    bool optional; /* ended in "?" */
    bool in_data;  /* /data or below */
    bool is_time;  /* exactly /time */
};

enum part_kind { PART_LITERAL, PART_POINTER, PART_KEY };

struct part {
    enum part_kind kind;
    struct str literal;
    struct pointer pointer;
    enum time_unit unit; /* TIME_UNIT_NONE: the text as it is */
};

struct template
{
    const char *text; /* as written */
    struct part *parts;
    size_t count;
    struct str fixed; /* the whole text when no part depends on the event, else {NULL,0} */
};

/* A row that is read: "r": {structure: key}. */
struct with {
    const char *place, *name;
    enum structure structure;
    struct template key;
    bool compiled;     /* the key is */
    int slot;          /* in scope.rows */
    bool used;         /* some pointer points into it */
    struct with *next; /* all of the view, in the order of the file */
};

/* What a pointer can see from a place in the file. */
struct around {
    int each;                      /* levels of each around it */
    struct with *withs[WITHS_MAX]; /* by slot */
    int with_count;
};

enum value_kind {
    VALUE_LITERAL,
    VALUE_POINTER,
    VALUE_TEMPLATE,
    VALUE_AT, /* pointer, or literal when it points to nothing */
    VALUE_SUM,
    VALUE_PRODUCT,
    VALUE_NEGATE,
    VALUE_SCALE,
    VALUE_EPOCH,
    VALUE_OBJECT,
};

struct value {
    enum value_kind kind;
    const char *label; /* how messages name it: the pointer, the template, or "sum" */
    const struct json *literal;
    struct pointer pointer;
    struct template template;
    struct value *items;    /* SUM, PRODUCT, NEGATE, SCALE, EPOCH, OBJECT */
    struct template *names; /* OBJECT: one per item */
    size_t count;
    int digits; /* SCALE */
};

enum test_op { TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE, TEST_IN, TEST_EXISTS };

struct test {
    enum test_op op;
    struct value *values; /* one; IN: any number */
    size_t count;
    bool exists; /* EXISTS */
};

/* One member of an "if": all its tests must hold. */
struct condition {
    struct pointer pointer;
    struct test *tests;
    size_t count;
};

/* What a verb writes, and so how its value is rendered. */
enum operand {
    OPERAND_TEXT,    /* any value as text */
    OPERAND_ORDERED, /* a number in canonical form, or a text */
    OPERAND_INTEGER, /* an integer within ±2^53 */
    OPERAND_NUMBER,  /* a finite number */
    OPERAND_JSON,    /* JSON text */
};

enum verb_shape {
    SHAPE_ENTRIES, /* {name: value}: the name is change.field, the value change.value */
    SHAPE_MEMBERS, /* [value]: the value is change.field */
    SHAPE_VALUE,   /* value: change.value */
};

/* Verbs that commute with themselves only: two groups on one place do not commute. */
enum commute_group { COMMUTE_NONE, COMMUTE_ADD, COMMUTE_MAX, COMMUTE_MIN, COMMUTE_UNION };

struct verb {
    const char *name;
    enum structure structure;
    enum verb_shape shape;
    enum operand operand;
    enum change_op op;
    bool negate;  /* subtract is add of the negated value */
    bool creates; /* may make a row that was not there */
    enum commute_group group;
};

/* One name and value of a verb. */
struct entry {
    const char *label; /* how messages name it */
    struct template name;
    struct value value;
    struct str ready; /* the rendered value when it is a literal, else {NULL,0} */
    uint8_t flags;    /* enum change_flag */
};

struct verb_use {
    const struct verb *verb;
    struct entry *entries;
    size_t count;
};

struct keep {
    bool is_age;
    int64_t value; /* members, or milliseconds; 0: no keep */
    struct str text;
};

struct action {
    const char *place; /* JSON pointer of the action in its file */
    struct with *withs;
    size_t with_count;
    struct condition *conditions;
    size_t condition_count;

    /* a list: */
    bool is_list, has_each;
    struct value each;
    struct action *actions;
    size_t action_count;

    /* a row: */
    enum structure structure;
    struct template key;
    struct verb_use *verbs; /* in table order */
    size_t verb_count;
    bool is_delete;
    bool has_newest;
    struct value newest; /* the time that the action's changes go by */
    struct keep keep;
    int64_t expire_ms; /* 0: none */
    const struct part
        *clock; /* the part of the key that holds a time unit; NULL: the event's time */
    size_t family;
    const char *order_why;   /* why the order of events matters to it; NULL: it does not */
    struct action *next_row; /* all rows of the view, in the order of the file */
};

struct rule {
    struct str prefix; /* the exact type, or what comes before the "*" */
    struct action *actions;
    size_t count;
};

struct view {
    struct arena arena;
    const char *file, *name, *about;
    const char **exchanges;
    size_t exchange_count;
    const char **targets;
    size_t target_count; /* 0: all that the configuration names */
    enum on_error on_error;
    bool has_park_by;
    struct pointer park_by;
    struct rule *rules;    /* of exact types, in byte order */
    struct rule *prefixes; /* longest first; "*" is the empty prefix, so it is last */
    size_t rule_count, prefix_count;
    struct action *rows, **rows_end;
    struct with *withs, **withs_end;
    struct view_row *families;
    size_t family_count;
    struct plugin *plugin; /* folds instead of the rules' actions; NULL: none */
    bool commutes;
    const char *order_why; /* NULL when it commutes */
    struct str text;       /* canonical */
    uint64_t digest;
};

extern const char *const structure_names[STRUCTURE_COUNT];

#endif
