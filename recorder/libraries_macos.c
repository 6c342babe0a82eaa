/* Nothing: there is no sandbox here yet after which a library could not be loaded any more. */
#include "recorder/libraries.h"

void libraries_load(void)
{
}

bool libraries_load_more(void)
{
    return false;
}
