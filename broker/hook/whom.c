/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an act of a module concerns. */
#include "hook/whom.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The longest of MQTT, and of a principal. */
#define CLIENT_ID_MAX 65535u
#define PRINCIPAL_MAX 256u

static bool fits(const char *text, size_t max)
{
	return text && text[0] && strnlen(text, max + 1) <= max;
}

bool gh_whom_parse(const struct gh_subject *subject, struct gh_whom *whom_r)
{
	struct gh_whom whom = { .kind = (enum gh_subject_kind)subject->kind, .text = "" };
	bool named =
		whom.kind == GH_CLIENT_ID || whom.kind == GH_PRINCIPAL || whom.kind == GH_ADDRESS;

	switch (whom.kind) {
	case GH_CONNECTION:
		whom.number = subject->number;
		if (whom.number == 0)
			return false;
		break;
	case GH_CLIENT_ID:
		if (!fits(subject->text, CLIENT_ID_MAX))
			return false;
		break;
	case GH_PRINCIPAL:
		if (!fits(subject->text, PRINCIPAL_MAX))
			return false;
		break;
	case GH_ADDRESS:
		if (!gh_prefix_parse(subject->text, &whom.prefix))
			return false;
		break;
	case GH_EVERYONE: break;
	default: return false;
	}
	if (named)
		whom.text = subject->text;
	*whom_r = whom;
	return true;
}

bool gh_whom_is(const struct gh_whom *whom, const struct gh_client *client)
{
	switch (whom->kind) {
	case GH_CONNECTION: return client->connection == whom->number;
	case GH_CLIENT_ID: return client->client_id && strcmp(client->client_id, whom->text) == 0;
	case GH_PRINCIPAL:
		return client->identity && strcmp(client->identity->principal, whom->text) == 0;
	case GH_ADDRESS:
		return client->transport != GH_UNIX && gh_prefix_holds(&whom->prefix, client->ip);
	case GH_EVERYONE: return true;
	}
	return false;
}

static bool same(const struct gh_whom *a, const struct gh_whom *b)
{
	return a->kind == b->kind && a->number == b->number && strcmp(a->text, b->text) == 0;
}

void gh_whoms_done(struct gh_whoms *whoms)
{
	for (unsigned i = 0; i < whoms->count; i++)
		free((char *)whoms->at[i].text);
	free(whoms->at);
	*whoms = (struct gh_whoms){ 0 };
}

void gh_whoms_add(struct gh_whoms *whoms, const struct gh_whom *whom)
{
	if (whoms->everyone)
		return;
	for (unsigned i = 0; i < whoms->count; i++)
		if (same(&whoms->at[i], whom))
			return;
	if (whom->kind == GH_EVERYONE || whoms->count == GH_WHOMS_MAX) {
		gh_whoms_done(whoms);
		whoms->everyone = true;
		return;
	}
	if (!whoms->at)
		whoms->at = gh_alloc_array(GH_WHOMS_MAX, sizeof(*whoms->at));
	whoms->at[whoms->count] = *whom;
	whoms->at[whoms->count++].text = gh_strdup(whom->text);
}

bool gh_whoms_have(const struct gh_whoms *whoms, const struct gh_client *client)
{
	for (unsigned i = 0; i < whoms->count; i++)
		if (gh_whom_is(&whoms->at[i], client))
			return true;
	return whoms->everyone;
}
