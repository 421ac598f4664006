/*
 * sc.h - attributes and assertions that every file may use.
 */
#ifndef COMMON_SC_H
#define COMMON_SC_H

#include <stddef.h>

#define SC_MUST_CHECK __attribute__((warn_unused_result))
#define SC_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define SC_NORETURN __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The struct of the given type whose member `m` is at `p`. */
#define container_of(p, type, m) \
	((type *)(void *)((char *)(p) - offsetof(type, m)))

/*
 * Assert what only a bug of ours can break; always on, for it guards state
 * that outlives the process.  Never for what a peer sent, nor for what was
 * read from shared memory: those are answered, not asserted.
 */
#define sc_assert(cond)                                             \
	do {                                                        \
		if (__builtin_expect(!(cond), 0))                   \
			sc_assert_failed(#cond, __FILE__, __LINE__, \
			    __func__);                              \
	} while (0)

/* Write one line to stderr (async-signal-safe) and abort. */
SC_NORETURN void sc_assert_failed(const char *cond, const char *file,
    int line, const char *func);

#endif
