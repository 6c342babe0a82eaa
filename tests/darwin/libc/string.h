#ifndef DARWIN_LIBC_STRING_H
#define DARWIN_LIBC_STRING_H

#include <stddef.h>

int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *data, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memmem(const void *data, size_t size, const void *part, size_t part_size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
char *strchr(const char *text, int byte);
int strcmp(const char *a, const char *b);
size_t strcspn(const char *text, const char *stops);
char *strdup(const char *text);
char *strerror(int code);
size_t strlen(const char *text);
int strncmp(const char *a, const char *b, size_t size);
size_t strnlen(const char *text, size_t size);
char *strpbrk(const char *text, const char *stops);
char *strrchr(const char *text, int byte);
size_t strspn(const char *text, const char *bytes);
char *strstr(const char *text, const char *part);

#endif
