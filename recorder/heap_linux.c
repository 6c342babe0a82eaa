/* malloc_trim(3), which musl has no need for: it gives back what is freed. */
#include "recorder/heap.h"

#include <malloc.h>

void heap_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
