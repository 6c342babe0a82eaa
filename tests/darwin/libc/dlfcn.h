#ifndef DARWIN_LIBC_DLFCN_H
#define DARWIN_LIBC_DLFCN_H

#define RTLD_NOW 2
#define RTLD_LOCAL 4
#define RTLD_DEFAULT ((void *)-2)

int dlclose(void *library);
char *dlerror(void);
void *dlopen(const char *path, int mode);
void *dlsym(void *library, const char *name);

#endif
