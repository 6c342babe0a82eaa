#ifndef DARWIN_LIBC_REGEX_H
#define DARWIN_LIBC_REGEX_H

#include <sys/types.h>

typedef off_t regoff_t;
typedef struct {
    int re_magic;
    size_t re_nsub;
    const char *re_endp;
    struct re_guts *re_g;
} regex_t;
typedef struct {
    regoff_t rm_so;
    regoff_t rm_eo;
} regmatch_t;
#define REG_EXTENDED 1
#define REG_NOTBOL 1
#define REG_NOMATCH 1
#define REG_ESPACE 12

int regcomp(regex_t *compiled, const char *pattern, int flags);
int regexec(const regex_t *compiled, const char *text, size_t count, regmatch_t matches[],
            int flags);
size_t regerror(int code, const regex_t *compiled, char *text, size_t size);
void regfree(regex_t *compiled);

#endif
