/*
 * plugin_load.c: from the name in a view file to a plugin that was looked at from all sides.
 *
 * A plugin is code that runs as whoever runs Fanfold. So a view file cannot point at any file of
 * the machine: only at one beside itself, or in the installation's own folder; and what others can
 * write to is refused, since they would be who decides what runs.
 *
 * The loader keeps what it has once opened under a path, so a process goes on with the code that it
 * has until no view uses it any more; name and version in the digest are of that code.
 */
#include "view/plugin_call.h"

#include "base/buf.h"
#include "base/hash.h"
#include "event/text.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL        "fanfold_plugin"
#define NAME_MAX_LEN  64
#define FILE_NAME_MAX 255
#define PATH_SIZE     4096

static void fault(struct compiler *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(struct compiler *c, const char *format, ...)
{
    struct error error;
    va_list arguments;

    va_start(arguments, format);
    error_vset(&error, ERROR_CONFIG, format, arguments);
    va_end(arguments);
    faults_add(c->faults, c->file, "/plugin", "%s", error.text);
}

static bool is_file_name(const char *name)
{
    size_t len = strlen(name);

    return len > 3 && len <= FILE_NAME_MAX && name[0] != '.' &&
           strcmp(name + len - 3, ".so") == 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") ==
               len;
}

/* The folder of a path, with its slash. */
static struct str folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (struct str){path, (size_t)(slash - path) + 1} : STR("./");
}

/* The folder of plugins of the installation that this program belongs to; false: not known. */
static bool installed_folder(struct buf *folder)
{
    char program[PATH_SIZE];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);

    if (len <= 0)
        return false;
    program[len] = '\0';
    buf_printf(folder, "%.*s%s/", STRF(folder_of(program)), FANFOLD_PLUGIN_FOLDER);
    return true;
}

/* Only its owner, who is root or the user that runs this, may be able to write to the file. */
static bool is_safe(struct compiler *c, const char *path, const struct stat *file)
{
    if (!S_ISREG(file->st_mode))
        fault(c, "%s is not a file", path);
    else if (file->st_mode & S_IWOTH)
        fault(c, "every user may write to %s, so it is not loaded: chmod o-w %s", path, path);
    else if (file->st_uid != 0 && file->st_uid != geteuid())
        fault(c,
              "%s belongs to the user %u, so it is not loaded: it must belong to root, or to the "
              "user that runs fanfold (%u)",
              path, (unsigned)file->st_uid, (unsigned)geteuid());
    else
        return true;
    return false;
}

/* Beside the view file, then in the installation. */
static bool find_file(struct compiler *c, const char *name, struct buf *path)
{
    struct buf installed = {0};
    struct stat file;
    bool found;

    if (installed_folder(&installed))
        buf_add(&installed, str_of(name));
    buf_printf(path, "%.*s%s", STRF(folder_of(c->file)), name);
    found = stat(buf_text(path), &file) == 0;
    if (!found && errno == ENOENT && installed.len) {
        buf_clear(path);
        buf_add(path, buf_str(&installed));
        found = stat(buf_text(path), &file) == 0;
    }
    if (!found)
        fault(c, "cannot find \"%s\" beside the view file, nor as %s: %s", name,
              buf_text(&installed), strerror(errno));
    else
        found = is_safe(c, buf_text(path), &file);
    buf_release(&installed);
    return found;
}

/* Is the symbol data, of size bytes at least? */
static bool is_data(const void *symbol, size_t size)
{
    const ElfW(Sym) *entry = NULL;
    Dl_info info;

    return dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) && entry &&
           ELF64_ST_TYPE(entry->st_info) == STT_OBJECT && entry->st_size >= size;
}

static bool is_word(const char *text, const char *characters)
{
    size_t len = text ? strnlen(text, NAME_MAX_LEN + 1) : 0;

    if (len == 0 || len > NAME_MAX_LEN)
        return false;
    if (characters)
        return strspn(text, characters) == len;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

/* Was it built for this version of the interface? */
static bool check_abi(struct compiler *c, const char *path, const struct fanfold_plugin *entry)
{
    if (!is_data(entry, offsetof(struct fanfold_plugin, name)))
        fault(c,
              "%s: its symbol " SYMBOL
              " is no struct fanfold_plugin; see fanfold/fold.h for how to "
              "define it",
              path);
    else if (entry->abi != FANFOLD_ABI)
        fault(c,
              "%s was built for version %u of the interface, but this is fanfold " FANFOLD_VERSION
              ", which has version %u: build it with the fanfold/fold.h of this installation",
              path, entry->abi, FANFOLD_ABI);
    else if (entry->size > sizeof(*entry) || entry->host_size > sizeof(plugin_host))
        fault(c,
              "%s was built for a later version than this, fanfold " FANFOLD_VERSION
              ": build it with the fanfold/fold.h of this installation",
              path);
    else if (entry->size < sizeof(*entry) || !is_data(entry, entry->size))
        fault(c,
              "%s: its struct fanfold_plugin has %u bytes, but %zu are right: begin it with "
              "FANFOLD_PLUGIN_HEAD",
              path, entry->size, sizeof(*entry));
    else
        return true;
    return false;
}

static bool check_entry(struct compiler *c, const char *path, const struct fanfold_plugin *entry)
{
    if (!is_word(entry->name, "abcdefghijklmnopqrstuvwxyz0123456789._-"))
        fault(c, "%s: its name must have 1 to %d characters of a-z 0-9 . _ -", path, NAME_MAX_LEN);
    else if (!is_word(entry->version, NULL))
        fault(c, "%s: its version must have 1 to %d visible ASCII characters, such as \"1\"", path,
              NAME_MAX_LEN);
    else if (!entry->fold)
        fault(c, "%s: it has no function fold", path);
    else
        return true;
    return false;
}

static bool open_file(struct compiler *c, const char *path, struct plugin *plugin)
{
    const struct fanfold_plugin *entry;

    plugin->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin->handle) {
        fault(c, "cannot load it: %s", dlerror());
        return false;
    }
    entry = dlsym(plugin->handle, SYMBOL);
    if (!entry) {
        fault(c, "%s exports no symbol " SYMBOL "; see fanfold/fold.h for how to define it", path);
        return false;
    }
    if (!check_abi(c, path, entry) || !check_entry(c, path, entry))
        return false;
    plugin->entry = entry;
    return true;
}

struct plugin *plugin_open(struct compiler *c, const char *name)
{
    struct plugin *plugin;
    struct buf path = {0};

    if (!is_file_name(name)) {
        fault(c,
              "\"%s\" is not the name of a shared object: write such as \"libstock.so\", without a "
              "folder; it is looked for beside the view file, then in the installation",
              name);
        return NULL;
    }
    if (!c->on_disk) {
        fault(c, "a plugin is loaded for a view file on disk only");
        return NULL;
    }
    plugin = arena_alloc(c->arena, sizeof(*plugin));
    memset(plugin, 0, sizeof(*plugin));
    if (!find_file(c, name, &path) || !open_file(c, buf_text(&path), plugin)) {
        plugin_close(plugin);
        plugin = NULL;
    }
    buf_release(&path);
    return plugin;
}

void plugin_init(struct compiler *c, struct plugin *plugin)
{
    struct arena scratch = {0};
    struct error why;
    struct fanfold_call call = {.root = plugin->parameters, .scratch = &scratch, .why = &why};
    int result;

    if (!plugin->entry->init)
        return;
    result = plugin->entry->init(&plugin->context, &call, &plugin_host);
    if (result != FANFOLD_DONE)
        call_stop(&call, "init returned %d and gave no reason", result);
    if (call.stopped)
        faults_add(c->faults, c->file, "/parameters", "%s refuses: %s", plugin->entry->name,
                   why.text);
    arena_release(&scratch);
}

void plugin_close(struct plugin *plugin)
{
    if (!plugin)
        return;
    if (plugin->entry && plugin->entry->release)
        plugin->entry->release(plugin->context);
    if (plugin->handle)
        dlclose(plugin->handle);
}

uint64_t plugin_digest(const struct plugin *plugin, uint64_t digest)
{
    if (!plugin)
        return digest;
    struct str parts[] = {str_of(plugin->entry->name), str_of(plugin->entry->version)};

    return hash_mix(digest, hash128_of(parts, sizeof(parts) / sizeof(parts[0])).lo);
}
