/*
 * The configuration file: the options of the command line under their long names, in one JSON
 * object, as in { "interval": "500ms", "collectors": ["process", "cpu"], "no-cmdline": true }.
 */
#ifndef RECORDER_CONFIG_H
#define RECORDER_CONFIG_H

#include <stdio.h>

#include "recorder/options.h"

/*
 * Set what the file says; what it does not name stays as it is, null too.
 *
 *   errors  INVALID naming file, line and key: no JSON, an unknown key, a wrong type or value, a key
 *           that comes twice; IO; NO_MEMORY
 *   owns    what it was read into, until config_release of *config; options' strings point there
 */
struct config;
MUST_USE enum status config_read(struct config **config, const char *path, struct options *options,
                                 struct error *err);
/* The same of text[size] in memory; messages name no file. */
MUST_USE enum status config_parse(struct config **config, const char *text, size_t size,
                                  struct options *options, struct error *err);

/* Accepts NULL. */
void config_release(struct config *config);

/* All options that a file can set, as they are now, as the text of such a file; free() it. */
MUST_USE enum status config_text(const struct options *options, char **text, struct error *err);

/* And that to a stream. errors NO_MEMORY, IO */
MUST_USE enum status config_print(const struct options *options, FILE *out, struct error *err);

#endif
