/* Memory that was freed and is needed again with the next block. */
#ifndef ANALYZER_HEAP_H
#define ANALYZER_HEAP_H

/*
 * To be called before there are threads, by a program and never by a library: what is freed stays with the
 * process. A question takes the same room for each block again, and where a page fault is dear (a virtual
 * machine) to get it anew from the system costs more than to decode the block.
 */
void heap_keep(void);

#endif
