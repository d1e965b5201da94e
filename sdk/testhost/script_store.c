/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about a store, and about what a module keeps in one. */
#include "script.h"

#include <stdlib.h>

static uint32_t kind_of(struct gh_script *script)
{
	const char *word = gh_script_word(script, 1, "the kind");

	return *word >= '0' && *word <= '9'
		       ? (uint32_t)gh_read_number(script, "kind", word, UINT32_MAX)
		       : gh_read_index(script, "kind", gh_record_kinds, word);
}

/* p NULL: there is none. */
static struct gh_bytes bytes_at(struct gh_script *script, size_t index)
{
	const struct gh_word *word = gh_line_word(script->line, index);

	return word ? (struct gh_bytes){ word->p, word->n } : (struct gh_bytes){ 0 };
}

static struct gh_bytes needed_at(struct gh_script *script, size_t index, const char *what)
{
	struct gh_bytes bytes = bytes_at(script, index);

	if (!bytes.p)
		gh_script_wrong(script, "%s is missing", what);
	return bytes;
}

/* "KIND [OWNER [KEY]]", as it is lent. */
static struct gh_record name_of(struct gh_script *script, struct gh_lent *lent)
{
	struct gh_record record = { .size = sizeof(record), .kind = kind_of(script) };

	record.owner = gh_lend_str(lent, bytes_at(script, 2));
	record.key = gh_lend_bytes(lent, bytes_at(script, 3));
	return record;
}

static void tell_code(struct gh_script *script, int rc, const struct gh_error *error,
		      struct gh_facts *facts)
{
	if (error->text[0]) {
		gh_script_wrong(script, "%s", error->text);
		return;
	}
	gh_facts_word(facts, rc ? "error" : "ok");
	if (rc)
		gh_facts_text(facts, "code", gh_code_word(rc));
}

void gh_do_loaded(struct gh_script *script, struct gh_facts *facts)
{
	const struct gh_sink *loaded = gh_testhost_loaded(script->host);

	if (!gh_script_right(script))
		return;
	if (loaded)
		gh_sink_facts(loaded, facts);
	else
		gh_script_wrong(script, "no store has been loaded");
}

void gh_do_put(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_lent lent = { 0 };
	struct gh_record record = name_of(script, &lent);
	struct gh_error error = { 0 };
	const char *expires = gh_script_text(script, "expires");

	needed_at(script, 2, "the owner");
	needed_at(script, 3, "the key");
	record.value = gh_lend_bytes(&lent, needed_at(script, 4, "the value"));
	record.expires = expires ? gh_read_time(script, expires) : 0;
	if (gh_script_right(script))
		tell_code(script,
			  gh_testhost_put(script->host, gh_lend(&lent, &record, sizeof(record)),
					  &error),
			  &error, facts);
	gh_lent_end(&lent);
}

void gh_do_erase(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_lent lent = { 0 };
	struct gh_record record = name_of(script, &lent);
	struct gh_error error = { 0 };

	if (gh_script_right(script))
		tell_code(script,
			  gh_testhost_erase(script->host, gh_lend(&lent, &record, sizeof(record)),
					    &error),
			  &error, facts);
	gh_lent_end(&lent);
}

void gh_do_fetch(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_lent lent = { 0 };
	struct gh_record after = name_of(script, &lent);
	const char *limit = gh_script_word(script, 4, "how many at most");
	uint32_t most = (uint32_t)gh_read_number(script, "limit", limit, 64);
	struct gh_error error = { 0 };
	struct gh_sink *sink;

	if (gh_script_right(script) && !after.kind)
		gh_script_wrong(script, "one kind is fetched");
	if (!script->problem) {
		sink = gh_testhost_fetch(script->host, gh_lend(&lent, &after, sizeof(after)), most,
					 &error);
		if (!sink)
			gh_script_wrong(script, "%s", error.text);
		else
			gh_sink_facts(sink, facts);
		if (sink && sink->pending)
			gh_waiter_add(script, NULL, sink->ticket, 0, GH_WAITS_FETCH);
		gh_sink_free(&sink);
	}
	gh_lent_end(&lent);
}

/* ---- what a module keeps ---- */

void gh_do_keep(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_bytes key = needed_at(script, 1, "the key"),
			value = needed_at(script, 2, "the value");
	struct gh_error error = { 0 };

	if (gh_script_right(script))
		tell_code(script, gh_testhost_keep(script->host, key, value), &error, facts);
}

void gh_do_kept(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_bytes key = bytes_at(script, 1), value = { 0 };

	if (!gh_script_right(script))
		return;
	if (key.p)
		value = gh_testhost_kept(script->host, key);
	gh_facts_word(facts, value.p ? "yes" : key.p ? "no" : "ok");
	if (value.p)
		gh_facts_bytes(facts, "value", value.p, value.n);
	if (!key.p)
		gh_facts_print(facts, "keys", "%zu", gh_testhost_kept_count(script->host));
	free((void *)value.p);
}

void gh_do_storeless(struct gh_script *script, struct gh_facts *facts)
{
	(void)facts;
	if (gh_script_right(script))
		gh_testhost_storeless(script->host);
}
