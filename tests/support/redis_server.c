/*
 * redis_server.c: starts and stops a private redis-server.
 */
#include "redis_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_SECONDS 20
#define ARGS_MAX      48

static void die(const char *what)
{
    fprintf(stderr, "redis_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A port that nobody listens on now. Somebody may take it before the server does: then it exits,
 * and redis_server_start() takes another. */
static int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        die("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

static void run(const struct redis_server *server, pid_t parent)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    const char *args[ARGS_MAX] = {
        "redis-server", "--port",    port,           "--bind",      "127.0.0.1",
        "--save",       "",          "--appendonly", "no",          "--dir",
        server->folder, "--logfile", "redis.log",    "--daemonize", "no",
        "--unixsocket", "redis.sock"};
    size_t count = 0;
    while (args[count])
        count++;
    for (size_t i = 0; server->options && server->options[i] && count < ARGS_MAX - 1; i++)
        args[count++] = server->options[i];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    execvp(args[0], (char *const *)args);
    fprintf(stderr, "redis_server: cannot run redis-server: %s\n", strerror(errno));
    _exit(127);
}

/* Asked over the socket in its own folder, so that no other server can answer in its place. Any
 * answer will do: with a password set it is -NOAUTH. While it loads its data it is -LOADING. */
static bool answers(const struct redis_server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/redis.sock", server->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char reply[64] = "";
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
              send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && read(fd, reply, sizeof reply - 1) > 0 &&
              strncmp(reply, "-LOADING", 8) != 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* False when the server ended instead. */
static bool wait_until_it_answers(struct redis_server *server)
{
    struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    for (int i = 0; i < START_SECONDS * 200; i++) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            return false;
        }
        if (answers(server))
            return true;
        nanosleep(&pause, NULL);
    }
    redis_server_kill(server);
    errno = ETIMEDOUT;
    die("no answer from redis-server");
    return false;
}

static bool launch(struct redis_server *server)
{
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid < 0)
        die("fork");
    if (server->pid == 0)
        run(server, parent);
    return wait_until_it_answers(server);
}

void redis_server_start(struct redis_server *server, const char *const *options)
{
    *server = (struct redis_server){.options = options};
    snprintf(server->folder, sizeof server->folder, "/tmp/fanfold-redis-XXXXXX");
    if (!mkdtemp(server->folder))
        die("mkdtemp");
    for (int tries = 0; tries < 5; tries++) {
        server->port = free_port();
        snprintf(server->uri, sizeof server->uri, "redis://127.0.0.1:%d/0", server->port);
        if (launch(server))
            return;
    }
    errno = ECHILD;
    die("redis-server ends at once");
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_server_again(struct redis_server *server)
{
    if (launch(server))
        return;
    errno = ECHILD;
    die("redis-server does not start again");
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (unlink(file) < 0 && errno == EISDIR)
            remove_folder(file);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    if (server->folder[0])
        remove_folder(server->folder);
    server->folder[0] = '\0';
}
