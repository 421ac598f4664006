/*
 * print.h - answers on the standard output, for people or as JSON.
 */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>

#include "common/ctl_proto.h"
#include "common/sc.h"
#include "ctl/options.h"
#include "ctl/table.h"

struct printer {
	const struct ctl_options *options;
	struct table_style style;
	bool is_terminal;
	unsigned asked; /* answers begun: with --watch there are many */
	json_t *rows;   /* rows so far */
	json_t *text;   /* --json: samples so far */
};

/* Begin; what the output is decides about width and colours. */
SC_MUST_CHECK int printer_init(
    struct printer *p, const struct ctl_options *options);
void printer_fini(struct printer *p);

/*
 * A new answer begins: with --watch on a clean screen, or where the output is
 * no terminal, after an empty line.  JSON is a document a line.
 */
void printer_begin(struct printer *p);

/* A piece of an answer, which is kept or printed: 0, -ENOMEM or -EIO. */
SC_MUST_CHECK int printer_take(
    struct printer *p, const struct ctl_answer *answer);

/* The answer is whole; `done` is its last frame: 0, -ENOMEM or -EIO. */
SC_MUST_CHECK int printer_end(struct printer *p, const struct ctl_answer *done);

#endif
