/* Memory that was freed and that the C library keeps for later. */
#ifndef RECORDER_HEAP_H
#define RECORDER_HEAP_H

/*
 * To be called before there are threads: large pieces are given back to the system as soon as they are freed,
 * however large others were before.
 */
void heap_begin(void);

/* Give it back to the system. Takes a millisecond and more: for when much of it is there. */
void heap_trim(void);

#endif
