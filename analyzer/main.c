/* procscope: the table of subcommands, and what each status means to a shell. */
#include <stdio.h>
#include <string.h>

#include "analyzer/command.h"
#include "version.h"

static const struct command *const commands[] = { &command_info, &command_report, &command_export,
                                                  &command_verify };

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DAMAGED = 3 };

static void usage(FILE *out)
{
    (void)fputs("procscope opens a recording made by procscoped and answers questions about it.\n\n"
                "usage: procscope COMMAND [FILE] [OPTION…]\n\n",
                out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        (void)fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\n  procscope COMMAND --help tells more. Without FILE: this host's own recording.\n"
                "exit status: 0 done, 1 failed, 2 wrong usage, 3 the recording is damaged\n",
                out);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int exit_code(enum status st)
{
    switch (st) {
    case STATUS_OK:
        return EXIT_DONE;
    case STATUS_INVALID:
        return EXIT_USAGE;
    case STATUS_CORRUPT:
        return EXIT_DAMAGED;
    default:
        return EXIT_FAILED;
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    struct error err = { 0 };
    enum status st;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(command->help, stdout);
            return EXIT_DONE;
        }
    st = command->run(argc, argv, &err);
    if (st == STATUS_OK)
        return EXIT_DONE;
    (void)fprintf(stderr, "procscope %s: %s\n", command->name,
                  err.message[0] == '\0' ? status_text(st) : err.message);
    if (st == STATUS_INVALID)
        (void)fprintf(stderr, "procscope %s --help tells what it takes\n", command->name);
    return exit_code(st);
}

int main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        (strcmp(argv[1], "help") == 0 && argc == 2)) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("procscope %s\n", PROCSCOPE_VERSION);
        return EXIT_DONE;
    }
    command = find(strcmp(argv[1], "help") == 0 ? argv[2] : argv[1]);
    if (command == NULL) {
        (void)fprintf(stderr, "procscope: no command of that name; procscope --help lists them\n");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0) {
        (void)fputs(command->help, stdout);
        return EXIT_DONE;
    }
    return run(command, argc - 1, argv + 1);
}
