/*
 * procscoped-simulated-mac --scenario FILE.json [--calls OUT.json] OPTION...: the recorder of a
 * Mac, all of it but the kernel. Without --duration it records as long as the scenario says. Exits
 * 70 when something that the kernel handed out did not come back, or came back twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/darwin/fake_kernel.h"

#include <mach/mach.h>

enum { EXIT_USAGE = 2, EXIT_IMBALANCE = 70 };

int recorder_main(int argc, char **argv);

static void write_calls(const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        return;
    for (enum fake_call call = 0; call < CALL_COUNT; call++)
        fprintf(file, "%s\"%s\": %lld", call == 0 ? "{ " : ", ", fake_call_name(call),
                (long long)fake_counted(call));
    fputs(" }\n", file);
    fclose(file);
}

/* The option's value, which is taken out of argv; NULL: it is not there. */
static const char *take(const char *name, int *argc, char **argv)
{
    for (int i = 1; i + 1 < *argc; i++) {
        const char *value = argv[i + 1];

        if (strcmp(argv[i], name) != 0)
            continue;
        memmove(argv + i, argv + i + 2, (size_t)(*argc - i - 1) * sizeof *argv);
        *argc -= 2;
        return value;
    }
    return NULL;
}

static bool has(int argc, char **argv, const char *name, const char *letter)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, strlen(name)) == 0 || strcmp(argv[i], letter) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    const char *scenario = take("--scenario", &argc, argv);
    const char *calls = take("--calls", &argc, argv);
    char **arguments = calloc((size_t)argc + 3, sizeof *arguments);
    char duration[40];
    int code;

    if (scenario == NULL || arguments == NULL) {
        fputs("usage: procscoped-simulated-mac --scenario FILE.json [--calls OUT.json] "
              "PROCSCOPED-OPTION...\n",
              stderr);
        free(arguments);
        return EXIT_USAGE;
    }
    fake_boot(scenario_load(scenario));
    memcpy(arguments, argv, (size_t)argc * sizeof *arguments);
    if (!has(argc, argv, "--duration", "-d")) {
        (void)snprintf(duration, sizeof duration, "%llds",
                       (long long)(fake->duration_ns / 1000000000));
        arguments[argc++] = "--duration";
        arguments[argc++] = duration;
    }
    code = recorder_main(argc, arguments);
    free(arguments);
    if (calls != NULL)
        write_calls(calls);
    return fake_settle(stderr) == 0 ? code : EXIT_IMBALANCE;
}
