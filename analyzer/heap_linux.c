/* mallopt(3); musl has none. */
#include "analyzer/heap.h"

#include <malloc.h>

void heap_keep(void)
{
#ifdef __GLIBC__
    enum { LARGEST = 32 << 20, TRIM = 1 << 30, AT_ONCE = 1 << 20 };

    (void)mallopt(M_MMAP_THRESHOLD, LARGEST); /* as much as glibc takes */
    (void)mallopt(M_TRIM_THRESHOLD, TRIM);
    (void)mallopt(M_TOP_PAD, AT_ONCE);
#endif
}
