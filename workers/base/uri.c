/*
 * uri.c: takes server addresses apart. No message quotes the address: a misplaced password may
 * stand in any part of it.
 */
#include "base/uri.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535
#define DB_MAX   999999

/* The pieces as written: scheme://[userinfo@]host[:port][/path][?query] */
struct pieces {
    struct str scheme, userinfo, host, port, path, query;
};

static bool refuse(struct error *error, const char *reason)
{
    return error_set(error, ERROR_CONFIG, "%s", reason);
}

/* The part of *s before the first byte of `stops`; *s keeps the rest, beginning with that byte. */
static struct str take_until(struct str *s, const char *stops)
{
    size_t i = 0;
    while (i < s->len && !strchr(stops, s->at[i]))
        i++;
    struct str part = {s->at, i};
    *s = str_from(*s, i);
    return part;
}

static bool split_host(struct str authority, struct pieces *out, struct error *error)
{
    const char *at = memrchr(authority.at, '@', authority.len);
    if (at) {
        out->userinfo = (struct str){authority.at, (size_t)(at - authority.at)};
        authority = str_from(authority, out->userinfo.len + 1);
    }
    if (str_starts(authority, STR("["))) {
        authority = str_from(authority, 1);
        out->host = take_until(&authority, "]");
        if (authority.len == 0)
            return refuse(error, "the IPv6 address has no closing ]");
        authority = str_from(authority, 1);
    } else {
        out->host = take_until(&authority, ":");
    }
    if (authority.len == 0)
        return true;
    if (authority.at[0] != ':')
        return refuse(error, "something other than a port follows the host's ]");
    out->port = str_from(authority, 1);
    return true;
}

static bool split(const char *text, struct pieces *out, struct error *error)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return refuse(error, "there is a blank or control character in the address");
    const char *mark = strstr(text, "://");
    if (!mark)
        return refuse(error, "the address has no \"://\"; write scheme://user@host:port/…");
    out->scheme = (struct str){text, (size_t)(mark - text)};
    struct str rest = str_of(mark + 3);
    if (memchr(rest.at, '#', rest.len))
        return refuse(error, "the address contains a #; inside a password write %23");
    struct str authority = take_until(&rest, "/?");
    out->path = take_until(&rest, "?");
    if (rest.len)
        out->query = str_from(rest, 1);
    return split_host(authority, out, error);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes into a new text; NULL for a broken escape or a NUL. */
static char *decode(struct str s)
{
    char *text = must_alloc(s.len + 1), *out = text;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] != '%') {
            *out++ = s.at[i];
            continue;
        }
        int high = i + 2 < s.len ? hex_digit(s.at[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.at[i + 2]) : -1;
        if (low < 0 || high + low == 0) {
            free(text);
            return NULL;
        }
        *out++ = (char)(high << 4 | low);
        i += 2;
    }
    *out = '\0';
    return text;
}

static bool read_number(struct str s, int min, int max, int *value)
{
    int number = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9' || number > max)
            return false;
        number = number * 10 + (s.at[i] - '0');
    }
    *value = number;
    return s.len > 0 && number >= min && number <= max;
}

static bool read_user(struct str userinfo, struct uri *uri, struct error *error)
{
    if (!str_is(userinfo))
        return true;
    struct str rest = userinfo, user = take_until(&rest, ":");
    if (user.len && !(uri->user = decode(user)))
        return refuse(error, "a % in the user name is not followed by two hexadecimal digits");
    if (rest.len && !(uri->password = decode(str_from(rest, 1))))
        return refuse(error, "a % in the password is not followed by two hexadecimal digits; a % "
                             "itself is written %25");
    return true;
}

static bool read_host(const struct pieces *pieces, int default_port, struct uri *uri,
                      struct error *error)
{
    uri->host = pieces->host.len ? decode(pieces->host) : must_strdup("localhost");
    if (!uri->host)
        return refuse(error, "a % in the host is not followed by two hexadecimal digits");
    uri->port = default_port;
    if (str_is(pieces->port) && !read_number(pieces->port, 1, PORT_MAX, &uri->port))
        return refuse(error, "the port is not a number from 1 to 65535 (in a password, / is "
                             "written %2f, : %3a, @ %40, ? %3f)");
    return true;
}

static bool read_amqp(const char *text, struct uri *uri, struct error *error)
{
    struct pieces pieces = {0};
    if (!split(text, &pieces, error))
        return false;
    uri->tls = str_eq(pieces.scheme, STR("amqps"));
    if (!uri->tls && !str_eq(pieces.scheme, STR("amqp")))
        return refuse(error, "the address does not begin with amqp:// or amqps://");
    if (str_is(pieces.query))
        return refuse(error, "options behind a ? are not known; inside a password write %3f");
    if (!read_user(pieces.userinfo, uri, error) ||
        !read_host(&pieces, uri->tls ? 5671 : 5672, uri, error))
        return false;
    if (pieces.path.len <= 1) {
        uri->vhost = must_strdup("/");
        return true;
    }
    struct str vhost = str_from(pieces.path, 1);
    if (memchr(vhost.at, '@', vhost.len)) /* or a part of the password would be shown */
        return refuse(error, "there is a @ behind the /; inside a password / is written %2f, "
                             "inside a virtual host @ is written %40");
    if (memchr(vhost.at, '/', vhost.len))
        return refuse(error, "a / inside the virtual host is written %2f");
    uri->vhost = decode(vhost);
    return uri->vhost ||
           refuse(error, "a % in the virtual host is not followed by two hexadecimal digits");
}

static bool read_socket(const struct pieces *pieces, struct uri *uri, struct error *error)
{
    if (pieces->host.len || str_is(pieces->port))
        return refuse(error, "redis+unix:// takes no host: write redis+unix:///path/to/socket");
    if (pieces->path.len <= 1)
        return refuse(error, "redis+unix:// needs the path of a socket, as in "
                             "redis+unix:///run/redis/redis.sock");
    uri->path = decode(pieces->path);
    if (!uri->path)
        return refuse(error, "a % in the path is not followed by two hexadecimal digits");
    if (!str_is(pieces->query))
        return true;
    if (!str_starts(pieces->query, STR("db=")) ||
        !read_number(str_from(pieces->query, 3), 0, DB_MAX, &uri->db))
        return refuse(error, "behind the ? only db=NUMBER is known");
    return true;
}

static bool read_redis(const char *text, struct uri *uri, struct error *error)
{
    struct pieces pieces = {0};
    if (!split(text, &pieces, error) || !read_user(pieces.userinfo, uri, error))
        return false;
    if (str_eq(pieces.scheme, STR("redis+unix")))
        return read_socket(&pieces, uri, error);
    uri->tls = str_eq(pieces.scheme, STR("rediss"));
    if (!uri->tls && !str_eq(pieces.scheme, STR("redis")))
        return refuse(error,
                      "the address does not begin with redis://, rediss:// or redis+unix://");
    if (str_is(pieces.query))
        return refuse(error, "options behind a ? are not known; the database is written /NUMBER");
    if (!read_host(&pieces, uri->tls ? 6380 : 6379, uri, error))
        return false;
    if (pieces.path.len > 1 && !read_number(str_from(pieces.path, 1), 0, DB_MAX, &uri->db))
        return refuse(error, "the database behind the / is not a number");
    return true;
}

/* Leaves *uri untouched on failure. */
static bool parse(bool (*read)(const char *, struct uri *, struct error *), const char *text,
                  struct uri *uri, struct error *error)
{
    struct uri result = {0};
    if (!read(text, &result, error)) {
        uri_release(&result);
        return false;
    }
    *uri = result;
    return true;
}

bool uri_parse_amqp(const char *text, struct uri *uri, struct error *error)
{
    return parse(read_amqp, text, uri, error);
}

bool uri_parse_redis(const char *text, struct uri *uri, struct error *error)
{
    return parse(read_redis, text, uri, error);
}

/* Percent-encodes all but RFC 3986's unreserved characters and those of `keep`. */
static void encode(struct buf *out, const char *text, const char *keep)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (letter || (c >= '0' && c <= '9') || strchr("-._~", c) || strchr(keep, c))
            buf_add_byte(out, *text);
        else
            buf_printf(out, "%%%02x", c);
    }
}

char *uri_safe(const struct uri *uri, const char *scheme)
{
    struct buf out = {0};
    buf_printf(&out, "%s%s://", scheme, uri->path ? "+unix" : uri->tls ? "s" : "");
    if (uri->user) {
        encode(&out, uri->user, "");
        buf_add_byte(&out, '@');
    }
    if (uri->path) {
        encode(&out, uri->path, "/");
        buf_printf(&out, "?db=%d", uri->db);
    } else {
        bool brackets = strchr(uri->host, ':');
        buf_add(&out, brackets ? STR("[") : STR(""));
        encode(&out, uri->host, ":");
        buf_printf(&out, "%s:%d/", brackets ? "]" : "", uri->port);
        if (uri->vhost)
            encode(&out, uri->vhost, "");
        else
            buf_printf(&out, "%d", uri->db);
    }
    return (char *)buf_text(&out);
}

bool uri_refuse_redis_tls(const struct uri *uri, struct error *error)
{
    char *where = uri_safe(uri, "redis");
    error_set(error, ERROR_CONFIG,
              "%s: this build cannot speak TLS to Redis. Use redis://, a Unix socket "
              "(redis+unix:///run/redis/redis.sock?db=0), or redis:// to a local stunnel that "
              "speaks TLS to the server",
              where);
    free(where);
    return false;
}

bool uri_parse_redis_plain(const char *text, struct uri *uri, struct error *error)
{
    struct uri result;
    if (!uri_parse_redis(text, &result, error))
        return false;
    if (result.tls) {
        uri_refuse_redis_tls(&result, error);
        uri_release(&result);
        return false;
    }
    *uri = result;
    return true;
}

static char *copy(const char *text)
{
    return text ? must_strdup(text) : NULL;
}

bool uri_is_same_redis(const struct uri *a, const struct uri *b)
{
    if (a->db != b->db)
        return false;
    if (a->path && b->path)
        return strcmp(a->path, b->path) == 0;
    return !a->path && !b->path && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

struct uri uri_copy(const struct uri *uri)
{
    struct uri result = *uri;
    result.host = copy(uri->host);
    result.user = copy(uri->user);
    result.password = copy(uri->password);
    result.vhost = copy(uri->vhost);
    result.path = copy(uri->path);
    return result;
}

void uri_release(struct uri *uri)
{
    free(uri->host);
    free(uri->user);
    free(uri->password);
    free(uri->vhost);
    free(uri->path);
    *uri = (struct uri){0};
}
