/* Nothing: initgroups is in unistd.h. */
