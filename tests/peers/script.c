/*
 * script.c - parses the little language that tells the origin what to do.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/script.h"

static const struct {
	const char *name;
	unsigned min;
	unsigned max;
	const char *help;
} verbs[] = {
#define SCRIPT_ROW(verb, min, max, help) { #verb, min, max, help },
	SCRIPT_VERBS(SCRIPT_ROW)
#undef SCRIPT_ROW
};

/* The end of the word at `at`: a blank, a semicolon or the end of the text. */
static const char *
word_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" \t;", *at) != NULL)
			break;
	}
	return quoted ? NULL : at;
}

/* The word's bytes without its quotes, escapes resolved. */
static int
add_word(struct bytes *word, const char *at, const char *end)
{
	const char *run = at;

	bytes_add(word, "", 0);
	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end) {
			at++;
			continue;
		}
		if (*at != '"')
			continue;
		if (bytes_add_escaped(word, run, (size_t)(at - run)) < 0)
			return -1;
		run = at + 1;
	}
	return bytes_add_escaped(word, run, (size_t)(end - run));
}

static int
find_verb(const struct bytes *word)
{
	for (int i = 0; i < SCRIPT_VERB_COUNT; i++)
		if (strcmp(verbs[i].name, word->data) == 0)
			return i;
	return -1;
}

static struct script_statement *
add_statement(struct script *script, int verb)
{
	size_t size = sizeof(*script->statements);
	struct script_statement *s;

	script->statements =
	    realloc(script->statements, size * (script->count + 1));
	if (script->statements == NULL)
		abort();
	s = &script->statements[script->count++];
	memset(s, 0, size);
	s->verb = (enum script_verb)verb;
	return s;
}

/* Take one word into the script; s is its statement, NULL before the verb. */
static const char *
take_word(struct script *script, struct script_statement **s, const char *at,
    const char *end)
{
	struct bytes verb = { 0 };
	int number;

	if (*s != NULL) {
		if ((*s)->word_count == verbs[(*s)->verb].max)
			return "too many words";
		if (add_word(&(*s)->words[(*s)->word_count++], at, end) < 0)
			return "bad escape";
		return NULL;
	}
	(void)add_word(&verb, at, end);
	number = find_verb(&verb);
	bytes_fini(&verb);
	if (number < 0)
		return "unknown verb";
	*s = add_statement(script, number);
	return NULL;
}

static const char *
parse(struct script *script, const char *at, const char *end)
{
	struct script_statement *s = NULL;
	const char *stop, *why;

	while (at < end) {
		if (*at == ' ' || *at == '\t') {
			at++;
			continue;
		}
		if (*at == ';') {
			if (s != NULL && s->word_count < verbs[s->verb].min)
				return "too few words";
			s = NULL;
			at++;
			continue;
		}
		stop = word_end(at, end);
		if (stop == NULL)
			return "quote without an end";
		why = take_word(script, &s, at, stop);
		if (why != NULL)
			return why;
		at = stop;
	}
	if (s != NULL && s->word_count < verbs[s->verb].min)
		return "too few words";
	return NULL;
}

int
script_parse(
    struct script *script, const char *text, size_t len, const char **ret_why)
{
	const char *why;

	memset(script, 0, sizeof(*script));
	why = parse(script, text, text + len);
	if (why == NULL)
		return 0;
	*ret_why = why;
	script_fini(script);
	return -1;
}

void
script_fini(struct script *script)
{
	for (unsigned i = 0; i < script->count; i++)
		for (unsigned j = 0; j < SCRIPT_WORDS_MAX; j++)
			bytes_fini(&script->statements[i].words[j]);
	free(script->statements);
	memset(script, 0, sizeof(*script));
}

const char *
script_value(const struct script_statement *s, const char *key, size_t *ret_len)
{
	size_t len = strlen(key);

	for (unsigned i = 0; i < s->word_count; i++) {
		const struct bytes *word = &s->words[i];

		if (word->len > len && word->data[len] == '=' &&
		    memcmp(word->data, key, len) == 0) {
			*ret_len = word->len - len - 1;
			return word->data + len + 1;
		}
	}
	return NULL;
}

uint64_t
script_number(const char *word)
{
	char *unit;
	uint64_t number = strtoull(word, &unit, 10);

	if (strcmp(unit, "KiB") == 0)
		return number << 10;
	if (strcmp(unit, "MiB") == 0)
		return number << 20;
	return number;
}

void
script_print_verbs(void)
{
	for (int i = 0; i < SCRIPT_VERB_COUNT; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
}
