#ifndef DARWIN_LIBC_STRING_H
#define DARWIN_LIBC_STRING_H

#include <stddef.h>

int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *data, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t size);
char *strerror(int code);

#endif
