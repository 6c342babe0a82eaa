/* mallopt(3) and malloc_trim(3), which musl has no need for: it gives back what is freed. */
#include "recorder/heap.h"

#include <malloc.h>

/* Left alone, glibc keeps pieces of up to 32 MB once one of that size was freed. */
void heap_begin(void)
{
#ifdef __GLIBC__
    enum { LARGE_BYTES = 1 << 20 };

    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
#endif
}

void heap_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
