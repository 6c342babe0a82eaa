/* On a simulated Mac the libraries that only a Mac has are simulated, too (tests/darwin/fake_ioreport.c). */
#ifndef DARWIN_DLFCN_H
#define DARWIN_DLFCN_H

#include_next <dlfcn.h>

#ifdef __linux__
void *fake_dlopen(const char *path, int mode);
void *fake_dlsym(void *handle, const char *name);
int fake_dlclose(void *handle);
char *fake_dlerror(void);

#define dlopen fake_dlopen
#define dlsym fake_dlsym
#define dlclose fake_dlclose
#define dlerror fake_dlerror
#endif

#endif
