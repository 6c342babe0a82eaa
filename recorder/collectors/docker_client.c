/*
 * Of libcurl only what its "easy" interface of version 7.50 has, so that any since will do. It is told to
 * use nothing of the host: no proxy, no configuration, no signals, no other protocol, no redirects.
 */
#include "recorder/collectors/docker_client.h"

#ifdef PROCSCOPE_CURL_MISSING

const char *docker_client_missing(void)
{
    return PROCSCOPE_CURL_MISSING;
}

void docker_client_load(void)
{
}

enum status docker_client_open(struct docker_client **opened, const char *socket, struct error *err)
{
    (void)socket;
    *opened = NULL;
    return error_set(err, STATUS_UNSUPPORTED, "%s", docker_client_missing());
}

void docker_client_close(struct docker_client *client)
{
    (void)client;
}

enum status docker_client_get(struct docker_client *client, const struct docker_request *request,
                              struct docker_answer *answer, struct error *err)
{
    (void)client, (void)request, (void)answer;
    return error_set(err, STATUS_UNSUPPORTED, "%s", docker_client_missing());
}

void docker_client_forget(struct docker_client *client)
{
    (void)client;
}

#else

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef curl_easy_setopt /* macros that check types, around functions */
#undef curl_easy_getinfo

enum {
    BODY_START = 256 * 1024, /* of pages that are there when used: few answers are copied to grow */
    HEADERS_MAX = 64 * 1024, /* of all lines together; older libraries keep every one */
    URL_MAX = 256,
};

struct library {
    void *handle;
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *handle);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
};

struct docker_client {
    const struct library *library;
    CURL *handle;
    char *body;
    size_t used, size, limit, headers;
    bool too_long, no_memory;
};

const char *docker_client_missing(void)
{
    return NULL;
}

static void find_symbol(struct library *library, const char *name, void *function, bool *all)
{
    void *symbol = dlsym(library->handle, name);

    *all = *all && symbol != NULL;
    memcpy(function, &symbol, sizeof symbol); /* ISO C has no cast from an object to a function */
}

static bool find_symbols(struct library *library)
{
    bool all = true;

    find_symbol(library, "curl_global_init", &library->global_init, &all);
    find_symbol(library, "curl_easy_init", &library->easy_init, &all);
    find_symbol(library, "curl_easy_cleanup", &library->easy_cleanup, &all);
    find_symbol(library, "curl_easy_setopt", &library->easy_setopt, &all);
    find_symbol(library, "curl_easy_perform", &library->easy_perform, &all);
    find_symbol(library, "curl_easy_getinfo", &library->easy_getinfo, &all);
    find_symbol(library, "curl_easy_strerror", &library->easy_strerror, &all);
    return all;
}

/* Once in the life of the program: a thread that hangs in it may outlive its client. */
static const struct library *load(struct error *err)
{
    static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib" };
    static struct library library;
    static bool loaded;

    for (size_t i = 0; !loaded && i < COUNT_OF(names); i++) {
        library.handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library.handle == NULL)
            continue;
        loaded = find_symbols(&library) && library.global_init(CURL_GLOBAL_NOTHING) == CURLE_OK;
        if (!loaded)
            dlclose(library.handle);
    }
    if (!loaded)
        (void)error_set(err, STATUS_UNSUPPORTED, "%s cannot be loaded", names[0]);
    return loaded ? &library : NULL;
}

void docker_client_load(void)
{
    struct error ignored;

    (void)load(&ignored);
}

static bool grow(struct docker_client *client, size_t more)
{
    size_t size = client->size == 0 ? BODY_START : client->size;
    char *larger;

    while (size < client->used + more + 1)
        size *= 2;
    if (size == client->size)
        return true;
    larger = realloc(client->body, size);
    if (larger == NULL)
        return false;
    client->body = larger;
    client->size = size;
    return true;
}

/* Taking less than was given ends the request. */
static size_t take_body(char *bytes, size_t one, size_t count, void *self)
{
    struct docker_client *client = self;
    size_t size = one * count;

    if (size > client->limit - client->used) {
        client->too_long = true;
        return 0;
    }
    if (!grow(client, size)) {
        client->no_memory = true;
        return 0;
    }
    memcpy(client->body + client->used, bytes, size);
    client->used += size;
    return size;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it has libcurl's type */
static size_t take_header(char *bytes, size_t one, size_t count, void *self)
{
    struct docker_client *client = self;

    (void)bytes;
    client->headers += one * count;
    client->too_long = client->too_long || client->headers > HEADERS_MAX;
    return client->too_long ? 0 : one * count;
}

static enum status set_up(struct docker_client *client, const char *socket, struct error *err)
{
    const struct library *l = client->library;
    CURL *h = client->handle;
    bool set = l->easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, socket) == CURLE_OK;

    set = set && l->easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_NOPROXY, "*") == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_USERAGENT, "procscoped") == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_WRITEDATA, client) == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK;
    set = set && l->easy_setopt(h, CURLOPT_HEADERDATA, client) == CURLE_OK;
    return set ? STATUS_OK : error_set(err, STATUS_UNSUPPORTED, "this libcurl cannot do it");
}

enum status docker_client_open(struct docker_client **opened, const char *socket, struct error *err)
{
    const struct library *library = load(err);
    struct docker_client *client;

    *opened = NULL;
    if (library == NULL)
        return err->status;
    client = calloc(1, sizeof *client);
    if (client != NULL) {
        client->library = library;
        client->handle = library->easy_init();
    }
    if (client == NULL || client->handle == NULL) {
        free(client);
        return error_set(err, STATUS_NO_MEMORY, "no memory for %s", socket);
    }
    if (set_up(client, socket, err) != STATUS_OK) {
        docker_client_close(client);
        return err->status;
    }
    *opened = client;
    return STATUS_OK;
}

void docker_client_close(struct docker_client *client)
{
    if (client == NULL)
        return;
    client->library->easy_cleanup(client->handle);
    free(client->body);
    free(client);
}

/* What became of a request: which failures are the other side's silence, and which its words. */
static enum status judge(const struct docker_client *client, CURLcode code,
                         const struct docker_request *request, struct error *err)
{
    const char *why = client->library->easy_strerror(code);

    switch (code) {
    case CURLE_OK:
        return STATUS_OK;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        return error_set(err, STATUS_ABSENT, "%s: %s", request->path, why);
    default:
        if (client->no_memory || code == CURLE_OUT_OF_MEMORY)
            return error_set(err, STATUS_NO_MEMORY, "%s: no memory", request->path);
        return error_set(err, STATUS_CORRUPT, "%s: %s", request->path,
                         client->too_long ? "the answer is too long" : why);
    }
}

enum status docker_client_get(struct docker_client *client, const struct docker_request *request,
                              struct docker_answer *answer, struct error *err)
{
    const struct library *l = client->library;
    char url[URL_MAX];
    CURLcode code;

    client->used = client->headers = 0;
    client->limit = request->limit;
    client->too_long = client->no_memory = false;
    if (!grow(client, 0))
        return error_set(err, STATUS_NO_MEMORY, "no memory for an answer");
    if ((size_t)snprintf(url, sizeof url, "http://localhost%s", request->path) >= sizeof url)
        return error_set(err, STATUS_INVALID, "%.80s... is too long", request->path);
    code = l->easy_setopt(client->handle, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = l->easy_setopt(client->handle, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    if (code == CURLE_OK)
        code = l->easy_setopt(client->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms);
    if (code == CURLE_OK)
        code = l->easy_perform(client->handle);
    *answer = (struct docker_answer){ .text = client->body, .size = client->used };
    client->body[client->used] = '\0';
    if (code == CURLE_OK)
        code = l->easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &answer->code);
    return judge(client, code, request, err);
}

/* Not to be left out because nobody reads it again. */
static void wipe(volatile char *bytes, size_t size)
{
    while (size-- > 0)
        *bytes++ = 0;
}

void docker_client_forget(struct docker_client *client)
{
    if (client->body == NULL)
        return;
    wipe(client->body, client->used);
    if (client->size <= BODY_START)
        return;
    free(client->body);
    client->body = NULL;
    client->size = client->used = 0;
}

#endif
