/*
 * end_reasons.c - the words of the table.
 */
#include "config.h"

#include "common/end_reasons.h"
#include "common/sc.h"

static const struct {
	const char *word, *text;
	bool fault;
} rows[END_REASON_COUNT] = {
#define X(name, is_fault, sentence) { #name, sentence, is_fault },
	END_REASONS(X)
#undef X
};

static unsigned
row(unsigned reason)
{
	return reason < END_REASON_COUNT ? reason : END_NONE;
}

const char *
end_reason_word(unsigned reason)
{
	return rows[row(reason)].word;
}

const char *
end_reason_text(unsigned reason)
{
	return rows[row(reason)].text;
}

bool
end_reason_is_fault(unsigned reason)
{
	return rows[row(reason)].fault;
}
