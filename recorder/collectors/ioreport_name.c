/* See ioreport_name.h. Names are of M1 to M5. */
#include "recorder/collectors/ioreport_name.h"

#include <string.h>

enum { NUMBER_MAX = 1000 };

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, const char *suffix)
{
    size_t size = strlen(text), more = strlen(suffix);

    return size >= more && strcmp(text + size - more, suffix) == 0;
}

/* --- units --- */

enum missing ioreport_energy_uj(const char *label, int64_t value, int64_t *uj)
{
    static const struct {
        const char *label;
        int64_t multiplier, divisor;
    } units[] = { { "mJ", 1000, 1 },     { "uJ", 1, 1 },
                  { "\xc2\xb5J", 1, 1 }, /* micro sign */
                  { "\xce\xbcJ", 1, 1 }, /* Greek mu */
                  { "nJ", 1, 1000 },     { "pJ", 1, 1000000 } };
    size_t size;

    while (*label == ' ')
        label++;
    size = strlen(label);
    while (size > 0 && label[size - 1] == ' ')
        size--;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].label) != size || memcmp(units[i].label, label, size) != 0)
            continue;
        if (value < 0 || __builtin_mul_overflow(value, units[i].multiplier, uj))
            return MISSING_FAILED;
        *uj /= units[i].divisor;
        return MISSING_NONE;
    }
    return MISSING_UNSUPPORTED;
}

/* --- names --- */

/* Decimal digits; -1: there are none, or too many. */
static int take_number(const char **at)
{
    int number = 0;

    if (**at < '0' || **at > '9')
        return -1;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        number = number * 10 + (**at - '0');
        if (number >= NUMBER_MAX)
            return -1;
    }
    return number;
}

/* Behind "DIE_n_", if that is how it begins. */
static const char *behind_die(const char *name, int *die)
{
    const char *at = name + strlen("DIE_");
    int number;

    *die = 0;
    if (!begins(name, "DIE_"))
        return name;
    number = take_number(&at);
    if (number < 0 || *at != '_')
        return name;
    *die = number;
    return at + 1;
}

/* EACC_CPU, PACC0_CPU, ECPU, PCPU, MCPU: a whole cluster, and none of its cores. */
static bool is_cluster(const char *name)
{
    const char *at = name + 1;

    if (strchr("EMP", name[0]) == NULL || name[0] == '\0')
        return false;
    if (strcmp(at, "CPU") == 0)
        return true;
    if (!begins(at, "ACC"))
        return false;
    at += strlen("ACC");
    if (*at >= '0' && *at <= '9')
        at++;
    return strcmp(at, "_CPU") == 0;
}

enum ioreport_rail ioreport_rail_of(const char *name)
{
    int die;
    const char *own = behind_die(name, &die);

    if (strcmp(own, "CPU Energy") == 0)
        return IOREPORT_RAIL_CPU;
    if (ends(own, "GPU Energy"))
        return IOREPORT_RAIL_GPU;
    if (begins(own, "ANE") || begins(own, "DRAM") || begins(own, "GPU SRAM"))
        return IOREPORT_RAIL_OTHER;
    return is_cluster(own) ? IOREPORT_RAIL_CLUSTER : IOREPORT_RAIL_NONE;
}

/* Behind "ECPU": nothing but the core's number; or digits of cluster and core, and on newer chips a 0. */
static bool take_digits(const char *at, struct ioreport_core *core)
{
    size_t size = strspn(at, "0123456789");

    if (at[size] != '\0' || size < 1 || size > 3)
        return false;
    core->cluster = size > 1 ? at[0] - '0' : 0;
    core->core = size > 1 ? at[1] - '0' : at[0] - '0';
    return true;
}

/* "PCPU1_CPU0": the cluster may have no number. */
static bool take_long_form(const char *at, struct ioreport_core *core)
{
    const char *middle = strstr(at, "_CPU");

    if (middle == NULL)
        return false;
    core->cluster = 0;
    if (at != middle)
        core->cluster = take_number(&at);
    middle += strlen("_CPU");
    core->core = take_number(&middle);
    return core->cluster >= 0 && core->core >= 0 && *middle == '\0';
}

bool ioreport_core_of(const char *name, struct ioreport_core *core)
{
    const char *at = behind_die(name, &core->die);

    if (*at == '\0' || strchr("EMP", *at) == NULL || !begins(at + 1, "CPU"))
        return false;
    core->tier = *at;
    at += strlen("ECPU");
    return take_digits(at, core) || take_long_form(at, core);
}

bool ioreport_state_is_idle(const char *name)
{
    return strcmp(name, "IDLE") == 0 || strcmp(name, "DOWN") == 0 || strcmp(name, "OFF") == 0 ||
           strcmp(name, "NON_IDLE") == 0;
}
