/* What the files that print a comparison share. */
#ifndef ANALYZER_COMPARE_OUTPUT_H
#define ANALYZER_COMPARE_OUTPUT_H

#include "analyzer/compare.h"

enum { COMPARE_NOTE_MAX = 4096 };

struct compare_output {
    const struct compare *c;
    const struct compare_printing *how;
    struct output out;
    bool people;
    char *replay[COMPARE_SIDES], *report[COMPARE_SIDES]; /* commands, before their times */
};

/* Programs with a change beyond noise: they come first. */
size_t compare_count_beyond(const struct compare *c);
/* Programs that have rows. */
size_t compare_count_shown(const struct compare_output *p);

/* The command that shows where there was most of something, on the side that has more of it. */
void compare_put_replay(const struct compare_output *p, const struct compare_change *change,
                        char *text, size_t size);

/* The windows, the method, what is missing, commands, and how far both sides can be trusted. */
void compare_put_notes(struct compare_output *p);

#endif
