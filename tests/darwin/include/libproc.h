/*
 * Processes: each call returns 0 and sets errno where it fails, but proc_pid_rusage, which returns
 * -1.
 */
#ifndef DARWIN_LIBPROC_H
#define DARWIN_LIBPROC_H

#include <stdint.h>
#include <sys/proc_info.h>
#include <sys/resource.h>

int proc_listpids(uint32_t type, uint32_t typeinfo, void *buffer, int buffersize);
int proc_pidfileportinfo(int pid, uint32_t fileport, int flavor, void *buffer, int buffersize);
int proc_pidinfo(int pid, int flavor, uint64_t arg, void *buffer, int buffersize);
int proc_pidfdinfo(int pid, int fd, int flavor, void *buffer, int buffersize);
int proc_pidpath(int pid, void *buffer, uint32_t buffersize);
int proc_pid_rusage(int pid, int flavor, rusage_info_t *buffer);

#endif
