/* Source: /etc/nsswitch.conf, nsswitch.conf(5): "passwd: files [SUCCESS=return] systemd". */
#include "recorder/libraries.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/collectors/docker_client.h"
#include "recorder/collectors/docker_socket.h"

enum { SERVICES_ROOM = 8192, NAME_MOST = 64 };

static const char nvml_library[] = "libnvidia-ml.so.1";

/* A module that is in libc itself has no file, or an empty one. */
static void load_module(void *self, const char *name)
{
    char library[NAME_MOST + 24];

    (void)self;
    (void)snprintf(library, sizeof library, "libnss_%s.so.2", name);
    (void)dlopen(library, RTLD_NOW | RTLD_LOCAL);
}

/* One line without its name: words, and actions in brackets. */
static void name_services_of(const char *at, size_t size,
                             void (*load)(void *self, const char *name), void *self)
{
    const char *end = at + size;

    while (at < end) {
        size_t length = 0;
        char name[NAME_MOST];

        while (at + length < end && (isalnum((unsigned char)at[length]) || at[length] == '_'))
            length++;
        if (length > 0 && length < sizeof name) {
            (void)snprintf(name, sizeof name, "%.*s", (int)length, at);
            load(self, name);
        }
        if (length == 0 && *at == '[')
            while (at < end && *at != ']')
                at++;
        at += length > 0 ? length : at < end;
    }
}

void libraries_name_services(const char *text, void (*load)(void *self, const char *name),
                             void *self)
{
    static const char *const databases[] = { "passwd:", "group:", "initgroups:" };

    for (size_t size; *text != '\0'; text += size + (text[size] == '\n')) {
        size = strcspn(text, "\n");
        for (size_t i = 0; i < sizeof databases / sizeof databases[0]; i++) {
            size_t name = strlen(databases[i]);

            if (size > name && memcmp(text, databases[i], name) == 0)
                name_services_of(text + name, strcspn(text, "#\n") - name, load, self);
        }
    }
}

static void load_name_services(void)
{
    static char text[SERVICES_ROOM];
    FILE *file = fopen("/etc/nsswitch.conf", "re");

    if (file == NULL)
        return;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    libraries_name_services(text, load_module, NULL);
}

static void load_for_containers(void)
{
    const struct docker_surroundings around = docker_surroundings_here("");
    struct docker_socket sockets[DOCKER_SOCKETS_MAX];
    struct error ignored;
    size_t count = 0;

    if (docker_client_missing() == NULL &&
        docker_sockets_find(sockets, &count, &around, &ignored) == STATUS_OK)
        docker_client_load();
}

void libraries_load(void)
{
    load_name_services();
    load_for_containers();
    (void)dlopen(nvml_library, RTLD_NOW | RTLD_LOCAL);
}

bool libraries_load_more(void)
{
    return access("/dev/nvidiactl", F_OK) == 0;
}
