/* Memory that was freed and that the C library keeps for later. */
#ifndef RECORDER_HEAP_H
#define RECORDER_HEAP_H

/* Give it back to the system. Takes a millisecond and more: for when much of it is there. */
void heap_trim(void);

#endif
