/*
 * fault.c - the last words of a worker that a fault signal kills.
 *
 * What the handler needs is made at the start: it allocates nothing, takes no
 * lock, and runs on a stack of its own.  Addresses mean nothing to another
 * process, so it writes them as offsets in the files that are mapped there.
 */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "common/fault_signals.h"
#include "common/sc.h"
#include "worker/fault.h"

#define STACK_SIZE (64u * 1024u)
#define MODULES_MAX 64u
/* Of the handler and the trampoline, before those that are of interest. */
#define OWN_FRAMES_MAX 4

/* Code that is mapped into this process. */
struct module {
	uintptr_t begin, end;
	uintptr_t base; /* what is added to an offset in the file */
	char name[SHM_MODULE_CAP];
};

static struct {
	struct shm_trace *trace;
	struct module modules[MODULES_MAX];
	uint32_t module_count;
} self;

/* --- at the start -------------------------------------------------------- */

static void
note_module(const struct dl_phdr_info *object, const ElfW(Phdr) * segment)
{
	struct module *m = &self.modules[self.module_count];
	const char *slash = strrchr(object->dlpi_name, '/');
	const char *name = slash != NULL ? slash + 1 : object->dlpi_name;

	if (self.module_count == MODULES_MAX)
		return;
	self.module_count++;
	m->base = object->dlpi_addr;
	m->begin = m->base + segment->p_vaddr;
	m->end = m->begin + segment->p_memsz;
	/* The program itself has no name there. */
	(void)snprintf(m->name, sizeof(m->name), "%.*s",
	    (int)sizeof(m->name) - 1,
	    name[0] != '\0' ? name : program_invocation_short_name);
}

/* The build id among the notes of a segment. */
static void
note_build_id(const char *at, size_t left)
{
	const ElfW(Nhdr) * note;
	size_t name_len, len;

	while (left >= sizeof(*note)) {
		note = (const void *)at;
		name_len = (note->n_namesz + 3) & ~(size_t)3;
		len = (note->n_descsz + 3) & ~(size_t)3;
		if (left - sizeof(*note) < name_len + len)
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    memcmp(note + 1, "GNU", 4) == 0) {
			self.trace->build_id_len =
			    MIN(note->n_descsz, SHM_BUILD_ID_MAX);
			memcpy(self.trace->build_id,
			    at + sizeof(*note) + name_len,
			    self.trace->build_id_len);
		}
		at += sizeof(*note) + name_len + len;
		left -= sizeof(*note) + name_len + len;
	}
}

static int
on_object(struct dl_phdr_info *object, size_t size, void *context)
{
	bool *is_program = context;

	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X)
			note_module(object, segment);
		if (*is_program && segment->p_type == PT_NOTE)
			note_build_id(
			    (const char *)object->dlpi_addr + segment->p_vaddr,
			    segment->p_memsz);
	}
	*is_program = false; /* the program comes first */
	return 0;
}

#ifndef SC_SANITIZED

/* --- in the handler ------------------------------------------------------- */

/* Where the fault was. */
static uintptr_t
fault_address(const void *context)
{
	const ucontext_t *at = context;

#if defined(__x86_64__)
	return (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)at->uc_mcontext.pc;
#else
	(void)at;
	return 0;
#endif
}

static void
write_frame(uintptr_t address)
{
	struct shm_trace *t = self.trace;
	struct shm_frame *frame = &t->frames[t->count];

	if (t->count == SHM_FRAMES_MAX)
		return;
	t->count++;
	frame->offset = address;
	frame->module[0] = '\0';
	for (uint32_t i = 0; i < self.module_count; i++) {
		const struct module *m = &self.modules[i];

		if (address < m->begin || address >= m->end)
			continue;
		frame->offset = address - m->base;
		memcpy(frame->module, m->name, sizeof(frame->module));
		return;
	}
}

static void
on_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t address = fault_address(context);
	void *frames[SHM_FRAMES_MAX + OWN_FRAMES_MAX];
	int i, own = 0, count;

	self.trace->signal = (uint32_t)number;
	self.trace->address = (uintptr_t)info->si_addr;
	write_frame(address);
	/* It may be wild, and then this dies: of the signal as it is. */
	count = backtrace(frames, (int)ARRAY_LEN(frames));
	for (i = 0; i < count; i++) {
		if ((uintptr_t)frames[i] == address)
			own = i + 1;
	}
	/* A caller's address is that behind the call. */
	for (i = own; i < count; i++)
		write_frame((uintptr_t)frames[i] - 1);
	(void)raise(number);
}

static void
catch_signals(void)
{
	static _Alignas(16) char stack[STACK_SIZE];
	static const int signals[] = {
#define X(signal) signal,
		FAULT_SIGNALS(X)
#undef X
	};
	stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = {
		.sa_sigaction = on_fault,
		/* The second time it kills, whoever raises it. */
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER,
	};
	void *frames[1];

	(void)sigemptyset(&action.sa_mask);
	/* The first call loads a library, which the handler must not. */
	(void)backtrace(frames, 1);
	(void)sigaltstack(&own, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaction(signals[i], &action, NULL);
}

#else

static void
catch_signals(void)
{
}

#endif

void
fault_catch(struct shm_trace *trace)
{
	bool is_program = true;

	memset(trace, 0, sizeof(*trace));
	self.trace = trace;
	catch_signals();
	/* After the library is loaded, so that it is among them. */
	self.module_count = 0;
	(void)dl_iterate_phdr(on_object, &is_program);
}
