/*
 * price_bands.c: what the view language cannot say: the total of an order's lines is looked up in a
 * table. The table stands in the view file, as "parameters".
 */
#include <fanfold/fold.h>

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 32

struct band {
    char name[NAME_SIZE];
    int64_t below_cents;
    struct band *next;
};

static int init(void **context, struct fanfold_call *call, const struct fanfold_host *host)
{
    const struct fanfold_value *each = host->first(call, NULL, "/bands");
    struct band *bands = NULL, **end = &bands;

    for (; each; each = host->next(call, each)) {
        const char *name = host->text(call, each, "/name");
        struct band *band = calloc(1, sizeof *band);
        if (!band || strlen(name) >= NAME_SIZE) {
            free(band);
            return host->park(call, "the name of a band has at most %d bytes", NAME_SIZE - 1);
        }
        strcpy(band->name, name);
        band->below_cents = host->find(call, each, "/below_cents")
                                ? host->integer(call, each, "/below_cents")
                                : INT64_MAX;
        *end = band;
        end = &band->next;
        *context = bands;
    }
    return FANFOLD_DONE;
}

static int fold(const void *context, struct fanfold_call *call, const struct fanfold_host *host)
{
    const struct band *band = context;
    const struct fanfold_value *line = host->first(call, NULL, "/data/lines");
    const char *day = host->time_text(call, host->time(call, NULL, "/time"), FANFOLD_DAY);
    int64_t total = 0;

    for (; line; line = host->next(call, line)) {
        int64_t price = host->integer(call, line, "/price_cents");
        int64_t quantity = host->integer(call, line, "/quantity");
        if (price < 0 || price > 1000000000 || quantity < 1 || quantity > 1000)
            return host->park(call, "%lld pieces of %s for %lld cents each are not credible",
                              (long long)quantity, host->text(call, line, "/sku"),
                              (long long)price);
        total += price * quantity;
    }
    while (band && total >= band->below_cents)
        band = band->next;
    if (!band)
        return host->park(call, "no band is for %lld cents", (long long)total);

    const char *key = host->format(call, "price-band:%s:%s", day, band->name);
    host->hash_add(call, key, "orders", 1);
    host->hash_add(call, key, "cents", total);
    if (host->find(call, NULL, "/data/customer"))
        host->zset_max(call, "price-band-largest", host->text(call, NULL, "/data/customer"),
                       (double)total);
    return FANFOLD_DONE;
}

static void release(void *context)
{
    while (context) {
        struct band *band = context;
        context = band->next;
        free(band);
    }
}

const struct fanfold_plugin fanfold_plugin = {FANFOLD_PLUGIN_HEAD, .name = "price-bands",
                                              .version = "1",      .init = init,
                                              .fold = fold,        .release = release};
