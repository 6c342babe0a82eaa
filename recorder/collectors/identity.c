/* Sources: the user database; what identity_SYSTEM.c has read. */
#include "recorder/collectors/identity.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "recorder/siphash.h"

void identity_put_text(struct slow_answer *answer, enum process_text text, const void *bytes,
                       size_t size)
{
    size_t at = answer->bytes.used;

    bytes_put(&answer->bytes, bytes, size);
    if (answer->bytes.full)
        return;
    answer->text[text] = (struct tick_text){ (uint32_t)at, (uint32_t)size };
    answer->known |= 1u << text;
}

void identity_put_cmdline(const struct identity_source *source, const uint8_t *arguments,
                          size_t size, bool cut, struct byte_writer *work,
                          struct slow_answer *answer)
{
    static const struct redactor built_in;
    const struct redactor *redactor = source->redactor == NULL ? &built_in : source->redactor;
    struct error err;

    bytes_reset(work);
    if (redact_arguments(redactor, arguments, size, cut, work, &err) != STATUS_OK)
        return;
    answer->cmdline_length = (uint32_t)work->used;
    answer->cmdline_hash = siphash(source->key, work->data, work->used);
    identity_put_text(answer, PROCESS_CMDLINE, work->data,
                      work->used < CMDLINE_STORED_MAX ? work->used : CMDLINE_STORED_MAX);
}

/* The one with this uid, else one to be filled in. */
static struct identity_user *find_user(struct identity_users *users, uint32_t uid)
{
    for (size_t i = 0; i < IDENTITY_USERS; i++) {
        if (users->user[i].taken && users->user[i].uid == uid)
            return &users->user[i];
    }
    return &users->user[users->next++ % IDENTITY_USERS];
}

const char *identity_user_name(struct identity_users *users, const char *root, uint32_t uid,
                               int64_t now_ns)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    struct identity_user *user = find_user(users, uid);

    if (user->taken && user->uid == uid && now_ns < user->until_ns)
        return user->name;
    *user = (struct identity_user){ .taken = true, .uid = uid };
    if (*root != '\0')
        identity_fixture_user(root, uid, user->name, sizeof user->name);
    else if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        snprintf(user->name, sizeof user->name, "%s", found->pw_name);
    user->until_ns = now_ns + (user->name[0] != '\0' ? IDENTITY_USER_NS : IDENTITY_NO_USER_NS);
    return user->name;
}
