/*
 * log_escape.h - make text of any origin fit to stand in a log line.
 */
#ifndef COMMON_LOG_ESCAPE_H
#define COMMON_LOG_ESCAPE_H

#include <stddef.h>

/*
 * Copy len bytes to buf with every control character (C0, DEL and C1) and
 * every byte that is not part of well-formed UTF-8 (RFC 3629) written as
 * \xNN, and end it with a NUL.  Where cap is too small the text is cut
 * between two characters and ends in "...".
 * Returns the length written, less than cap.  cap is at least 8.
 */
size_t log_escape(const char *text, size_t len, char *buf, size_t cap);

/*
 * The same for what stands between double quotes, in JSON (RFC 8259, 7) too:
 * a quote and a backslash get a backslash before them, so the \xNN above is
 * written \\xNN, and reads as \xNN.
 */
size_t log_quote(const char *text, size_t len, char *buf, size_t cap);

#endif
