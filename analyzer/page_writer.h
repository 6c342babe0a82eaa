/* A report's rows as the page has them: {"rows":[[CELL,...],...],"notes":[[NAME,TEXT],...]}. */
#ifndef ANALYZER_PAGE_WRITER_H
#define ANALYZER_PAGE_WRITER_H

#include "analyzer/output.h"

/* Numbers in full precision, times in ns as text, texts escaped as for a terminal, missing is null. */
extern const struct output_writer page_writer;

/* Text as the page shows it, at most `most` bytes of it; 0: all. owns: nothing, appends a JSON string */
void page_writer_text(struct byte_writer *w, const char *text, size_t size, size_t most);

#endif
