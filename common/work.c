/*
 * work.c - the words of the tables.
 */
#include "config.h"

#include "common/work.h"

static const char *const tasks[] = {
#define X(name, text) text,
	WORK_TASKS(X)
#undef X
};

static const char *const kinds[] = {
#define X(name, text) text,
	WORK_KINDS(X)
#undef X
};

const char *
work_task_text(uint32_t task)
{
	return task < WORK_TASK_COUNT ? tasks[task] : "?";
}

const char *
work_kind_text(uint32_t kind)
{
	return kind < WORK_KIND_COUNT ? kinds[kind] : "?";
}
