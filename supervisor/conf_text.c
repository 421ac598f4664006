/*
 * conf_text.c - blank the comments of a configuration file.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "supervisor/conf_text.h"

/* A place in the text. */
struct cursor {
	char *at;
	unsigned line;
};

static void
step(struct cursor *cursor)
{
	if (*cursor->at == '\n')
		cursor->line++;
	cursor->at++;
}

/* Pass a string in quotes: 0, or -EINVAL if it has no end. */
static int
skip_string(struct cursor *cursor)
{
	char quote = *cursor->at;

	step(cursor);
	while (*cursor->at != '\0' && *cursor->at != quote) {
		if (*cursor->at == '\\' && cursor->at[1] != '\0')
			step(cursor);
		step(cursor);
	}
	if (*cursor->at == '\0')
		return -EINVAL;
	step(cursor);
	return 0;
}

static void
blank(struct cursor *cursor)
{
	if (*cursor->at != '\n')
		*cursor->at = ' ';
	step(cursor);
}

static void
blank_line(struct cursor *cursor)
{
	while (*cursor->at != '\0' && *cursor->at != '\n')
		blank(cursor);
}

static int
blank_block(struct cursor *cursor)
{
	char *end = strstr(cursor->at + 2, "*/");

	if (end == NULL)
		return -EINVAL;
	while (cursor->at < end + 2)
		blank(cursor);
	return 0;
}

/* Pass a word without quotes: it may hold slashes, as URLs do. */
static void
skip_word(struct cursor *cursor)
{
	cursor->at += strcspn(cursor->at, " \t\r\n#\"'={}()+,*");
}

/* The sections that are open, and the line of the last one's brace. */
struct braces {
	unsigned depth;
	unsigned line;
};

static void
note_brace(struct braces *braces, const struct cursor *cursor)
{
	if (*cursor->at == '{') {
		braces->depth++;
		braces->line = cursor->line;
	} else if (*cursor->at == '}' && braces->depth > 0) {
		braces->depth--;
	}
}

/* Pass whatever begins here.  NULL, or what has no end. */
static const char *
pass_one(struct cursor *cursor, struct braces *braces)
{
	const char *at = cursor->at;

	if (*at == '"' || *at == '\'')
		return skip_string(cursor) < 0 ? "a string has no end" : NULL;
	if (at[0] == '/' && at[1] == '*')
		return blank_block(cursor) < 0 ? "a comment has no end" : NULL;
	if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
		blank_line(cursor);
	} else if (strchr(" \t\r\n={}()+,*", *at) != NULL) {
		note_brace(braces, cursor);
		step(cursor);
	} else {
		skip_word(cursor);
	}
	return NULL;
}

int
conf_text_clean(char *text, struct conf_text_fault *ret_fault)
{
	struct cursor cursor = { .at = text, .line = 1 };
	struct braces braces = { .depth = 0, .line = 0 };

	while (*cursor.at != '\0') {
		unsigned line = cursor.line;
		const char *what = pass_one(&cursor, &braces);

		if (what != NULL) {
			ret_fault->what = what;
			ret_fault->line = line;
			return -EINVAL;
		}
	}
	if (braces.depth > 0) {
		ret_fault->what = "a section or list that begins here has no "
				  "closing brace";
		ret_fault->line = braces.line;
		return -EINVAL;
	}
	return 0;
}
