/* procscope: the table of subcommands, and what each status means to a shell. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "analyzer/command.h"
#include "analyzer/escape.h"
#include "analyzer/heap.h"
#include "analyzer/options.h"
#include "analyzer/progress.h"
#include "version.h"

static const struct command *const commands[] = {
    &command_info,    &command_report, &command_timeline, &command_replay, &command_explain,
    &command_compare, &command_check,  &command_export,   &command_html,   &command_sql,
    &command_extract, &command_verify, &command_live,     &command_status, &command_mark,
    &command_flush,   &command_stop
};

/* No file makes us take more, whatever it claims: the system refuses it. */
#define MEMORY_GIB 4

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DAMAGED = 3 };

static void usage(FILE *out)
{
    (void)fputs(
        "procscope opens a recording made by procscoped and answers questions about it, or\n"
        "talks to a procscoped that runs.\n\n"
        "usage: procscope COMMAND [FILE] [OPTION...]\n\n",
        out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        (void)fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs(
        "\n  procscope COMMAND --help tells more. Without FILE: this host's own recording.\n"
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

static int unknown(const char *name)
{
    char shown[80];

    (void)fprintf(stderr, "procscope: no command %s; there is",
                  escape_show(shown, sizeof shown, name));
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        (void)fprintf(stderr, "%s %s",
                      i == 0                        ? ""
                      : i + 1 == COUNT_OF(commands) ? " and"
                                                    : ",",
                      commands[i]->name);
    (void)fputs("; see procscope --help\n", stderr);
    return EXIT_USAGE;
}

/* What was printed must have arrived. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    if (code == EXIT_DONE)
        perror("procscope: standard output");
    return code == EXIT_DONE ? EXIT_FAILED : code;
}

static int help(const struct command *command)
{
    (void)fputs(command->help, stdout);
    if (command->options != 0) {
        (void)putchar('\n');
        options_help(stdout, command->options);
    }
    return finish(EXIT_DONE);
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

/* A sanitizer maps terabytes that it does not use. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ADDRESSES_ARE_MEMORY 0
#elif defined(__has_feature)
#define ADDRESSES_ARE_MEMORY (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define ADDRESSES_ARE_MEMORY 1
#endif

static void bound_memory(void)
{
    const rlim_t most = (rlim_t)MEMORY_GIB << 30;
    struct rlimit limit;

    if (!ADDRESSES_ARE_MEMORY || getrlimit(RLIMIT_AS, &limit) != 0)
        return;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > most) {
        limit.rlim_cur = most;
        (void)setrlimit(RLIMIT_AS, &limit);
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    struct error err = { 0 };
    char shown[2000]; /* the message may quote a damaged file */
    enum status st;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help(command);
    bound_memory();
    heap_keep();
    progress_begin();
    st = command->run(argc, argv, &err);
    progress_clear();
    if (st == STATUS_OK)
        return finish(EXIT_DONE);
    (void)fflush(stdout);
    (void)fprintf(stderr, "procscope %s: %s\n", command->name,
                  err.message[0] == '\0' ? status_text(st)
                                         : escape_show(shown, sizeof shown, err.message));
    if (st == STATUS_NO_MEMORY)
        (void)fprintf(stderr,
                      "procscope takes %d GiB at most, or what ulimit -v leaves it; a shorter "
                      "window needs less\n",
                      MEMORY_GIB);
    if (st == STATUS_INVALID)
        (void)fprintf(stderr, "procscope %s --help tells what it takes\n", command->name);
    return exit_code(st);
}

int main(int argc, char **argv)
{
    const struct command *command;
    bool asks_help;

    (void)signal(SIGPIPE, SIG_DFL); /* a reader that has seen enough ends us without a word */
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    asks_help = strcmp(argv[1], "help") == 0;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || (asks_help && argc == 2)) {
        usage(stdout);
        return finish(EXIT_DONE);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)printf("procscope %s\n", PROCSCOPE_VERSION);
        return finish(EXIT_DONE);
    }
    command = find(argv[1 + asks_help]);
    if (command == NULL)
        return unknown(argv[1 + asks_help]);
    return asks_help ? help(command) : run(command, argc - 1, argv + 1);
}
