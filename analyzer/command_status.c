/* procscope status: how a running recording goes. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/command.h"
#include "analyzer/control_client.h"
#include "analyzer/escape.h"
#include "analyzer/human.h"

enum { STATUS_MS = 10000 };
#define NUMBER_MAX 9e18 /* what fits an int64_t */

struct shown {
    char text[500];
};

/* --- what is in the reply; 0, "" or "-" where it is not --- */

static double number(const cJSON *from, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);

    return cJSON_IsNumber(item) && fabs(item->valuedouble) < NUMBER_MAX ? item->valuedouble : 0;
}

static struct shown text(const cJSON *from, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
    struct shown s;

    (void)escape_show(s.text, sizeof s.text, cJSON_IsString(item) ? item->valuestring : "");
    return s;
}

static struct shown human(const cJSON *from, const char *name, char *put(char *, double),
                          double scale)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);
    struct shown s = { "-" };

    if (cJSON_IsNumber(item))
        *put(s.text, number(from, name) * scale) = '\0';
    return s;
}

/* UTC: what a double loses of the nanoseconds is not shown. */
static struct shown when(const cJSON *from, const char *name)
{
    struct shown s;

    *human_put_time(s.text, NULL, (int64_t)number(from, name)) = '\0';
    return s;
}

static struct shown seconds(double value)
{
    struct shown s;

    *human_put_seconds(s.text, value < 0 ? 0 : value) = '\0';
    return s;
}

/* --- for people --- */

static void print_ticks(const cJSON *j, FILE *out)
{
    double age = (number(j, "now_ns") - number(j, "last_tick_ns")) / 1e9;

    (void)fprintf(out, "ticks        %.0f, missed %.0f, dropped %.0f, lost %.0f, waiting %.0f\n",
                  number(j, "ticks"), number(j, "missed"), number(j, "dropped"), number(j, "lost"),
                  number(j, "queued"));
    (void)fprintf(out, "last tick    %s ago, %s late\n", seconds(age).text,
                  human(j, "lateness_ns", human_put_seconds, 1e-9).text);
}

static void print_collectors(const cJSON *j, FILE *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(j, "collectors");
    const cJSON *one;

    cJSON_ArrayForEach(one, list)
    {
        struct shown reason = text(one, "reason"), enable = text(one, "enable");

        (void)fprintf(out, "%-12s %-10s %s%s%s%s%s\n", one == list->child ? "collectors" : "",
                      text(one, "name").text, text(one, "status").text,
                      reason.text[0] != '\0' ? ": " : "", reason.text,
                      enable.text[0] != '\0' ? "; to get it: " : "", enable.text);
    }
}

static void print_status(const cJSON *j, FILE *out)
{
    double runs = (number(j, "now_ns") - number(j, "since_ns")) / 1e9;
    double cpu = number(j, "cpu_seconds");

    (void)fprintf(out, "recording    %s\n", text(j, "recording").text);
    (void)fprintf(out, "recorder     procscoped %s, pid %.0f, on %s\n", text(j, "version").text,
                  number(j, "pid"), text(j, "host").text);
    (void)fprintf(out, "since        %s UTC, for %s, every %s\n", when(j, "since_ns").text,
                  seconds(runs).text, human(j, "interval_ns", human_put_seconds, 1e-9).text);
    print_ticks(j, out);
    (void)fprintf(out, "processes    %.0f now, %.0f in all; source %s\n",
                  number(j, "processes_now"), number(j, "processes_total"),
                  text(j, "process_source").text);
    (void)fprintf(out, "file         %s, and %s in its WAL\n",
                  human(j, "file_bytes", human_put_bytes, 1).text,
                  human(j, "wal_bytes", human_put_bytes, 1).text);
    (void)fprintf(out, "own cost     %s of CPU (%.2f %% of a core), %s of memory\n",
                  human(j, "cpu_seconds", human_put_seconds, 1).text,
                  runs > 0 ? 100 * cpu / runs : 0,
                  human(j, "resident_bytes", human_put_bytes, 1).text);
    if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(j, "trouble")))
        (void)fprintf(out, "writing      FAILS since %s UTC: %s\n",
                      when(j, "trouble_since_ns").text, text(j, "trouble").text);
    else
        (void)fputs("writing      works\n", out);
    print_collectors(j, out);
}

/* --- the command --- */

/* One line of JSON, and nothing in it that a terminal would obey. */
static bool is_printable(const struct control_client *client)
{
    for (size_t i = 0; i < client->body_size; i++)
        if ((unsigned char)client->body[i] < ' ' || client->body[i] == 0x7f)
            return false;
    return true;
}

static enum status print(const struct control_client *client, const struct options *options,
                         struct error *err)
{
    cJSON *root = cJSON_Parse(client->body);
    enum status st = STATUS_OK;

    if (!cJSON_IsObject(root) || !is_printable(client))
        st = error_set(err, STATUS_CORRUPT, "%s: this is no reply of a recorder", client->path);
    else if (options->format == OUTPUT_JSON)
        (void)printf("%s\n", client->body);
    else
        print_status(root, stdout);
    cJSON_Delete(root);
    return st;
}

static enum status status_run(int argc, char **argv, struct error *err)
{
    const struct control_request request = { .command = CONTROL_STATUS };
    struct control_client client;
    struct options options;
    const char *path = NULL;
    const struct own_option own[] = { { "--control", true, &path } };
    enum status st = options_parse(&options, OPTIONS_FORMAT, own, COUNT_OF(own), argc, argv, err);

    if (st == STATUS_OK && options.format != OUTPUT_TABLE && options.format != OUTPUT_JSON)
        st = error_set(err, STATUS_INVALID, "--format: status is printed as table or json only");
    if (st != STATUS_OK)
        return st;
    st = control_client_open(&client, &options, path, err);
    if (st == STATUS_OK)
        st = control_client_ask(&client, &request, STATUS_MS, err);
    if (st == STATUS_OK)
        st = print(&client, &options, err);
    control_client_close(&client);
    return st;
}

const struct command command_status = {
    .name = "status",
    .summary = "how a running recording goes",
    .help =
        "usage: procscope status [FILE] [--format table|json]\n"
        "\n"
        "Asks the running recorder: since when, ticks and what was lost of them, processes,\n"
        "what it costs, whether writing works, and what each collector can do here.\n"
        "\n"
        "FILE is what procscoped records to; without it, this host's own recording. Allowed to\n"
        "root, to the recorder's user, and to members of its control group.\n"
        "\n"
        "  --format FORMAT   table (for people) or json\n"
        "  --control PATH    the socket, where procscoped was started with --control PATH\n",
    .run = status_run,
};
