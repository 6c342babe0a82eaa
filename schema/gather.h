/*
 * A SQLite VFS for writers of a WAL: what one commit appends goes to the system as one write.
 * SQLite itself writes each frame as two, 24 bytes and a page; with pages of 1 KiB these calls
 * are most of what a commit costs. Nothing is held back once a commit has returned.
 *
 * The VFS wraps whatever is the default when it is first asked for. https://sqlite.org/vfs.html
 */
#ifndef SCHEMA_GATHER_H
#define SCHEMA_GATHER_H

/* Its name, for sqlite3_open_v2; NULL, which is the default VFS, if it could not be registered. */
const char *gather_vfs(void);

#endif
