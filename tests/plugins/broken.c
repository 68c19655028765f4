/*
 * broken.c: plugins with one thing wrong, which must be refused before any of their functions runs.
 * The build says what, as a definition (CMakeLists.txt). Two are whole: they differ in name or
 * version only.
 */
#include <fanfold/fold.h>

#ifndef ABI
#define ABI FANFOLD_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct fanfold_plugin)
#endif
#ifndef HOST_SIZE
#define HOST_SIZE sizeof(struct fanfold_host)
#endif
#ifndef NAME
#define NAME "whole"
#endif
#ifndef VERSION
#define VERSION "1"
#endif
#ifndef FOLD
#define FOLD fold
#endif

int fold(const void *context, struct fanfold_call *call, const struct fanfold_host *host);

int fold(const void *context, struct fanfold_call *call, const struct fanfold_host *host)
{
    (void)context;
    (void)call;
    (void)host;
    return FANFOLD_DONE;
}

#if defined(NO_SYMBOL)
FANFOLD_EXPORT const int fanfold_plug_in = 1;
#elif defined(FUNCTION)
FANFOLD_EXPORT int function(void) __asm__("fanfold_plugin");

int function(void) /* never called; as large as the structure */
{
    __asm__(".skip 64");
    return 0;
}
#elif defined(SHORT)
FANFOLD_EXPORT const uint32_t short_one __asm__("fanfold_plugin") = FANFOLD_ABI;
#else
const struct fanfold_plugin fanfold_plugin = {.abi = ABI,
                                              .size = SIZE,
                                              .host_size = HOST_SIZE,
                                              .name = NAME,
                                              .version = VERSION,
                                              .fold = FOLD};
#endif
