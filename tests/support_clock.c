/* The clock that tests move. */
#include "tests/support_clock.h"

static int64_t boot_ns(void *self)
{
    return ((const struct fake_clock *)self)->boot_ns;
}

static int64_t awake_ns(void *self)
{
    return ((const struct fake_clock *)self)->awake_ns;
}

static int64_t wall_ns(void *self)
{
    return ((const struct fake_clock *)self)->wall_ns;
}

static bool sleep_until(void *self, int64_t boot_deadline_ns)
{
    struct fake_clock *fake = self;

    if (fake->interrupt)
        return false;
    if (fake->boot_ns < boot_deadline_ns)
        fake_clock_pass(fake, boot_deadline_ns - fake->boot_ns);
    fake_clock_pass(fake, fake->oversleep_ns);
    return true;
}

static uint64_t next_random(void *self)
{
    struct fake_clock *fake = self;

    fake->random = fake->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return fake->random;
}

struct clock fake_clock_interface(struct fake_clock *fake)
{
    return (struct clock){ boot_ns, awake_ns, wall_ns, sleep_until, next_random, fake };
}

void fake_clock_pass(struct fake_clock *fake, int64_t ns)
{
    fake->boot_ns += ns;
    fake->awake_ns += ns;
    fake->wall_ns += ns;
}

void fake_clock_suspend(struct fake_clock *fake, int64_t ns)
{
    fake->boot_ns += ns;
    fake->wall_ns += ns;
}
