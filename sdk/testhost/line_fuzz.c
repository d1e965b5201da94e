/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a line of a script; what its words are printed as is read as the same words. */
#include "line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void again(const struct gh_line *line)
{
	struct gh_text text = { 0 };
	struct gh_line copy;
	const char *problem;
	size_t column;

	gh_text_print(&text, "again");
	for (size_t i = 0; i < line->count; i++) {
		gh_text_put(&text, " \"\"", 3); /* neither a key nor a comment */
		gh_text_word(&text, line->words[i].p, line->words[i].n);
	}
	must(gh_line_parse(text.p, &copy, &problem, &column) == 0);
	must(!copy.expects && copy.count == line->count + 1);
	for (size_t i = 0; i < line->count; i++)
		must(copy.words[i + 1].n == line->words[i].n &&
		     memcmp(copy.words[i + 1].p, line->words[i].p, line->words[i].n) == 0);
	gh_line_done(&copy);
	gh_text_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = gh_copy_n(data, size);
	struct gh_facts facts = { 0 };
	const char *problem = NULL;
	struct gh_line line;
	size_t column = 0;

	if (gh_line_parse(text, &line, &problem, &column) == 0) {
		gh_facts_word(&facts, "allow");
		gh_facts_text(&facts, "why", "a*b");
		gh_line_fits(&line, &facts);
		gh_line_value(&line, "why");
		gh_line_unused(&line);
		again(&line);
		gh_facts_done(&facts);
		gh_line_done(&line);
	} else {
		must(problem && column >= 1 && column <= size + 1);
	}
	free(text);
	return 0;
}
