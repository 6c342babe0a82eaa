/* A container engine with one container, on a socket of a test's root, in a thread of its own. */
#ifndef TESTS_SUPPORT_ENGINE_H
#define TESTS_SUPPORT_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/support_root.h"

enum test_engine_does {
    ENGINE_ANSWERS,
    ENGINE_IS_EMPTY,
    ENGINE_CLOSES,     /* the connection, instead of an answer */
    ENGINE_HANGS,      /* until it ends */
    ENGINE_CHUNKS,     /* its answers byte by byte, in HTTP's chunks */
    ENGINE_NULLS,      /* networks, IO and memory are null */
    ENGINE_LOSES_THEM, /* between the list and the statistics: 404 */
};

struct test_engine {
    const char *id;
    int listener;
    pthread_t thread;
    _Atomic int does;
    atomic_bool ending;
};

/* The test fails when it cannot listen there. */
void test_engine_begin(struct test_engine *engine, const struct test_root *root, const char *path,
                       const char *id);
/* Nobody listens any more; the socket's file stays. */
void test_engine_end(struct test_engine *engine);

#endif
