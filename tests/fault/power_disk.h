/* What a disk holds for certain, and what it may hold: the model behind power_vfs.h. */
#ifndef TESTS_POWER_DISK_H
#define TESTS_POWER_DISK_H

#include <stddef.h>
#include <stdint.h>

/* A file, whatever its name is, or was. */
struct power_inode;

/* The file of that name, which is there, as it is now; owned by the disk. */
struct power_inode *power_disk_find(const char *path);
/* A new and empty one of that name. */
struct power_inode *power_disk_create(const char *path);
void power_disk_delete(const char *path);

void power_inode_write(struct power_inode *inode, const void *data, size_t size, int64_t at);
void power_inode_truncate(struct power_inode *inode, int64_t size);
void power_inode_sync(struct power_inode *inode);
void power_directory_sync(void);

/* Write to each file what the disk held when the power went. */
void power_disk_restore(uint64_t seed);
/* Take all files as they are from now on. */
void power_disk_forget(void);

#endif
