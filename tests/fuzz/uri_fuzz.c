/*
 * uri_fuzz.c: server addresses. The address that is shown is that of the same server, without the
 * password; and no password that stands in an address comes back in a message.
 *
 * The word SECRET in an input stands for a password.
 */
#include "fuzz.h"

#include "base/uri.h"
#include <stdlib.h>

#define SECRET "SECRET"

typedef bool uri_parser(const char *text, struct uri *uri, struct error *error);

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_shown(uri_parser *parse, const char *scheme, const struct uri *uri)
{
    struct uri again;
    struct error error = {0};
    char *shown = uri_safe(uri, scheme);
    assert(parse(shown, &again, &error));
    assert(again.tls == uri->tls && again.db == uri->db);
    assert(again.port == uri->port && same(again.host, uri->host));
    assert(same(again.user, uri->user) && !again.password);
    assert(same(again.vhost, uri->vhost) && same(again.path, uri->path));
    char *twice = uri_safe(&again, scheme);
    assert(strcmp(twice, shown) == 0);
    free(twice);
    free(shown);
    uri_release(&again);
}

static void check(uri_parser *parse, const char *scheme, const char *text)
{
    struct uri uri;
    struct error error = {0};
    if (parse(text, &uri, &error)) {
        assert(!uri.path == (uri.host != NULL));
        check_shown(parse, scheme, &uri);
        uri_release(&uri);
    } else {
        assert(error.text[0] && !strstr(error.text, SECRET));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_input(data, size);
    char *text = must_strndup(input.at, input.len);
    check(uri_parse_amqp, "amqp", text);
    check(uri_parse_redis, "redis", text);
    free(text);
    return 0;
}
