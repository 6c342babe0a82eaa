/* In this order: changing the user takes privileges, and calls that the sandbox refuses. */
#include "recorder/confine.h"

#include <limits.h>

#include "recorder/account.h"
#include "recorder/output_path.h"
#include "recorder/privileges.h"
#include "recorder/sandbox.h"

static enum status become_user(const struct options *options, const struct process_needs *needs,
                               struct error *err)
{
    struct output_surroundings around = output_surroundings("");
    struct account account;
    char path[PATH_MAX];
    enum status st = account_find(&account, options->user, err);

    if (st == STATUS_OK && options->output == NULL && around.root) {
        st = output_path_default(path, sizeof path, &around, err);
        if (st == STATUS_OK)
            st = output_path_make_directory(path, &account, err);
    }
    return st == STATUS_OK ? privileges_become(&account, needs, err) : st;
}

static void enter_sandbox(struct confinement *confinement, const struct options *options,
                          const struct process_needs *needs)
{
    if (options->no_sandbox)
        (void)error_set(&confinement->sandbox, STATUS_ABSENT, "--no-sandbox");
    else
        (void)!sandbox_enter(needs, &confinement->sandbox);
}

enum status confine(struct confinement *confinement, const struct options *options,
                    const struct process_needs *needs, struct error *err)
{
    *confinement = (struct confinement){ .privileges = { 0 } };
    if (options->command != NULL) {
        (void)error_set(&confinement->privileges, STATUS_ABSENT, "a command is run");
        (void)error_set(&confinement->sandbox, STATUS_ABSENT, "a command is run");
        return STATUS_OK;
    }
    if (options->user != NULL && become_user(options, needs, err) != STATUS_OK)
        return err->status;
    if (options->user == NULL)
        (void)!privileges_reduce(options->output, needs, &confinement->privileges);
    enter_sandbox(confinement, options, needs);
    return STATUS_OK;
}
