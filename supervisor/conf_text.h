/*
 * conf_text.h - what is done to the text of a configuration file before
 * libconfuse reads it.
 *
 * libconfuse 3.3 counts three lines for a comment of one, takes a comment
 * inside a list for an item, keeps the state of its scanner when a string
 * doesn't end, and doesn't mind a section that is never closed.  So comments
 * are blanked here, and what doesn't end is found here.
 */
#ifndef SUPERVISOR_CONF_TEXT_H
#define SUPERVISOR_CONF_TEXT_H

#include <stddef.h>

#include "common/sc.h"

/* What was found, and the line (from 1) where it begins. */
struct conf_text_fault {
	const char *what; /* a string constant */
	unsigned line;
};

/*
 * Overwrite the comments in text (#, //, and C's) with blanks, in place;
 * line feeds stay.  Returns 0, or -EINVAL with *ret_fault filled for a
 * string, a comment or a section that has no end.
 */
SC_MUST_CHECK int conf_text_clean(
    char *text, struct conf_text_fault *ret_fault);

#endif
