/* pslist-simulated-mac SCENARIO.json SECONDS ARGUMENT...: pslist on a simulated Mac at that time. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/darwin/fake_kernel.h"

int pslist_main(int argc, char **argv);

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: pslist-simulated-mac SCENARIO.json SECONDS PSLIST-ARGUMENT...\n", stderr);
        return 2;
    }
    fake_boot(scenario_load(argv[1]));
    fake_set_now((int64_t)(strtod(argv[2], NULL) * 1e9));
    argv[2] = argv[0];
    return pslist_main(argc - 2, argv + 2);
}
