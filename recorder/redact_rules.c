/*
 * The names that tell a confidential value: words of options and variables, headers, programs.
 *
 * Programs' options are from their manual pages. Matching is by whole words of a name, so that
 * "tokenizer", "bypass" and "keyword" stay what they are.
 */
#include "recorder/redact_rules.h"

#include <pthread.h>

#include "schema/error.h"

/* In lower case. Its size is told by the compiler: there are many to compare with. */
struct word {
    const char *text;
    size_t size;
};
#define W(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* A word that ends like this; digits behind it do not count. */
static const struct word endings[] = {
    W("password"),      W("passwords"),  W("passwd"),    W("passphrase"), W("passcode"),
    W("secret"),        W("secrets"),    W("token"),     W("credential"), W("credentials"),
    W("apikey"),        W("accesskey"),  W("secretkey"), W("privatekey"), W("accountkey"),
    W("sharedkey"),     W("signingkey"), W("masterkey"), W("authkey"),    W("accesskeys"),
    W("encryptionkey"), W("storepass"),  W("keypass"),   W("sshpass"),    W("dbpass"),
    W("smtppass"),      W("userpass"),   W("rootpass"),  W("adminpass"),  W("vncpass"),
    W("ftppass"),       W("mailpass"),   W("authpass"),  W("mysqlpass"),  W("rootpw"),
    W("adminpw"),
};
/* A last word that is exactly this. */
static const struct word last_words[] = { W("pass"), W("pwd"), W("pw"), W("bearer") };
/* A word before "key". */
static const struct word key_kinds[] = {
    W("api"),     W("access"),     W("secret"), W("private"), W("account"),   W("shared"),
    W("signing"), W("encryption"), W("master"), W("auth"),    W("preshared"),
};
static const struct word passwords[] = { W("password"), W("passwd"), W("passphrase") };
static const struct word query_words[] = { W("sig"), W("signature") };

/* A last word that makes it a fact about the value, not the value. */
static const struct word about[] = {
    W("file"),       W("files"),    W("path"),     W("name"),      W("id"),       W("ids"),
    W("count"),      W("length"),   W("limit"),    W("limits"),    W("ttl"),      W("type"),
    W("policy"),     W("store"),    W("dir"),      W("directory"), W("url"),      W("uri"),
    W("endpoint"),   W("host"),     W("port"),     W("timeout"),   W("expiry"),   W("expires"),
    W("expiration"), W("age"),      W("size"),     W("min"),       W("max"),      W("len"),
    W("enabled"),    W("required"), W("stdin"),    W("prompt"),    W("env"),      W("var"),
    W("field"),      W("header"),   W("provider"), W("manager"),   W("class"),    W("format"),
    W("algorithm"),  W("ref"),      W("arn"),      W("version"),   W("label"),    W("scope"),
    W("scopes"),     W("index"),    W("interval"), W("duration"),  W("lifetime"), W("command"),
    W("cmd"),        W("helper"),   W("mode"),     W("method"),    W("fd"),       W("audience"),
    W("issuer"),     W("location"),
};
/* A word anywhere that does the same: "no-password", "max-token", "eos_token". */
static const struct word denials[] = {
    W("no"),   W("non"),    W("not"),          W("max"),     W("min"),      W("num"),
    W("ask"),  W("prompt"), W("show"),         W("disable"), W("disabled"), W("without"),
    W("skip"), W("allow"),  W("permit"),       W("require"), W("required"), W("eos"),
    W("bos"),  W("pad"),    W("sep"),          W("cls"),     W("mask"),     W("unk"),
    W("stop"), W("public"), W("passwordless"),
};
static const struct word whole_names[] = { W("rediscli_auth"), W("_auth"), W("docker_auth_config"),
                                           W("--secret-key-base") };

static const struct word naming_options[] = {
    W("--name"),  W("--hostname"),      W("--host"),      W("--network"),
    W("--net"),   W("--network-alias"), W("--link"),      W("--service"),
    W("--label"), W("--namespace"),     W("--container"), W("--tag"),
};

static const struct word headers[] = {
    W("authorization"), W("proxy-authorization"), W("cookie"),  W("set-cookie"), W("private-token"),
    W("job-token"),     W("deploy-token"),        W("api-key"), W("apikey"),     W("x-auth-key"),
};

#define MYSQL_NAMES                                                                                \
    "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlslap mysqlpump mysqlbinlog " \
    "mysqlsh mysql_upgrade mariadb mariadb-dump mariadb-admin mariadb-import mariadb-check "       \
    "mariadb-show mariadb-slap mariadb-binlog mariadb-upgrade mariadb-backup mariabackup "         \
    "xtrabackup innobackupex"

static const struct program programs[] = {
    { MYSQL_NAMES,
      NULL,
      "ABCEFHIKNRXYbcfilnoqrstvwx",
      false,
      { { "-p", TAKE_ALL, FORM_ATTACHED } } },
    { "mydumper myloader mytop rdesktop", NULL, "", false, { { "-p", TAKE_ALL, FORM_EITHER } } },
    { "mosquitto_pub mosquitto_sub mosquitto_rr",
      NULL,
      "CcdlNnqRrsSvV",
      false,
      { { "-P", TAKE_ALL, FORM_SEPARATE } } },
    { "mongo mongosh mongodump mongorestore mongoexport mongoimport",
      NULL,
      "",
      false,
      { { "-p", TAKE_ALL, FORM_EITHER } } },
    { "sqlcmd bcp", NULL, "", false, { { "-P", TAKE_ALL, FORM_EITHER } } },
    { "ipmitool", NULL, "v", false, { { "-P", TAKE_ALL, FORM_EITHER } } },
    { "7z 7za 7zr 7zz rar unrar", NULL, "", false, { { "-p", TAKE_ALL, FORM_ATTACHED } } },
    { "zip unzip zipcloak",
      NULL,
      "0123456789ejmnqroTuvX",
      false,
      { { "-P", TAKE_ALL, FORM_EITHER } } },
    { "sshpass", NULL, "ev", true, { { "-p", TAKE_ALL, FORM_EITHER } } },
    { "redis-cli valkey-cli keydb-cli", NULL, "", false, { { "-a", TAKE_ALL, FORM_SEPARATE } } },
    { "curl",
      NULL,
      "0123460aBfgGiIjJkKlLMnNOpqRsSvVZ#:",
      false,
      { { "-u", TAKE_COLON, FORM_EITHER },
        { "-U", TAKE_COLON, FORM_EITHER },
        { "--user", TAKE_COLON, FORM_EITHER },
        { "--proxy-user", TAKE_COLON, FORM_EITHER },
        { "-x", TAKE_USERINFO, FORM_EITHER },
        { "--proxy", TAKE_USERINFO, FORM_EITHER },
        { "-b", TAKE_COOKIE, FORM_EITHER },
        { "--cookie", TAKE_COOKIE, FORM_EITHER } } },
    { "wget wget2",
      NULL,
      "",
      false, /* -U is the user agent */
      { { "-u", TAKE_COLON, FORM_EITHER },
        { "--user", TAKE_COLON, FORM_EITHER },
        { "--proxy-user", TAKE_COLON, FORM_EITHER } } },
    { "http https xh xhs",
      NULL,
      "bfhjv",
      false,
      { { "-a", TAKE_COLON, FORM_EITHER }, { "--auth", TAKE_COLON, FORM_EITHER } } },
    { "ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop",
      NULL,
      "AacCILMNnQuvxZ",
      false,
      { { "-w", TAKE_ALL, FORM_EITHER } } },
    { "ldappasswd",
      NULL,
      "CINnQvxZ",
      false,
      { { "-w", TAKE_ALL, FORM_EITHER },
        { "-s", TAKE_ALL, FORM_EITHER },
        { "-a", TAKE_ALL, FORM_EITHER } } },
    { "docker podman buildah nerdctl skopeo helm oc az cf oras crane",
      "login",
      "",
      false,
      { { "-p", TAKE_ALL, FORM_EITHER }, { "--secret", TAKE_KEEP, FORM_EITHER } } },
    { "smbclient smbget smbmap smbcacls smbcquotas rpcclient wbinfo net",
      NULL,
      "eEgkLNPq",
      false,
      { { "-U", TAKE_PERCENT, FORM_EITHER }, { "--user", TAKE_PERCENT, FORM_EITHER } } },
    { "openssl",
      NULL,
      "",
      false,
      { { "-passin", TAKE_PASS, FORM_EITHER },
        { "-passout", TAKE_PASS, FORM_EITHER },
        { "-pass", TAKE_PASS, FORM_EITHER },
        { "-password", TAKE_PASS, FORM_EITHER },
        { "-k", TAKE_ALL, FORM_SEPARATE },
        { "-K", TAKE_ALL, FORM_SEPARATE } } },
    { "ffmpeg x264 x265 avconv",
      NULL,
      "",
      false, /* first or second pass */
      { { "-pass", TAKE_KEEP, FORM_EITHER }, { "--pass", TAKE_KEEP, FORM_EITHER } } },
};

static bool is_same(const uint8_t *name, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((uint8_t)text[i] != (name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 32 : name[i]))
            return false;
    return true;
}

bool name_equals(const uint8_t *name, size_t size, const char *text)
{
    return strlen(text) == size && is_same(name, text, size);
}

static bool name_ends(const uint8_t *name, size_t size, const struct word *word)
{
    return size >= word->size && is_same(name + size - word->size, word->text, word->size);
}

static bool ends_listed(const uint8_t *name, size_t size, const struct word list[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (name_ends(name, size, &list[i]))
            return true;
    return false;
}

static bool is_listed(const uint8_t *name, size_t size, const struct word list[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].size == size && is_same(name, list[i].text, size))
            return true;
    return false;
}

#define IS_LISTED(word, size, list) is_listed(word, size, list, COUNT_OF(list))
#define ENDS_LISTED(word, size, list) ends_listed(word, size, list, COUNT_OF(list))

/* One word of a name and the word before it. */
struct name_word {
    const uint8_t *text;
    size_t size;
    const uint8_t *before;
    size_t before_size;
};

static size_t without_digits(const uint8_t *word, size_t size)
{
    while (size > 1 && is_digit(word[size - 1]))
        size--;
    return size;
}

static bool word_is_confidential(const struct name_word *word, bool is_last, enum name_use use)
{
    size_t size = without_digits(word->text, word->size);

    if (ENDS_LISTED(word->text, size, endings))
        return true;
    if (name_equals(word->text, size, "key") && word->before != NULL &&
        ENDS_LISTED(word->before, word->before_size, key_kinds))
        return true;
    if (!is_last)
        return false;
    return IS_LISTED(word->text, size, last_words) ||
           (use == NAME_QUERY && IS_LISTED(word->text, size, query_words));
}

bool name_is_confidential(const uint8_t *name, size_t size, enum name_use use)
{
    struct name_word word = { 0 };
    bool any = false;
    bool last = false;

    if (IS_LISTED(name, size, whole_names))
        return true;
    for (size_t i = 0; i < size;) {
        size_t start = i;

        while (i < size && (is_letter(name[i]) || is_digit(name[i])))
            i++;
        if (i == start) {
            i++;
            continue;
        }
        word = (struct name_word){ name + start, i - start, word.text, word.size };
        if (IS_LISTED(word.text, word.size, denials))
            return false;
        last = word_is_confidential(&word, i == size, use);
        any = any || last;
    }
    if (!any || IS_LISTED(word.text, word.size, about))
        return false;
    return last || use == NAME_ASSIGNMENT;
}

bool option_takes_name(const uint8_t *option, size_t size)
{
    return IS_LISTED(option, size, naming_options);
}

bool name_is_password(const uint8_t *name, size_t size)
{
    return ENDS_LISTED(name, without_digits(name, size), passwords) &&
           name_is_confidential(name, size, NAME_OPTION);
}

bool name_is_header(const uint8_t *name, size_t size)
{
    if (size > 2 && name[0] == '-' && name[1] == 'H') {
        name += 2;
        size -= 2;
    }
    if (IS_LISTED(name, size, headers))
        return true;
    return size > 2 && name_equals(name, 2, "x-") && name_is_confidential(name, size, NAME_OPTION);
}

/* Each word of a command line is looked for among all programs: by a hash of their names. */
enum { PROGRAM_SLOTS = 2048, PROGRAM_NAME_MAX = 32 };
static struct program_name {
    const char *name;
    uint32_t length;
    uint32_t program; /* its place in `programs` */
} program_names[PROGRAM_SLOTS];
static pthread_once_t programs_listed = PTHREAD_ONCE_INIT;

static struct program_name *program_place(const char *name, size_t length)
{
    uint32_t hash = (uint32_t)length;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 0x01000193u;
    hash ^= hash >> 15;
    for (;; hash++) {
        struct program_name *place = &program_names[hash % PROGRAM_SLOTS];

        if (place->name == NULL ||
            (place->length == length && memcmp(place->name, name, length) == 0))
            return place;
    }
}

/* A name of two programs is the first one's. */
static void list_programs(void)
{
    for (size_t i = 0; i < COUNT_OF(programs); i++)
        for (const char *name = programs[i].names; *name != '\0';) {
            size_t length = strcspn(name, " ");
            struct program_name *place = program_place(name, length);

            if (place->name == NULL)
                *place = (struct program_name){ name, (uint32_t)length, (uint32_t)i };
            name += length + (name[length] == ' ');
        }
}

const struct program *program_find(const uint8_t *path, size_t size)
{
    const struct program_name *found;
    size_t start = size;

    while (start > 0 && path[start - 1] != '/')
        start--;
    path += start;
    size -= start;
    if (size < 2 || size > PROGRAM_NAME_MAX)
        return NULL;
    (void)pthread_once(&programs_listed, list_programs);
    found = program_place((const char *)path, size);
    return found->name == NULL ? NULL : &programs[found->program];
}

const struct program_option *program_option_find(const struct program *p, const uint8_t *name,
                                                 size_t size)
{
    for (size_t i = 0; i < COUNT_OF(p->options) && p->options[i].name != NULL; i++)
        if (strlen(p->options[i].name) == size && memcmp(p->options[i].name, name, size) == 0)
            return &p->options[i];
    return NULL;
}
