#ifndef DARWIN_LIBC_STDIO_H
#define DARWIN_LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct darwin_file FILE;
extern FILE *__stdoutp, *__stderrp;
#define stdout __stdoutp
#define stderr __stderrp
#define EOF (-1)
#define SEEK_SET 0
#define SEEK_END 2

FILE *fopen(const char *path, const char *mode);
int fclose(FILE *file);
int feof(FILE *file);
int ferror(FILE *file);
int fflush(FILE *file);
char *fgets(char *line, int size, FILE *file);
int fileno(FILE *file);
int fputc(int byte, FILE *file);
int fputs(const char *text, FILE *file);
size_t fread(void *data, size_t size, size_t count, FILE *file);
size_t fwrite(const void *data, size_t size, size_t count, FILE *file);
int fprintf(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
FILE *open_memstream(char **text, size_t *size);
void perror(const char *text);
int puts(const char *text);
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int putchar(int byte);
int snprintf(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int sscanf(const char *text, const char *format, ...) __attribute__((format(scanf, 2, 3)));
int vfprintf(FILE *file, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int vsnprintf(char *text, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int remove(const char *path);
int rename(const char *from, const char *to);

#endif
