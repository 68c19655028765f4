/* view_fold_test.c: the view language, sentence by sentence: what events become. */
#include "view_fixture.h"

static const struct fold_case verb_cases[] = {
    {"[{'hash': 'h:{subject}', 'set': {'a': '/data/x'}}]", "{'x': 'text'}", "h h:S set a=text"},
    {"[{'hash': 'h:1', 'set_once': {'a': 1}}]", "{}", "h h:1 set_once a=1"},
    {"[{'hash': 'h:1', 'add': {'a': '/data/x'}}]", "{'x': 5}", "h h:1 add! a=5"},
    {"[{'hash': 'h:1', 'subtract': {'a': '/data/x'}}]", "{'x': 5}", "h h:1 add! a=-5"},
    {"[{'hash': 'h:1', 'subtract': {'a': '/data/x'}}]", "{'x': -5}", "h h:1 add! a=5"},
    {"[{'hash': 'h:1', 'subtract': {'a': 7}}]", "{}", "h h:1 add! a=-7"},
    {"[{'hash': 'h:1', 'max': {'a': '/data/x'}, 'min': {'b': '/data/x'}}]", "{'x': 5}",
     "h h:1 max a=5; h h:1 min b=5"},
    {"[{'hash': 'h:1', 'remove': ['a', '/data/x', 'p{/data/x}']}]", "{'x': 5}",
     "h h:1 remove a; h h:1 remove 5; h h:1 remove p5"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': 5}", "c c add! 5"},
    {"[{'counter': 'c', 'subtract': 1}]", "{}", "c c add! -1"},
    {"[{'zset': 'z', 'score': {'m': '/data/x'}}]", "{'x': 1.50}", "z z score m=1.5"},
    {"[{'zset': 'z', 'add': {'{/data/m}': 2}}]", "{'m': 'k'}", "z z add! k=2"},
    {"[{'zset': 'z', 'subtract': {'m': 2}}]", "{}", "z z add! m=-2"},
    {"[{'zset': 'z', 'max': {'m': 2.5}, 'keep': 3}]", "{}", "z z max m=2.5; z z keep 3"},
    {"[{'zset': 'z', 'min': {'m': '/data/x'}}]", "{'x': '7'}", "z z min m=7"},
    {"[{'zset': 'z', 'remove': ['{id}']}]", "{}", "z z remove e1"},
    {"[{'zset': 'z', 'max': {'m': {'epoch': '/time'}}, 'keep': '30m'}]", "{}",
     "z z max m=1769850307000; z z keep_age 1800000"},
    {"[{'set': 's', 'include': ['/subject', 'x']}]", "{}", "s s include S; s s include x"},
    {"[{'set': 's', 'exclude': ['/subject']}]", "{}", "s s exclude S"},
    {"[{'list': 'l', 'push': '/data', 'keep': 10}]", "{'b': 1.0, 'a': [true]}",
     "l l push {\"a\":[true],\"b\":1}; l l keep 10"},
    {"[{'hll': 'p', 'count': ['/data/x', 'lit']}]", "{'x': 12}", "p p count 12; p p count lit"},
    {"[{'json': 'j', 'put': '/data/x'}]", "{'x': 'text'}", "j j put \"text\""},
    {"[{'json': 'j', 'put': '/data'}]", "{'b': 1, 'a': null}", "j j put {\"a\":null,\"b\":1}"},
    {"[{'json': 'j', 'put': {'object': {'n{subject}': '/data/x', 'b': {'literal': [1, null]}}}}]",
     "{'x': false}", "j j put {\"b\":[1,null],\"nS\":false}"},
    {"[{'hash': 'h:{subject}', 'delete': true}]", "{}", "h h:S delete"},
    /* several verbs run in table order, and entries do not depend on their order in the file */
    {"[{'hash': 'h:1', 'remove': ['r'], 'add': {'a': 1}, 'set': {'s': 1}}]", "{}",
     "h h:1 set s=1; h h:1 add! a=1; h h:1 remove r"},
    {"[{'hash': 'h:1', 'set': {'b': 1, 'a': 2}}]", "{}", "h h:1 set a=2; h h:1 set b=1"},
    /* "set" with a text is the structure, with an object the verb */
    {"[{'set': 's', 'include': ['x']}, {'hash': 'h:1', 'set': {'s': 1}}]", "{}",
     "s s include x; h h:1 set s=1"},
    /* actions in list order, on one key too */
    {"[{'hash': 'h:1', 'set': {'a': 1}}, {'hash': 'h:1', 'delete': true}]", "{}",
     "h h:1 set a=1; h h:1 delete"},
    /* an integer of its own is one that only adds write */
    {"[{'hash': 'h:1', 'add': {'a': 1, 'b': 1}}, {'hash': 'h:1', 'set': {'b': 0}}]", "{}",
     "h h:1 add! a=1; h h:1 add b=1; h h:1 set b=0"},
    {"[{'hash': 'h:{subject}', 'add': {'a': 1}}, {'hash': 'h:{id}', 'max': {'{type}': 0}}]", "{}",
     "h h:S add a=1; h h:e1 max t=0"},
    {"[{'hash': 'h:1', 'add': {'{id}': 1}}, {'hash': 'h:1', 'remove': ['b']}]", "{}",
     "h h:1 add! e1=1; h h:1 remove b"},
    {"[{'hash': 'h:1', 'add': {'a': 1}}, {'hash': 'h:1', 'set': {'a{type}': 1}}]", "{}",
     "h h:1 add a=1; h h:1 set at=1"},
    {"[{'zset': 'z', 'add': {'a': 1}}, {'zset': 'z', 'score': {'b': 1}}]", "{}",
     "z z add! a=1; z z score b=1"},
};

/* The stamp is time, offset 12, partition x.log.0; /time is 2026-01-31T09:05:07Z. */
static const struct fold_case newest_cases[] = {
    {"[{'hash': 'h:1', 'set': {'a': 1, 'b': 2}, 'remove': ['c'], 'newest': true}]", "{}",
     "h h:1 stamp 1769850307000 12 x.log.0; h h:1 set a=1; h h:1 set b=2; h h:1 remove c"},
    {"[{'json': 'j:{subject}', 'delete': true, 'newest': true}]", "{}",
     "j j:S stamp 1769850307000 12 x.log.0; j j:S delete"},
    {"[{'each': '/data/l', 'do': [{'zset': 'z', 'score': {'{./id}': './n'}, 'newest': './at'}]}]",
     "{'l': [{'id': 'a', 'n': 1, 'at': '1970-01-01T00:00:01.5Z'}, {'id': 'b', 'n': 2, 'at': -2}]}",
     "z z stamp 1500 12 x.log.0; z z score a=1; z z stamp -2000 12 x.log.0; z z score b=2"},
    {"[{'set': 's', 'include': ['a'], 'newest': {'epoch': '/data/at'}}]", "{'at': 1000}",
     "s s stamp 1000000 12 x.log.0; s s include a"}, /* seconds, not taken for ms again */
    {"[{'set': 's', 'include': ['a'], 'newest': '{/data/day}T00:00:00Z'}]", "{'day': '1970-01-02'}",
     "s s stamp 86400000 12 x.log.0; s s include a"},
    {"[{'set': 's', 'include': ['a'], 'newest': {'at': '/data/at', 'default': 7}}]", "{}",
     "s s stamp 7000 12 x.log.0; s s include a"},
    {"[{'set': 's', 'include': ['a'], 'newest': '/data/at'}]", "{}",
     "park: /on/t/0: set s, newest: /data/at is missing"},
    {"[{'set': 's', 'include': ['a'], 'newest': '/data/at'}]", "{'at': 'noon'}",
     "park: /on/t/0: set s, newest: /data/at is \"noon\", not a time"},
    /* what is left out leaves no stamp */
    {"[{'set': 's', 'include': ['a'], 'newest': '/data/at?'}]", "{}", ""},
    {"[{'set': 's', 'include': ['/data/x?'], 'newest': true}, {'set': 't:{id}', 'include': ['a']}]",
     "{}", "s t:e1 include a"},
};

static const struct fold_case value_cases[] = {
    {"[{'hash': 'h:1', 'set': {'a': '/id', 'b': '/source', 'c': '/type', 'd': '/time'}}]", "{}",
     "h h:1 set a=e1; h h:1 set b=/s; h h:1 set c=t; h h:1 set d=2026-01-31T09:05:07.000Z"},
    {"[{'hash': 'h:1', 'set': {'a': '/ext'}}]", "{}", "h h:1 set a=more"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/a~1b', 'b': '/data/m~0n', 'c': '/data/l/1'}}]",
     "{'a/b': 1, 'm~n': 2, 'l': [3, 4]}", "h h:1 set a=1; h h:1 set b=2; h h:1 set c=4"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/l/01'}}]", "{'l': [1, 2]}",
     "park: /data/l/01 is missing"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/l/-'}}]", "{'l': [1, 2]}", "park: /data/l/- is missing"},
    {"[{'hash': 'h:1', 'set': {'a': 'x {id} {source} {type} {subject} {time}'}}]", "{}",
     "h h:1 set a=x e1 /s t S 2026-01-31T09:05:07.000Z"},
    {"[{'hash': 'h:1', 'set': {'a': '{{{subject}}}'}}]", "{}", "h h:1 set a={S}"},
    {"[{'hash': 'h:1', 'set': {'a': '{{plain}}'}}]", "{}", "h h:1 set a={plain}"},
    {"[{'hash': 'h:1', 'set': {'y': '{time:year}', 'n': '{time:month}', 'd': '{time:day}', "
     "'h': '{time:hour}', 'm': '{/data/at:minute}'}}]",
     "{'at': 1769850307}",
     "h h:1 set d=2026-01-31; h h:1 set h=2026-01-31T09; h h:1 set m=2026-01-31T09:05; "
     "h h:1 set n=2026-01; h h:1 set y=2026"},
    {"[{'hash': 'h:1', 'set': {'a': '{/data/at:day}'}}]", "{'at': 'soon'}",
     "park: /data/at is \"soon\", not a time"},
    {"[{'hash': 'h:1', 'set': {'a': true, 'b': 1.50, 'c': 'text', 'd': ''}}]", "{}",
     "h h:1 set a=true; h h:1 set b=1.5; h h:1 set c=text; h h:1 set d="},
    {"[{'hash': 'h:1', 'set': {'a': {'literal': '/data/x'}, 'b': {'literal': {'z': 1, 'a': 2}}}}]",
     "{}", "h h:1 set a=/data/x; h h:1 set b={\"a\":2,\"z\":1}"},
    {"[{'hash': 'h:1', 'set': {'a': {'at': '/data/x', 'default': 'none'}}}]", "{}",
     "h h:1 set a=none"},
    {"[{'hash': 'h:1', 'set': {'a': {'at': '/data/x', 'default': 'none'}}}]", "{'x': null}",
     "h h:1 set a=none"},
    {"[{'hash': 'h:1', 'set': {'a': {'at': '/data/x', 'default': 'none'}}}]", "{'x': false}",
     "h h:1 set a=false"},
    {"[{'hash': 'h:1', 'set': {'a': {'at': '/data/x?'}}}]", "{'x?': 1}", "h h:1 set a=1"},
    {"[{'hash': 'h:1', 'set': {'a': {'at': '/data/x?'}}}]", "{'x': 1}",
     "park: /data/x? is missing"},
    {"[{'counter': 'c', 'add': {'sum': ['/data/x', '/data/y', 10]}}]", "{'x': 1, 'y': '2'}",
     "c c add! 13"},
    {"[{'counter': 'c', 'add': {'product': ['/data/x', {'negate': '/data/y'}]}}]",
     "{'x': 3, 'y': 4}", "c c add! -12"},
    {"[{'counter': 'c', 'add': {'scale': ['/data/x', 2]}}]", "{'x': 12.34}", "c c add! 1234"},
    {"[{'counter': 'c', 'add': {'scale': ['/data/x', 2]}}]", "{'x': '0.1'}", "c c add! 10"},
    {"[{'counter': 'c', 'add': {'scale': ['/data/x', 2]}}]", "{'x': 12.345}",
     "park: /data/x is 12.345, which has more decimals"},
    {"[{'counter': 'c', 'add': {'scale': ['/data/x', 2]}}]", "{'x': 'a'}",
     "park: /data/x is \"a\", not a number"},
    {"[{'hash': 'h:1', 'set': {'a': {'epoch': '/data/at'}}}]", "{'at': 100000000000}",
     "h h:1 set a=100000000000"},
    {"[{'hash': 'h:1', 'set': {'a': {'epoch': '/data/at'}}}]", "{'at': 99999999999}",
     "h h:1 set a=99999999999000"},
    {"[{'hash': 'h:1', 'set': {'a': {'epoch': '/data/at'}}}]",
     "{'at': '2026-01-31T10:05:07.5+01:00'}", "h h:1 set a=1769850307500"},
    {"[{'hash': 'h:1', 'set': {'a': {'epoch': '/data/at'}}}]", "{'at': []}",
     "park: /data/at is a list, not a time"},
    {"[{'hash': 'h:1', 'set': {'a': {'object': {'{/data/k}': 1, 'k': 2}}}}]", "{'k': 'k'}",
     "h h:1 set a={\"k\":1}"},
};

static const struct fold_case nothing_cases[] = {
    {"[{'hash': 'h:1', 'set': {'a': '/data/x'}}]", "{}",
     "park: /on/t/0: hash h:1, set a: /data/x is missing"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x'}}]", "{'x': null}", "park: /data/x is null"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x', 'b': '/data/y', 'c': '/data/z'}}]",
     "{'x': '', 'y': false, 'z': []}", "h h:1 set a=; h h:1 set b=false; h h:1 set c=[]"},
    /* an entry is left out; the action, where it is the only value */
    {"[{'hash': 'h:1', 'set': {'a': '/data/x?', 'b': 1}}]", "{}", "h h:1 set b=1"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x?', 'b': 1}}]", "{'x': 2}",
     "h h:1 set a=2; h h:1 set b=1"},
    {"[{'hash': 'h:1', 'set': {'{/data/x?}': 1, 'b': 1}}]", "{}", "h h:1 set b=1"},
    {"[{'list': 'l', 'push': '/data/x?', 'keep': 3}]", "{}", ""},
    {"[{'counter': 'c:{time:day}', 'add': '/data/x?', 'expire': '1d'}]", "{}", ""},
    {"[{'set': 's', 'include': ['/data/x?', '/data/y?']}]", "{'y': 1}", "s s include 1"},
    /* the action, when it stands in a key */
    {"[{'hash': 'h:{/data/x?}', 'set': {'a': 1}}, {'counter': 'c', 'add': 1}]", "{}", "c c add! 1"},
    {"[{'hash': 'h:{/data/x?:day}', 'set': {'a': 1}}]", "{}", ""},
    {"[{'hash': 'h:{subject?}', 'set': {'a': 1}}]", "{}", "h h:S set a=1"},
    /* in a nested value the entry; in an object its member */
    {"[{'hash': 'h:1', 'add': {'a': {'sum': [1, '/data/x?']}, 'b': 1}}]", "{}", "h h:1 add! b=1"},
    {"[{'hash': 'h:1', 'set': {'a': 'x{/data/x?}', 'b': 1}}]", "{}", "h h:1 set b=1"},
    {"[{'hash': 'h:1', 'set': {'a': {'object': {'m': '/data/x?', 'n': 1}}}}]", "{}",
     "h h:1 set a={\"n\":1}"},
    /* every element, in each */
    {"[{'each': '/data/l?', 'do': [{'counter': 'c', 'add': 1}]}, {'counter': 'd', 'add': 1}]", "{}",
     "c d add! 1"},
    {"[{'each': '/data/l', 'do': [{'counter': 'c', 'add': 1}]}]", "{}",
     "park: /on/t/0: each: /data/l is missing"},
    {"[{'each': {'at': '/data/l', 'default': ['a']}, 'do': [{'set': 's', 'include': ['.']}]}]",
     "{}", "s s include a"},
};

static const struct fold_case number_cases[] = {
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': '12'}", "c c add! 12"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': 1e3}", "c c add! 1000"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': 2.0}", "c c add! 2"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': -0}", "c c add! 0"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': '1,5'}",
     "park: counter c, add: /data/x is \"1,5\", not a number"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': ' 1'}", "park: is \" 1\", not a number"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': 1.5}", "park: /data/x is 1.5, not an integer"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': true}", "park: /data/x is true, not a number"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': [1]}", "park: /data/x is a list, not a number"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': 9007199254740992}",
     "c c add! 9007199254740992"},
    {"[{'counter': 'c', 'add': '/data/x'}]", "{'x': 9007199254740993}",
     "park: /data/x is 9007199254740993, which is beyond ±2^53"},
    {"[{'counter': 'c', 'add': {'sum': ['/data/x', 1]}}]", "{'x': 9007199254740992}",
     "park: sum is beyond ±2^53"},
    {"[{'counter': 'c', 'add': {'sum': ['/data/x', 1, -1]}}]", "{'x': 9007199254740992}",
     "c c add! 9007199254740992"},
    {"[{'counter': 'c', 'add': {'product': ['/data/x', '/data/x']}}]", "{'x': 94906267}",
     "park: product is beyond ±2^53"},
    {"[{'counter': 'c', 'add': {'product': ['/data/x', '/data/x']}}]", "{'x': 9007199254740992}",
     "park: product is beyond ±2^53"},
    {"[{'counter': 'c', 'add': {'sum': ['/data/x', 1]}}]", "{'x': 0.5}",
     "park: /data/x is 0.5, not an integer"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x'}}]", "{'x': 9007199254740993}",
     "park: /data/x is 9007199254740993, which is beyond"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x'}}]", "{'x': '9007199254740993'}",
     "h h:1 set a=9007199254740993"},
    {"[{'hash': 'h:1', 'set': {'a': '/data'}}]", "{'x': 9007199254740993}", "park: beyond ±2^53"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x'}}]", "{'x': 1.0}", "h h:1 set a=1"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x'}}]", "{'x': '1.0'}", "h h:1 set a=1.0"},
    {"[{'hash': 'h:1', 'set': {'a': '/data/x'}}]", "{'x': 1E21}",
     "park: /data/x is 1E21, which is beyond"},
    {"[{'zset': 'z', 'score': {'m': '/data/x'}}]", "{'x': 1e400}", "park: beyond"},
    {"[{'zset': 'z', 'score': {'m': '/data/x'}}]", "{'x': 'high'}",
     "park: zset z, score m: /data/x is \"high\", not a number"},
    {"[{'zset': 'z', 'max': {'m': '/data/x'}}]", "{'x': 'high'}", "park: not a number"},
    /* max and min of a hash: numbers in canonical form, texts as they are */
    {"[{'hash': 'h:1', 'max': {'a': '/data/x', 'b': '/data/y', 'c': '/data/z'}}]",
     "{'x': '1.0', 'y': 1.0, 'z': '01'}", "h h:1 max a=1; h h:1 max b=1; h h:1 max c=01"},
    {"[{'hash': 'h:1', 'min': {'a': '/data/x'}}]", "{'x': '9007199254740993'}", "park: beyond"},
    {"[{'hash': 'h:1', 'max': {'a': '/time'}}]", "{}", "h h:1 max a=2026-01-31T09:05:07.000Z"},
};

static const struct fold_case key_cases[] = {
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': 'a b'}", "h h:a b delete"},
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': 12.50}", "h h:12.5 delete"},
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': ''}",
     "park: /on/t/0: hash h:{/data/x}: /data/x is empty, which cannot stand in a key"},
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': {}}", "park: /data/x is an object"},
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': [1]}", "park: /data/x is a list"},
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': 'a\\nb'}",
     "park: /data/x has a control character"},
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': 'a\\u0085b'}", "park: control character"},
    {"[{'hash': 'h:{/data/x}', 'delete': true}]", "{'x': 'a\\u00e9b'}", "h h:aéb delete"},
    {"[{'hash': 'h:{/data/x}:{time:day}', 'delete': true}]", "{'x': 'a'}",
     "h h:a:2026-01-31 delete"},
    /* a field may be empty, or an object's text */
    {"[{'hash': 'h:1', 'set': {'{/data/x}': 1, '{/data/y}': 2}}]", "{'x': '', 'y': {'b': 1}}",
     "h h:1 set =1; h h:1 set {\"b\":1}=2"},
};

static const struct fold_case each_cases[] = {
    {"[{'each': '/data/l', 'do': [{'hash': 's:{./k}', 'add': {'n': './n'}}]}]",
     "{'l': [{'k': 'A', 'n': 1}, {'k': 'B', 'n': 2}]}", "h s:A add! n=1; h s:B add! n=2"},
    {"[{'each': '/data/l', 'do': [{'zset': 'z', 'add': {'{.}': 1}}]}]", "{'l': ['x', 2]}",
     "z z add! x=1; z z add! 2=1"},
    {"[{'each': '/data/l', 'do': [{'hash': 'h:1', 'set': {'{key}': '.'}}]}]", "{'l': ['x', 'y']}",
     "h h:1 set 0=x; h h:1 set 1=y"},
    /* an object's members in document order */
    {"[{'each': '/data/o', 'do': [{'hash': 'h:{key}', 'set': {'v': '.'}}]}]",
     "{'o': {'z': 1, 'a': 2}}", "h h:z set v=1; h h:a set v=2"},
    {"[{'each': '/data/l', 'do': [{'each': './m', 'do': [{'set': 's:{../k}', 'include': "
     "['.']}]}]}]",
     "{'l': [{'k': 'A', 'm': [1, 2]}, {'k': 'B', 'm': [3]}]}",
     "s s:A include 1; s s:A include 2; s s:B include 3"},
    {"[{'each': '/data', 'do': [{'each': '.', 'do': [{'each': '.', 'do': ["
     "{'set': 's', 'include': ['{key}{.}{../0}{../../0}']}]}]}]}]",
     "[[[1]]]", "s s include 011[1]"},
    {"[{'each': '/data/l', 'do': [{'counter': 'c', 'add': 1}]}]", "{'l': 'abc'}",
     "park: /on/t/0: each: /data/l is \"abc\", not a list or an object"},
    {"[{'each': '/data/l', 'do': [{'counter': 'c', 'add': '.'}]}]", "{'l': [1, null]}",
     "park: /on/t/0/do/0: counter c, add: . is null"},
    {"[{'each': '/data/l', 'do': [{'counter': 'c', 'add': '.?'}]}]", "{'l': [1, null]}",
     "c c add! 1"},
    {"[{'each': '/data/l', 'do': [{'set': 's', 'include': ['./x?']}]}]", "{'l': [{'x': 1}, {}, 3]}",
     "s s include 1"},
    {"[{'each': '/data/l', 'do': [{'counter': 'c', 'add': 1}]}]", "{'l': []}", ""},
    /* "if" comes before "each", and may stand with "do" alone */
    {"[{'if': {'/data/go': true}, 'each': '/data/l', 'do': [{'counter': 'c', 'add': 1}]}]",
     "{'go': false, 'l': 7}", ""},
    {"[{'each': '/data/l', 'do': [{'if': {'.': {'gt': 1}}, 'counter': 'c', 'add': '.'}]}]",
     "{'l': [1, 2, 3]}", "c c add! 2; c c add! 3"},
    {"[{'if': {'/data/go': true}, 'do': [{'counter': 'c', 'add': 1}, {'counter': 'd', 'add': 2}]}]",
     "{'go': true}", "c c add! 1; c d add! 2"},
    /* an event goes in whole, or is parked whole */
    {"[{'counter': 'c', 'add': 1}, {'counter': 'd', 'add': '/data/x'}]", "{}",
     "park: /on/t/1: counter d, add: /data/x is missing"},
};

static void test_verbs(void **state)
{
    (void)state;
    fold_cases(verb_cases, COUNT(verb_cases));
}

static void test_values(void **state)
{
    (void)state;
    fold_cases(value_cases, COUNT(value_cases));
}

static void test_nothing(void **state)
{
    (void)state;
    fold_cases(nothing_cases, COUNT(nothing_cases));
}

static void test_numbers(void **state)
{
    (void)state;
    fold_cases(number_cases, COUNT(number_cases));
}

static void test_keys(void **state)
{
    (void)state;
    fold_cases(key_cases, COUNT(key_cases));
}

static void test_each(void **state)
{
    (void)state;
    fold_cases(each_cases, COUNT(each_cases));
}

static void assert_folds(const struct view *view, const char *type, const char *expected)
{
    struct changes changes = {0};
    struct buf line = {0}, shown = {0};
    struct error why;

    buf_printf(&line, "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': '%s'}", type);
    assert_int_equal(fixture_fold(view, buf_text(&line), &changes, &why), FOLD_DONE);
    fixture_show(&shown, &changes, 0);
    assert_string_equal(buf_text(&shown), expected);
    changes_release(&changes);
    buf_release(&line);
    buf_release(&shown);
}

/* Exact first, then longer prefixes, "*" last; a type without a match is ignored. */
static void test_matching(void **state)
{
    static const struct {
        const char *type, *changes;
    } cases[] = {
        {"a.b.c", "c exact add! 1; c long add! 1; c short add! 1; c all add! 1"},
        {"a.b.d", "c long add! 1; c short add! 1; c all add! 1"},
        {"a.b.", "c long add! 1; c short add! 1; c all add! 1"},
        {"a.b", "c short add! 1; c all add! 1"},
        {"a", "c all add! 1"},
        {"z", "c all add! 1"},
    };
    struct faults faults = {0};
    struct view *view = fixture_view(
        "v.json",
        "{'view': 'v', 'exchange': 'x', 'on': {'*': [{'counter': 'all', 'add': 1}],"
        "'a.*': [{'counter': 'short', 'add': 1}], 'a.b.c': [{'counter': 'exact', 'add': 1}],"
        "'a.b.*': [{'counter': 'long', 'add': 1}]}}",
        &faults);

    (void)state;
    assert_non_null(view);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_folds(view, cases[i].type, cases[i].changes);
    assert_true(view_matches(view, STR("")));
    view_free(view);
    view = fixture_view("v.json",
                        "{'view': 'v', 'exchange': 'x', 'on': {"
                        "'a.*': [{'counter': 'c', 'add': 1}], 'b': [{'counter': 'c', 'add': 1}]}}",
                        &faults);
    struct changes changes = {0};
    struct error why;
    assert_int_equal(fixture_fold(view,
                                  "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 'c'}",
                                  &changes, &why),
                     FOLD_IGNORED);
    assert_true(view_matches(view, STR("a.x")));
    assert_true(view_matches(view, STR("b")));
    assert_false(view_matches(view, STR("bb")));
    assert_false(view_matches(view, STR("")));
    view_free(view);
    changes_release(&changes);
    faults_release(&faults);
}

/* Types that are written in no order and begin alike: each has its own rule, what lies between them
 * none. */
static void test_matching_of_many(void **state)
{
    enum { TYPES = 40 };
    struct faults faults = {0};
    struct buf text = {0};
    char type[16], expected[32];

    (void)state;
    buf_printf(&text, "{'view': 'v', 'exchange': 'x', 'on': {");
    for (int i = 0; i < TYPES; i++)
        buf_printf(&text, "%s't.%d': [{'counter': 'c:%d', 'add': 1}]", i ? ", " : "", i * 7 % TYPES,
                   i * 7 % TYPES);
    buf_printf(&text, "}}");
    struct view *view = fixture_view("v.json", buf_text(&text), &faults);
    assert_non_null(view);
    for (int i = 0; i < TYPES; i++) {
        snprintf(type, sizeof type, "t.%d", i);
        snprintf(expected, sizeof expected, "c c:%d add! 1", i);
        assert_folds(view, type, expected);
        snprintf(type, sizeof type, "t.%d.", i);
        assert_false(view_matches(view, str_of(type)));
    }
    assert_false(view_matches(view, STR("t.")));
    assert_false(view_matches(view, STR("s")));
    assert_false(view_matches(view, STR("u")));
    view_free(view);
    buf_release(&text);
    faults_release(&faults);
}

/* From the end of the time unit in the key; without one, from the event's time. */
static void test_expire(void **state)
{
    static const struct fold_case cases[] = {
        {"[{'counter': 'c:{time:day}', 'add': 1, 'expire': '7d'}]", "{}",
         "c c:2026-01-31 add! 1; c c:2026-01-31 expire 1770508800000"},
        {"[{'counter': 'c:{/data/at:hour}', 'add': 1, 'expire': '90m'}]",
         "{'at': '2026-01-31T09:05:07Z'}",
         "c c:2026-01-31T09 add! 1; c c:2026-01-31T09 expire 1769859000000"},
        {"[{'counter': 'c:{time:month}', 'add': 1, 'expire': '1s'}]", "{}",
         "c c:2026-01 add! 1; c c:2026-01 expire 1769904001000"},
        {"[{'hash': 'h:{subject}', 'set': {'a': 1}, 'expire': '24h'}]", "{}",
         "h h:S set a=1; h h:S expire 1769936707000"},
        {"[{'json': 'j:{subject}', 'put': '/data', 'expire': '2w'}]", "{}",
         "j j:S put {}; j j:S expire 1771059907000"},
    };
    struct faults faults = {0};
    struct changes changes = {0};
    struct error why;
    struct view *view;

    (void)state;
    fold_cases(cases, COUNT(cases));
    view = fixture_actions("[{'hash': 'h:{subject}', 'set': {'a': 1}, 'expire': '24h'}]", &faults);
    assert_int_equal(fixture_fold(view,
                                  "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 't', "
                                  "'subject': 'S'}",
                                  &changes, &why),
                     FOLD_PARK);
    assert_string_equal(why.text,
                        "/on/t/0: hash h:{subject}, expire: the event has no time to count from");
    view_free(view);
    changes_release(&changes);
    faults_release(&faults);
}

static void fold_elements(const char *actions, size_t elements, const char *expected)
{
    struct faults faults = {0};
    struct view *view = fixture_actions(actions, &faults);
    struct changes changes = {0};
    struct buf line = {0};
    struct error why = {0};
    enum fold_result result;

    fixture_print(&faults);
    assert_non_null(view);
    /* those of the event before do not count */
    changes_add(&changes, CHANGE_DELETE, 0, STRUCTURE_HASH, STR("before"), STR(""), STR(""));
    buf_printf(&line, "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 't', 'data': [0");
    for (size_t i = 1; i < elements; i++)
        buf_printf(&line, ",%zu", i);
    buf_printf(&line, "]}");
    result = fixture_fold(view, buf_text(&line), &changes, &why);
    if (expected) {
        assert_int_equal(result, FOLD_PARK);
        assert_non_null(strstr(why.text, expected));
        assert_int_equal(changes.count, 1);
    } else {
        assert_int_equal(result, FOLD_DONE);
        assert_int_equal(changes.count, 1 + elements);
    }
    view_free(view);
    changes_release(&changes);
    buf_release(&line);
    faults_release(&faults);
}

static void test_limits(void **state)
{
    (void)state;
    fold_elements("[{'each': '/data', 'do': [{'counter': 'c', 'add': 1}]}]", VIEW_CHANGES_MAX,
                  NULL);
    fold_elements("[{'each': '/data', 'do': [{'counter': 'c', 'add': 1}]}]", VIEW_CHANGES_MAX + 1,
                  "/on/t/0/do/0: counter c, add: the event makes more than 10000 changes");
    fold_elements("[{'each': '/data', 'do': [{'each': '/data', 'do': [{'each': '/data', 'do': ["
                  "{'if': {'.': -1}, 'counter': 'c', 'add': 1}]}]}]}]",
                  1000, "the event runs more than 1000000 actions");
    fold_elements("[{'each': '/data', 'do': [{'list': 'l', 'push': '/data'}]}]", 9000,
                  "the event makes more than 64 MB of texts");
}

/* 1,024 bytes are a key, 1,025 park. */
static void test_key_length(void **state)
{
    struct faults faults = {0};
    struct view *view = fixture_actions("[{'hash': 'h:{subject}', 'delete': true}]", &faults);

    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct changes changes = {0};
        struct buf line = {0};
        struct error why = {0};
        buf_printf(&line,
                   "{'specversion': '1.0', 'id': '1', 'source': '/s', 'type': 't', "
                   "'subject': '%0*d'}",
                   VIEW_KEY_MAX - 2 + extra, 7);
        assert_int_equal(fixture_fold(view, buf_text(&line), &changes, &why),
                         extra ? FOLD_PARK : FOLD_DONE);
        if (extra)
            assert_non_null(strstr(why.text, "the key would have 1025 bytes; at most 1024"));
        changes_release(&changes);
        buf_release(&line);
    }
    view_free(view);
    faults_release(&faults);
}

/* A body that is not JSON parks when something asks for /data, and only then. */
static void test_body_not_json(void **state)
{
    struct faults faults = {0};
    struct view *asks = fixture_actions("[{'if': {'/data/x': {'exists': false}}, 'counter': 'c', "
                                        "'add': 1}]",
                                        &faults);
    struct view *silent = fixture_actions("[{'counter': 'c:{subject}', 'add': 1}]", &faults);
    struct arena arena = {0}, scratch = {0};
    struct changes changes = {0};
    struct error why;
    struct cloudevent event = {.id = STR("1"),
                               .source = STR("/s"),
                               .type = STR("t"),
                               .subject = STR("S"),
                               .data_bytes = STR("<x>"),
                               .data_fault = STR("byte 0: no value")};

    (void)state;
    event.root = json_parse(&arena, STR("{\"type\":\"t\",\"subject\":\"S\"}"), &why);
    assert_int_equal(view_fold(asks, &event, NULL, &changes, &scratch, &why), FOLD_PARK);
    assert_string_equal(why.text, "/on/t/0: counter c, if: /data/x cannot be read: the body is not "
                                  "JSON (byte 0: no value)");
    assert_int_equal(view_fold(silent, &event, NULL, &changes, &scratch, &why), FOLD_DONE);
    assert_int_equal(changes.count, 1);
    view_free(asks);
    view_free(silent);
    changes_release(&changes);
    arena_release(&arena);
    arena_release(&scratch);
    faults_release(&faults);
}

/* A view that does not know the type has no use for the event, and none for the reason. */
static void test_upcast_fault(void **state)
{
    struct faults faults = {0};
    struct view *view = fixture_actions("[{'counter': 'c', 'add': 1}]", &faults);
    struct arena scratch = {0};
    struct changes changes = {0};
    struct error why;
    struct cloudevent event = {.id = STR("1"),
                               .source = STR("/s"),
                               .type = STR("t"),
                               .upcast_fault = STR("upcast of old: no")};

    (void)state;
    event.root = json_parse(&scratch, STR("{\"type\":\"t\"}"), &why);
    assert_int_equal(view_fold(view, &event, NULL, &changes, &scratch, &why), FOLD_PARK);
    assert_string_equal(why.text, "upcast of old: no");
    event.type = STR("u");
    assert_int_equal(view_fold(view, &event, NULL, &changes, &scratch, &why), FOLD_IGNORED);
    assert_int_equal(changes.count, 0);
    view_free(view);
    changes_release(&changes);
    arena_release(&scratch);
    faults_release(&faults);
}

static void park_key(const char *park_by, const struct cloudevent *event, const char *expected)
{
    struct faults faults = {0};
    struct arena scratch = {0};
    struct buf text = {0};
    struct view *view;
    struct str key;

    buf_printf(&text,
               "{'view': 'v', 'exchange': 'x', %s 'on': {'t': [{'counter': 'c', 'add': 1}]}}",
               park_by);
    view = fixture_view("v.json", buf_text(&text), &faults);
    assert_non_null(view);
    key = view_park_key(view, event, &scratch);
    if (expected)
        assert_true(str_eq(key, str_of(expected)));
    else
        assert_false(str_is(key));
    view_free(view);
    arena_release(&scratch);
    buf_release(&text);
    faults_release(&faults);
}

static void test_park_key(void **state)
{
    struct arena arena = {0};
    struct error error;
    struct cloudevent event = {.type = STR("t"), .subject = STR("S")};
    struct cloudevent broken = event, bare = {.type = STR("t")};

    (void)state;
    event.root = json_parse(
        &arena, STR("{\"type\":\"t\",\"subject\":\"S\",\"data\":{\"order\":12}}"), &error);
    bare.root = json_parse(&arena, STR("{\"type\":\"t\"}"), &error);
    park_key("", &event, "S");
    park_key("", &broken, "S");
    park_key("", &bare, NULL);
    park_key("'park_by': '/data/order',", &event, "12");
    park_key("'park_by': '/data/order',", &broken, NULL);
    park_key("'park_by': '/data/other',", &event, NULL);
    park_key("'park_by': null,", &event, NULL);
    park_key("'park_by': false,", &event, NULL);
    arena_release(&arena);
}

static void test_newest(void **state)
{
    static const char no_time[] = "{'specversion': '1.0', 'id': 'e', 'source': '/s', 'type': 't'}";
    struct faults faults = {0};
    struct changes changes = {0};
    struct error why;
    struct view *view =
        fixture_actions("[{'hash': 'h:1', 'set': {'a': 1}, 'newest': true}]", &faults);

    (void)state;
    fold_cases(newest_cases, COUNT(newest_cases));
    assert_int_equal(fixture_fold(view, no_time, &changes, &why), FOLD_PARK);
    assert_string_equal(why.text, "/on/t/0: hash h:1, newest: /time is missing");
    changes_release(&changes);
    view_free(view);
}

static void test_changes(void **state)
{
    struct changes changes = {0};

    (void)state;
    changes.event = 7;
    for (int i = 0; i < 200; i++)
        changes_add(&changes, CHANGE_HASH_SET, CHANGE_OWN_INTEGER, STRUCTURE_HASH, STR("k"),
                    STR("f"), STR("v"));
    assert_int_equal(changes.count, 200);
    assert_int_equal(changes.at[199].event, 7);
    assert_int_equal(changes.at[199].flags, CHANGE_OWN_INTEGER);
    assert_true(str_eq(changes.at[199].value, STR("v")));
    changes_cut(&changes, 300);
    assert_int_equal(changes.count, 200);
    changes_cut(&changes, 3);
    assert_int_equal(changes.count, 3);
    changes_clear(&changes);
    assert_int_equal(changes.count, 0);
    changes_release(&changes);
    assert_null(changes.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_key_length),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_matching_of_many),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_park_key),
        cmocka_unit_test(test_body_not_json),
        cmocka_unit_test(test_upcast_fault),
        cmocka_unit_test(test_newest),
        cmocka_unit_test(test_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
