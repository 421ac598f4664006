/*
 * test_fault.c - the last words of a process that a fault signal kills.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fault_signals.h"
#include "common/sc.h"
#include "tests/unit/unit.h"
#include "worker/fault.h"

static struct shm_trace *trace;

static void
setup(void)
{
	trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(trace, MAP_FAILED);
}

/* Let a child do this with faults caught; its wait status. */
static int
run(void (*fn)(int), int argument)
{
	struct rlimit none = { 0, 0 };
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		fault_catch(trace);
		fn(argument);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(quiet_process_leaves_its_build_id_alone)
{
	memset(trace, 0xff, sizeof(*trace));
	ck_assert_int_eq(run((void (*)(int))_exit, 3), 3 << 8);
	ck_assert_uint_eq(trace->signal, 0);
	ck_assert_uint_eq(trace->count, 0);
	ck_assert_uint_le(trace->build_id_len, SHM_BUILD_ID_MAX);
}
END_TEST

#ifndef SC_SANITIZED
static const int signals[] = {
#define X(signal) signal,
	FAULT_SIGNALS(X)
#undef X
};

static void
raise_it(int number)
{
	(void)raise(number);
}

START_TEST(signal_kills_as_ever_and_is_noted)
{
	int status = run(raise_it, signals[_i]);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), signals[_i]);
	ck_assert_uint_eq(trace->signal, (uint32_t)signals[_i]);
	ck_assert_uint_gt(trace->count, 1);
}
END_TEST

static volatile int *volatile nowhere = (int *)64;

__attribute__((noinline)) static void
touch_nowhere(int value)
{
	*nowhere = value;
}

/* Whether a frame lies in the first bytes of a function of this program. */
static bool
is_in(const struct shm_frame *frame, void (*fn)(int))
{
	uint64_t low_bits = 0xfff, at = (uintptr_t)fn & low_bits;

	return strcmp(frame->module, program_invocation_short_name) == 0 &&
	       (frame->offset & low_bits) >= at &&
	       (frame->offset & low_bits) < at + 64;
}

START_TEST(innermost_frame_is_where_it_was)
{
	int status = run(touch_nowhere, 1);

	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
	ck_assert_uint_eq(trace->address, 64);
	ck_assert_msg(is_in(&trace->frames[0], touch_nowhere), "%s+%#lx",
	    trace->frames[0].module, (unsigned long)trace->frames[0].offset);
	/* Its caller is in this program, too. */
	ck_assert_str_eq(
	    trace->frames[1].module, program_invocation_short_name);
}
END_TEST

static int sink_down(volatile char *above);

/* So that the compiler does not see where it leads. */
static int (*volatile deeper)(volatile char *) = sink_down;

static int
sink_down(volatile char *above)
{
	volatile char frame[4096];

	frame[0] = *above;
	return deeper(frame) + frame[0];
}

static void
overflow_the_stack(int value)
{
	volatile char top = (char)value;

	(void)sink_down(&top);
}

START_TEST(stack_that_overflows_is_noted)
{
	int status = run(overflow_the_stack, 1);

	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
	ck_assert_uint_eq(trace->signal, SIGSEGV);
	ck_assert_uint_eq(trace->count, SHM_FRAMES_MAX);
}
END_TEST

static void
call_nowhere(int value)
{
	void (*wild)(int) = (void (*)(int))(uintptr_t)(value + 15);

	wild(value);
}

START_TEST(wild_jump_is_noted)
{
	int status = run(call_nowhere, 1);

	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
	ck_assert_uint_gt(trace->count, 0);
	ck_assert_str_eq(trace->frames[0].module, "");
	ck_assert_uint_eq(trace->frames[0].offset, 16);
}
END_TEST
#endif

int
main(void)
{
	Suite *suite = suite_create("fault");
	TCase *tc = tcase_create("fault");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, quiet_process_leaves_its_build_id_alone);
#ifndef SC_SANITIZED
	tcase_add_loop_test(
	    tc, signal_kills_as_ever_and_is_noted, 0, ARRAY_LEN(signals));
	tcase_add_test(tc, innermost_frame_is_where_it_was);
	tcase_add_test(tc, stack_that_overflows_is_noted);
	tcase_add_test(tc, wild_jump_is_noted);
#endif
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
