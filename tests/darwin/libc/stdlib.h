#ifndef DARWIN_LIBC_STDLIB_H
#define DARWIN_LIBC_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

void free(void *memory);
int abs(int x);
long long llabs(long long x);
_Noreturn void abort(void);
_Noreturn void exit(int code);
void *bsearch(const void *key, const void *base, size_t count, size_t size,
              int (*compare)(const void *a, const void *b));
char *getenv(const char *name);
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *a, const void *b));
char *realpath(const char *path, char *real);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
double strtod(const char *text, char **end);
long double strtold(const char *text, char **end);
long strtol(const char *text, char **end, int base);
long long strtoll(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);
unsigned long long strtoull(const char *text, char **end, int base);

#endif
