/* Cost by window; the event says what was done and why, with the figures. */
#include "recorder/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "schema/error.h"

enum { WAIT_FIRST = 2, PPM = 1000000, PPM_PER_PERCENT = 10000, ROOM_PERCENT = 90 };

static int64_t ppm_of(int64_t cpu_ns, int64_t span_ns)
{
    return span_ns <= 0 ? 0 : (int64_t)((double)cpu_ns * PPM / (double)span_ns);
}

/* "1.25 %" */
static void print_ppm(char *text, size_t size, int64_t ppm)
{
    (void)snprintf(text, size, "%" PRId64 ".%02" PRId64 " %%", ppm / PPM_PER_PERCENT,
                   ppm % PPM_PER_PERCENT / 100);
}

static void tell(struct tick *tick, const char *kind, int64_t cost_ppm, const char *detail)
{
    struct tick_event *event = tick_add_event(tick);

    if (event == NULL)
        return;
    event->at_ns = tick->start_ns;
    event->value = cost_ppm;
    event->kind = tick_add_text(tick, kind, strlen(kind));
    event->detail = tick_add_text(tick, detail, strlen(detail));
}

static void tell_step(const struct budget *budget, const struct budget_item *item, const char *kind,
                      int64_t cost_ppm, struct tick *tick)
{
    char cost[32], limit[32], detail[200];
    int64_t factor = budget_factor(item->level);

    print_ppm(cost, sizeof cost, cost_ppm);
    print_ppm(limit, sizeof limit, budget->limit_ppm);
    if (factor == 0)
        (void)snprintf(detail, sizeof detail, "%s: left out", item->name);
    else if (factor == 1)
        (void)snprintf(detail, sizeof detail, "%s: as often as by default", item->name);
    else
        (void)snprintf(detail, sizeof detail, "%s: %" PRId64 " times as seldom", item->name,
                       factor);
    (void)snprintf(detail + strlen(detail), sizeof detail - strlen(detail),
                   "; recording took %s of a core, --budget %s", cost, limit);
    tell(tick, kind, cost_ppm, detail);
}

/* The one that costs most and can cost less; NULL: there is none. */
static struct budget_item *dearest(struct budget *budget, const int64_t cost_ppm[])
{
    struct budget_item *most = NULL;
    int64_t most_ppm = 0;

    for (size_t i = 0; i < budget->count; i++) {
        struct budget_item *item = &budget->item[i];

        if (!item->optional || budget_factor(item->level) == 0 || cost_ppm[i] <= most_ppm)
            continue;
        most = item;
        most_ppm = cost_ppm[i];
    }
    return most;
}

/* What it costs at a level, from what it cost in full. */
static int64_t cost_at(const struct budget_item *item, unsigned level)
{
    int64_t factor = budget_factor(level);

    return factor == 0 ? 0 : item->full_cost_ppm / factor;
}

/* The cheapest to have back that has waited and for which there is room. */
static struct budget_item *returning(struct budget *budget, int64_t used_ppm)
{
    struct budget_item *least = NULL;
    int64_t least_ppm = 0;

    for (size_t i = 0; i < budget->count; i++) {
        struct budget_item *item = &budget->item[i];
        int64_t more_ppm;

        if (item->level == 0 || item->waited < item->wait)
            continue;
        more_ppm = cost_at(item, item->level - 1) - cost_at(item, item->level);
        if ((used_ppm + more_ppm) * 100 > budget->limit_ppm * ROOM_PERCENT)
            continue;
        if (least == NULL || more_ppm < least_ppm) {
            least = item;
            least_ppm = more_ppm;
        }
    }
    return least;
}

static void shed(struct budget_item *item, int64_t cost_ppm)
{
    bool again = item->came_back && item->waited <= item->wait;

    item->full_cost_ppm = cost_ppm * budget_factor(item->level);
    if (!again && (item->came_back || item->wait == 0))
        item->wait = WAIT_FIRST;
    else if (again)
        item->wait = item->wait * 2 < BUDGET_WAIT_MOST ? item->wait * 2 : BUDGET_WAIT_MOST;
    item->came_back = false;
    item->level++;
    item->waited = 0;
}

static void decide(struct budget *budget, const int64_t cost_ppm[], int64_t used_ppm,
                   struct tick *tick)
{
    struct budget_item *item;

    for (size_t i = 0; i < budget->count; i++)
        budget->item[i].waited += budget->item[i].waited < UINT32_MAX;
    if (used_ppm > budget->limit_ppm) {
        item = dearest(budget, cost_ppm);
        if (item != NULL) {
            shed(item, cost_ppm[item - budget->item]);
            tell_step(budget, item, "shed", used_ppm, tick);
        } else if (!budget->told) {
            budget->told = true;
            tell(tick, "over_budget", used_ppm,
                 "what is left cannot be left out: a longer --interval costs less");
        }
        return;
    }
    budget->told = false;
    item = returning(budget, used_ppm);
    if (item == NULL)
        return;
    item->level--;
    item->waited = 0;
    item->came_back = true;
    tell_step(budget, item, "restored", used_ppm, tick);
}

void budget_look(struct budget *budget, const struct recorder_stats *stats, int64_t now_ns,
                 int64_t cpu_ns, struct tick *tick)
{
    int64_t span_ns = now_ns - budget->start_ns;
    int64_t cost_ppm[COLLECTORS_MAX];

    if (budget->limit_ppm == 0 || (budget->start_ns != 0 && span_ns < BUDGET_WINDOW_NS))
        return;
    for (size_t i = 0; i < budget->count; i++) {
        cost_ppm[i] = ppm_of(stats->collector[i].cpu_ns - budget->item[i].cpu_ns, span_ns);
        budget->item[i].cpu_ns = stats->collector[i].cpu_ns;
    }
    /* The first window begins when recording has settled: loading is not its cost. */
    if (budget->start_ns != 0)
        decide(budget, cost_ppm, ppm_of(cpu_ns - budget->cpu_ns, span_ns), tick);
    budget->start_ns = now_ns;
    budget->cpu_ns = cpu_ns;
}

bool budget_text(const struct tick *tick, const struct tick_event *event, char *text, size_t size)
{
    static const char *const kinds[] = { "shed", "restored", "over_budget" };
    static const char *const words[] = { "for its cost, ", "", "over its budget: " };
    const char *kind = tick_text_at(tick, event->kind);

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (event->kind.size != strlen(kinds[i]) || memcmp(kind, kinds[i], event->kind.size) != 0)
            continue;
        (void)snprintf(text, size, "%s%.*s", words[i], (int)event->detail.size,
                       tick_text_at(tick, event->detail));
        return true;
    }
    return false;
}
