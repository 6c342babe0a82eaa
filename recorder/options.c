/* The command line: one table of options, from which the help is printed too. */
#include "recorder/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/config.h"
#include "recorder/writer.h"

static const int64_t ms_ns = 1000000;
static const int64_t second_ns = 1000000000;
static const int64_t minute_ns = INT64_C(60) * 1000000000;
static const int64_t hour_ns = INT64_C(3600) * 1000000000;
static const int64_t day_ns = INT64_C(86400) * 1000000000;
static const int64_t longest_ns = INT64_C(36500) * 86400 * 1000000000;

/* Digits with at most one point into ns of `unit`; false when that is no number or too long. */
static bool scale_number(const char *text, size_t size, int64_t unit_ns, int64_t *span_ns)
{
    int64_t sum = 0;
    int64_t fraction_ns = unit_ns;
    bool point = false;
    bool digit = false;

    for (size_t i = 0; i < size; i++) {
        int64_t d = text[i] - '0';

        if (text[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (d < 0 || d > 9)
            return false;
        digit = true;
        if (point) {
            fraction_ns /= 10;
            sum += d * fraction_ns;
        } else if (sum > longest_ns / 10) {
            return false;
        } else {
            sum = sum * 10 + d * unit_ns;
        }
    }
    *span_ns = sum;
    return digit && sum <= longest_ns;
}

enum status options_parse_span(const char *text, int64_t *span_ns, struct error *err)
{
    const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        { "ms", ms_ns }, { "s", second_ns }, { "m", minute_ns }, { "h", hour_ns }, { "d", day_ns },
    };
    size_t number = strspn(text, "0123456789.");

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strcmp(text + number, units[i].name) == 0 &&
            scale_number(text, number, units[i].ns, span_ns))
            return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID,
                     "\"%.60s\" is no time span: write a number and a unit, as in 500ms, 1s, 5m, "
                     "1h or 2d",
                     text);
}

enum status options_parse_bytes(const char *text, int64_t *bytes, struct error *err)
{
    static const char units[] = "KMGT";
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] == '\0' ? NULL : strchr(units, text[digits]);
    int shift = unit == NULL ? 0 : 10 * (int)(unit - units + 1);

    *bytes = 0;
    if (digits > 0 && (unit == NULL ? text[digits] : text[digits + 1]) == '\0') {
        int64_t number;

        errno = 0;
        number = strtoll(text, NULL, 10);
        if (errno == 0 && number <= INT64_MAX >> shift) {
            *bytes = number << shift;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID,
                     "\"%.60s\" is no size: write a number of bytes, or one with K, M, G or T, as "
                     "in 500M or 2G",
                     text);
}

void options_print_span(char *text, size_t size, int64_t span_ns)
{
    if (span_ns % second_ns == 0)
        (void)snprintf(text, size, "%" PRId64 " s", span_ns / second_ns);
    else if (span_ns % ms_ns == 0)
        (void)snprintf(text, size, "%" PRId64 " ms", span_ns / ms_ns);
    else
        (void)snprintf(text, size, "%" PRId64 " ns", span_ns);
}

static enum status set_output(struct options *options, const char *value, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID, "is empty: give the path of a file");
    options->output = value;
    return STATUS_OK;
}

static enum status set_interval(struct options *options, const char *value, struct error *err)
{
    enum status st = options_parse_span(value, &options->interval_ns, err);

    if (st != STATUS_OK)
        return st;
    if (options->interval_ns < 10 * ms_ns || options->interval_ns > hour_ns)
        return error_set(err, STATUS_INVALID, "%s: accepted is 10ms to 1h", value);
    return STATUS_OK;
}

static enum status set_budget(struct options *options, const char *value, struct error *err)
{
    char *end;
    double percent;

    if (strcmp(value, "none") == 0) {
        options->budget_ppm = 0;
        return STATUS_OK;
    }
    percent = strtod(value, &end);
    if (end == value || strspn(value, "0123456789.") != (size_t)(end - value) ||
        strcmp(end, "%") != 0 || percent < 0.01 || percent > 100)
        return error_set(err, STATUS_INVALID,
                         "%.60s: accepted is 0.01%% to 100%% of a core, or none", value);
    options->budget_ppm = (int64_t)(percent * 10000 + 0.5);
    return STATUS_OK;
}

static enum status set_duration(struct options *options, const char *value, struct error *err)
{
    enum status st = options_parse_span(value, &options->duration_ns, err);

    if (st != STATUS_OK)
        return st;
    if (options->duration_ns == 0)
        return error_set(err, STATUS_INVALID, "%s: accepted is any time span longer than 0", value);
    return STATUS_OK;
}

static enum status set_collectors(struct options *options, const char *value, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID,
                         "is empty: give names separated by commas; --list-collectors shows them");
    options->collectors = value;
    return STATUS_OK;
}

/* The one of `accepted` that `value` is, else NULL. */
static const char *find_word(const char *const accepted[], size_t count, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, accepted[i]) == 0)
            return accepted[i];
    }
    return NULL;
}

static enum status set_process_source(struct options *options, const char *value, struct error *err)
{
    static const char *const accepted[] = { "auto", "bpf", "iter", "fds", "proc" };
    const char *word = find_word(accepted, COUNT_OF(accepted), value);

    if (word == NULL)
        return error_set(err, STATUS_INVALID, "\"%.60s\": accepted is auto, bpf, iter, fds or proc",
                         value);
    options->process_source = word;
    return STATUS_OK;
}

static enum status set_resident(struct options *options, const char *value, struct error *err)
{
    static const char *const accepted[] = { "auto", "exact", "approximate" };
    const char *word = find_word(accepted, COUNT_OF(accepted), value);

    if (word == NULL)
        return error_set(err, STATUS_INVALID, "\"%.60s\": accepted is auto, exact or approximate",
                         value);
    options->resident = word;
    return STATUS_OK;
}

static enum status set_sync(struct options *options, const char *value, struct error *err)
{
    if (strcmp(value, "0") == 0) {
        options->sync_ns = 0;
        return STATUS_OK;
    }
    return options_parse_span(value, &options->sync_ns, err);
}

/* A span, or 0 for no limit. */
static enum status set_limit(const char *value, int64_t *limit_ns, struct error *err)
{
    *limit_ns = 0;
    return strcmp(value, "0") == 0 ? STATUS_OK : options_parse_span(value, limit_ns, err);
}

static enum status set_keep(struct options *options, const char *value, struct error *err)
{
    return set_limit(value, &options->keep_ns, err);
}

static enum status set_keep_rollups(struct options *options, const char *value, struct error *err)
{
    return set_limit(value, &options->keep_rollups_ns, err);
}

static enum status set_max_size(struct options *options, const char *value, struct error *err)
{
    enum status st = options_parse_bytes(value, &options->max_bytes, err);

    if (st != STATUS_OK)
        return st;
    if (options->max_bytes != 0 && options->max_bytes < RETENTION_BYTES_MIN)
        return error_set(err, STATUS_INVALID, "%s: accepted is 2M and more, or 0 for no limit",
                         value);
    return STATUS_OK;
}

static enum status set_redact(struct options *options, const char *value, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID, "is empty: give an extended regular expression");
    if (options->redact_count == OPTIONS_REDACT_MAX)
        return error_set(err, STATUS_INVALID, "\"%.60s\": at most %d are accepted", value,
                         OPTIONS_REDACT_MAX);
    options->redact[options->redact_count++] = value;
    return STATUS_OK;
}

static enum status set_control(struct options *options, const char *value, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID, "is empty: give the path of a socket, or none");
    options->control = value;
    return STATUS_OK;
}

static enum status set_control_group(struct options *options, const char *value, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID, "is empty: give the name of a group");
    options->control_group = value;
    return STATUS_OK;
}

static enum status set_format(struct options *options, const char *value, struct error *err)
{
    if (strcmp(value, "json") != 0 && strcmp(value, "table") != 0)
        return error_set(err, STATUS_INVALID, "\"%.60s\": accepted is table or json", value);
    options->json = value[0] == 'j';
    return STATUS_OK;
}

static enum status set_config(struct options *options, const char *value, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID, "is empty: give the path of a file");
    options->config_path = value;
    return STATUS_OK;
}

static enum status set_user(struct options *options, const char *value, struct error *err)
{
    if (value[0] == '\0')
        return error_set(err, STATUS_INVALID, "is empty: give the name of a user");
    options->user = value;
    return STATUS_OK;
}

static enum status set_flag(bool *flag)
{
    *flag = true;
    return STATUS_OK;
}

#define FLAG(field)                                                                                \
    static enum status set_##field(struct options *options, const char *value, struct error *err)  \
    {                                                                                              \
        (void)value, (void)err;                                                                    \
        return set_flag(&options->field);                                                          \
    }
FLAG(no_cmdline)
FLAG(no_sandbox)
FLAG(list_collectors)
FLAG(check_config)
FLAG(print_config)
FLAG(version)
FLAG(help)

static const struct option option_list[] = {
    { 'o', OPTION_ONE, "output", "FILE", "the recording; a file that exists is continued",
      set_output, "/var/lib/procscope/host.pscope" },
    { 'i', OPTION_ONE, "interval", "SPAN", "time between samples, 10ms to 1h (1s)", set_interval,
      "1s" },
    { 'd', OPTION_ONE, "duration", "SPAN", "stop after this time (until stopped)", set_duration,
      "10m" },
    { 0, OPTION_LIST, "collectors", "LIST", "only these, separated by commas (all)", set_collectors,
      "process,cpu" },
    { 0, OPTION_ONE, "process-source", "NAME", "auto, bpf, iter, fds or proc (auto)",
      set_process_source, "auto" },
    { 0, OPTION_ONE, "resident", "HOW", "with BPF: auto, exact or approximate (auto)", set_resident,
      "auto" },
    { 0, OPTION_ONE, "sync", "SPAN", "sync to disk at least this often, 0: never (10s)", set_sync,
      "10s" },
    { 0, OPTION_ONE, "keep", "SPAN", "keep every tick that long, 0: for ever (7d)", set_keep,
      "7d" },
    { 0, OPTION_ONE, "keep-rollups", "SPAN", "minutes, hours and sums that long, 0: ever (90d)",
      set_keep_rollups, "90d" },
    { 0, OPTION_ONE, "max-size", "BYTES", "all files of the recording together, 0: any (2G)",
      set_max_size, "2G" },
    { 0, OPTION_ONE, "budget", "SHARE", "of a core; over it optional collectors run less (1%)",
      set_budget, "1%" },
    { 0, OPTION_REPEATED, "redact", "REGEX", "hide what matches in command lines; repeatable",
      set_redact, "token-[0-9a-f]+" },
    { 0, OPTION_FLAG, "no-cmdline", NULL, "record no command lines at all", set_no_cmdline,
      "true" },
    { 0, OPTION_ONE, "user", "NAME", "record as NAME, which root can; not with a COMMAND", set_user,
      "procscope" },
    { 0, OPTION_FLAG, "no-sandbox", NULL, "do not refuse ourselves unexpected system calls",
      set_no_sandbox, "true" },
    { 0, OPTION_ONE, "control", "PATH", "socket to ask and command it, or none (FILE-control)",
      set_control, "/run/procscope/control" },
    { 0, OPTION_ONE, "control-group", "GROUP", "who may use it beside root and the own user",
      set_control_group, "adm" },
    { 'c', OPTION_ONE, "config", "FILE", "JSON with any of the above; the command line wins",
      set_config, NULL },
    { 0, OPTION_FLAG, "check-config", NULL, "check configuration and options, record nothing",
      set_check_config, NULL },
    { 0, OPTION_FLAG, "print-config", NULL, "print them all as a configuration file",
      set_print_config, NULL },
    { 0, OPTION_FLAG, "list-collectors", NULL, "show what works here and why not",
      set_list_collectors, NULL },
    { 0, OPTION_ONE, "format", "NAME", "of --list-collectors: table or json (table)", set_format,
      NULL },
    { 'V', OPTION_FLAG, "version", NULL, "print the version", set_version, NULL },
    { 'h', OPTION_FLAG, "help", NULL, "print this", set_help, NULL },
};

static const struct option *find_letter(char letter)
{
    for (size_t i = 0; i < COUNT_OF(option_list); i++) {
        if (option_list[i].letter == letter && letter != 0)
            return &option_list[i];
    }
    return NULL;
}

const struct option *options_find(const char *name, size_t size)
{
    for (size_t i = 0; i < COUNT_OF(option_list); i++) {
        if (strlen(option_list[i].name) == size && memcmp(option_list[i].name, name, size) == 0)
            return &option_list[i];
    }
    return NULL;
}

/*
 * Split one argument into its option and the value written in it: "-i1s", "--interval=1s".
 * *value is NULL when the value, if one is needed, is the next argument.
 */
static const struct option *split_argument(const char *argument, const char **value)
{
    const struct option *option;
    size_t size;

    *value = NULL;
    if (argument[1] != '-') {
        option = find_letter(argument[1]);
        if (argument[2] != '\0')
            *value = argument + 2;
        return option;
    }
    size = strcspn(argument + 2, "=");
    option = options_find(argument + 2, size);
    if (argument[2 + size] == '=')
        *value = argument + 2 + size + 1;
    return option;
}

/* One option at argv[*at]; moves *at behind it. */
static enum status parse_option(struct options *options, char **argv, int *at, struct error *err)
{
    const char *argument = argv[(*at)++];
    const char *value;
    const struct option *option = split_argument(argument, &value);
    enum status st;

    if (option == NULL)
        return error_set(err, STATUS_INVALID, "%.60s is no option; see procscoped --help",
                         argument);
    if (option->value == NULL && value != NULL)
        return error_set(err, STATUS_INVALID, "%.60s: --%s takes no value", argument, option->name);
    if (option->value != NULL && value == NULL) {
        value = argv[*at];
        if (value == NULL)
            return error_set(err, STATUS_INVALID, "--%s needs a value: %s", option->name,
                             option->value);
        (*at)++;
    }
    st = option->set(options, value, err);
    return st == STATUS_OK ? st : error_prefix(err, "--%s", option->name);
}

/* The words before the command, into *options. */
static enum status parse_all(struct options *options, int argc, char **argv, struct error *err)
{
    bool format_given = false;
    int at = 1;

    while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        format_given = format_given || strncmp(argv[at], "--format", strlen("--format")) == 0;
        if (parse_option(options, argv, &at, err) != STATUS_OK)
            return err->status;
    }
    if (at < argc)
        options->command = argv + at;
    if (options->command != NULL && options->command[0][0] == '\0')
        return error_set(err, STATUS_INVALID, "the name of the command is empty");
    if (options->command != NULL && options->user != NULL)
        return error_set(err, STATUS_INVALID,
                         "--user: a COMMAND runs as who starts procscoped: to be another user for "
                         "both, start it as that one, as in sudo -u %.60s procscoped ...",
                         options->user);
    if (format_given && !options->list_collectors)
        return error_set(err, STATUS_INVALID, "--format goes with --list-collectors only");
    return STATUS_OK;
}

static struct options defaults(void)
{
    return (struct options){ .interval_ns = second_ns,
                             .process_source = "auto",
                             .resident = "auto",
                             .sync_ns = 10 * second_ns,
                             .budget_ppm = 10000,
                             .keep_ns = 7 * day_ns,
                             .keep_rollups_ns = 90 * day_ns,
                             .max_bytes = INT64_C(2) << 30 };
}

enum status recorder_options_parse(struct options *options, int argc, char **argv,
                                   struct error *err)
{
    const char *path;

    *options = defaults();
    if (parse_all(options, argc, argv, err) != STATUS_OK)
        return err->status;
    if (options->config_path == NULL)
        return STATUS_OK;
    /* Once more, over what the file says. */
    path = options->config_path;
    *options = defaults();
    if (config_read(&options->config, path, options, err) == STATUS_OK &&
        parse_all(options, argc, argv, err) == STATUS_OK)
        return STATUS_OK;
    options_release(options);
    return err->status;
}

void options_release(struct options *options)
{
    config_release(options->config);
    *options = (struct options){ .config = NULL };
}

void options_print_help(FILE *out)
{
    fputs("procscoped: records what every process and core does into one compressed file\n\n"
          "usage: procscoped [OPTION...] [--] [COMMAND ARG...]\n\n"
          "With a COMMAND, records until it ends and exits with its status; it runs as if\n"
          "started without us: neither capabilities nor system calls are given up then.\n"
          "Without --output: /var/lib/procscope/HOST.pscope as root and with --user, else\n"
          "$XDG_STATE_HOME/procscope/HOST.pscope or ~/.local/state/procscope/HOST.pscope.\n\n",
          out);
    for (size_t i = 0; i < COUNT_OF(option_list); i++) {
        const struct option *o = &option_list[i];
        char left[40];

        if (o->letter != 0)
            (void)snprintf(left, sizeof left, "-%c, --%s %s", o->letter, o->name,
                           o->value != NULL ? o->value : "");
        else
            (void)snprintf(left, sizeof left, "    --%s %s", o->name,
                           o->value != NULL ? o->value : "");
        fprintf(out, "  %-26s %s\n", left, o->help);
    }
    fputs("\nExit status: 0 done, 1 failed, 2 wrong usage; with a COMMAND its own, 128 + N when\n"
          "signal N ended it, 126 when it cannot be run, 127 when it is not found.\n",
          out);
}
