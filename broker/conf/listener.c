/* SPDX-License-Identifier: Apache-2.0 */
/* `listeners:`: addresses, and that each of them says who may come in and what they may do. */
#include "base/str.h"
#include "conf/settings_priv.h"

#include <arpa/inet.h>
#include <sys/un.h>

typedef const struct gh_settings_reader reader;

static bool port_valid(struct gh_str port)
{
	uint64_t number;

	return port.n <= 5 && gh_str_number(port, 65535, &number);
}

/* What is wrong with it, NULL: nothing. */
static const char *address_problem(const char *text)
{
	struct sockaddr_un unix_address;
	struct in6_addr ip6;
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');

	if (strncmp(text, "unix:", 5) == 0)
		return text[5] != '/' ? "expected unix:/ABSOLUTE/PATH"
		       : strlen(text + 5) >= sizeof(unix_address.sun_path)
			       ? "the path of a UNIX socket is at most 107 bytes"
			       : NULL;
	if (!colon || colon == text || !port_valid(gh_str(colon + 1)))
		return "expected ADDRESS:PORT such as 127.0.0.1:1883";
	if (*text != '[')
		return memchr(text, ':', (size_t)(colon - text))
			       ? "an IPv6 address stands in brackets, such as \"[::1]:1883\""
			       : NULL;
	if (!bracket || bracket + 1 != colon || (size_t)(bracket - text) > sizeof(host))
		return "expected [IPv6]:PORT such as \"[::1]:1883\"";
	memcpy(host, text + 1, (size_t)(bracket - text - 1));
	host[bracket - text - 1] = 0;
	return inet_pton(AF_INET6, host, &ip6) == 1
		       ? NULL
		       : "what is in the brackets isn't an IPv6 address";
}

static int read_entry(reader *r, const struct gh_conf_node *node, struct gh_entry_settings *entry)
{
	const struct gh_conf_node *name = node;

	if (node->kind == GH_CONF_MAP) {
		name = node->first;
		if (node->count != 1 || strcmp(name->key, "required") != 0)
			return gh_conf_error(r->error, name ? &name->key_place : &node->place,
					     "expected NAME or 'required: NAME'%s%.60s%s",
					     name ? ", found key '" : "", name ? name->key : "",
					     name ? "'" : "");
		entry->required = true;
	}
	if (name->kind != GH_CONF_VALUE || !*name->text)
		return gh_conf_error(r->error, &name->place, "expected the name of a plugin");
	entry->name = gh_arena_strndup(r->arena, name->text, strlen(name->text));
	entry->where = gh_settings_where(r, &name->place);
	return 0;
}

static const char *instead_of_empty(const char *key)
{
	if (strcmp(key, "message") == 0)
		return "leave it out";
	return strcmp(key, "authorize") == 0 ? "write 'authorize: none'" : "write 'anonymous: yes'";
}

static int read_list(reader *r, const struct gh_conf_node *node, struct gh_list_settings *list)
{
	struct gh_entry_settings *entries;
	char found[GH_CONF_FOUND_SIZE];
	size_t i = 0;
	int rc = 0;

	list->where = gh_settings_where(r, &node->place);
	if (node->kind != GH_CONF_LIST)
		return gh_conf_error(r->error, &node->place,
				     "'%s': expected a list of plugins such as [acl], found %s",
				     node->key, gh_conf_found(node, found));
	if (!node->first)
		return gh_conf_error(r->error, &node->place,
				     "'%s': an empty list: name at least one plugin, or %s",
				     node->key, instead_of_empty(node->key));
	entries = gh_arena_alloc(r->arena, node->count * sizeof(*entries));
	for (const struct gh_conf_node *item = node->first; item && rc == 0; item = item->next)
		rc = read_entry(r, item, &entries[i++]);
	list->entries = entries;
	list->count = node->count;
	return rc;
}

static int read_lists(reader *r, const struct gh_conf_node *node, const struct gh_raw_listener *raw,
		      struct gh_listener_settings *listener)
{
	int rc = 0;

	listener->authenticate.open = raw->anonymous;
	listener->authenticate.where = listener->authorize.where = listener->where;
	listener->message.where = listener->where;
	listener->message.open = !raw->message;
	if (raw->message && read_list(r, raw->message, &listener->message) < 0)
		return GH_EINVAL;
	if (raw->authenticate)
		rc = read_list(r, raw->authenticate, &listener->authenticate);
	else if (!raw->anonymous)
		rc = gh_conf_error(
			r->error, &node->place,
			"listener '%s' lets nobody in: expected 'authenticate: [...]' or 'anonymous: yes'",
			node->key);
	if (rc < 0)
		return rc;
	if (raw->authorize && raw->authorize->kind == GH_CONF_VALUE &&
	    strcmp(raw->authorize->text, "none") == 0) {
		listener->authorize.open = true;
		listener->authorize.where = gh_settings_where(r, &raw->authorize->place);
		return 0;
	}
	if (raw->authorize)
		return read_list(r, raw->authorize, &listener->authorize);
	listener->authorize.open = raw->anonymous;
	if (!raw->anonymous)
		return gh_conf_error(
			r->error, &node->place,
			"listener '%s' permits nothing: expected 'authorize: [...]' or 'authorize: none'",
			node->key);
	return 0;
}

static int read_template(reader *r, const struct gh_conf_node *node, const char *key,
			 const char *text, struct gh_template **template_r)
{
	const char *problem;
	size_t at;

	if (gh_template_parse(gh_str(text), template_r, &at, &problem) == 0)
		return 0;
	return gh_conf_error(r->error, &gh_conf_get(node, key)->place, "'%s': at byte %zu: %s", key,
			     at + 1, problem);
}

static int read_response_information(reader *r, const struct gh_conf_node *node, const char *text,
				     struct gh_listener_settings *listener)
{
	struct gh_template *template;
	int rc;

	if (!text)
		return 0;
	rc = read_template(r, node, "response-information", text, &template);
	if (rc == 0)
		listener->response_information = template;
	return rc;
}

static int read_client_id(reader *r, const struct gh_conf_node *node, const char *text,
			  struct gh_listener_settings *listener)
{
	const struct gh_conf_node *value = gh_conf_get(node, "client-id");
	struct gh_template *template;

	if (strcmp(text, "any") == 0 || strcmp(text, "bound") == 0) {
		listener->client_id = *text == 'a' ? GH_CLIENT_ID_ANY : GH_CLIENT_ID_BOUND;
		return 0;
	}
	if (read_template(r, node, "client-id", text, &template) < 0)
		return GH_EINVAL;
	listener->client_id = GH_CLIENT_ID_TEMPLATE;
	listener->client_id_template = template;
	if (gh_template_uses(template) == 0 || gh_template_uses(template) & GH_USES_CLIENT_ID)
		return gh_conf_error(
			r->error, &value->place,
			"'client-id': expected any, bound, or a text with {username}, {group} or {attr:NAME} in it");
	return 0;
}

static int read_listener_limits(reader *r, const struct gh_conf_node *node,
				const struct gh_conf_node *classes,
				struct gh_listener_settings *listener)
{
	struct gh_raw_limits raw = { .limits = r->settings->limits };
	int rc = 0;

	if (node)
		rc = gh_options_overlay(node, gh_limit_options, r->arena, &raw, r->error);
	if (rc == 0)
		rc = gh_limits_finish(&raw.limits, NULL, r->error);
	listener->limits = raw.limits;
	return rc == 0 ? gh_read_classes(r, classes, listener) : rc;
}

static int read_listener(reader *r, const struct gh_conf_node *node,
			 const struct gh_conf_node *classes, struct gh_listener_settings *listener)
{
	struct gh_raw_listener raw;
	const char *problem;
	int rc = gh_options_fill(node, &node->place, gh_listener_options, r->arena, &raw, r->error);

	if (rc < 0)
		return rc;
	problem = address_problem(raw.address);
	if (problem)
		return gh_conf_error(r->error, &gh_conf_get(node, "address")->place,
				     "'address': %s, found '%.60s'", problem, raw.address);
	listener->name = gh_arena_strndup(r->arena, node->key, strlen(node->key));
	listener->address = raw.address;
	listener->where = gh_settings_where(r, &node->key_place);
	listener->on_deny_disconnect = raw.on_deny == 1;
	listener->check_payload_format = raw.check_payload_format;
	rc = gh_read_mode(r, gh_conf_get(node, "mode"), raw.mode, &listener->mode);
	if (rc == 0)
		rc = read_lists(r, node, &raw, listener);
	if (rc == 0)
		rc = read_client_id(r, node, raw.client_id, listener);
	if (rc == 0)
		rc = read_response_information(r, node, raw.response_information, listener);
	return rc == 0 ? read_listener_limits(r, raw.limits, classes, listener) : rc;
}

int gh_read_listeners(reader *r, const struct gh_conf_node *node, const struct gh_conf_node *classes)
{
	struct gh_listener_settings *listeners;
	size_t i = 0;
	int rc = gh_read_names(r, node, &r->settings->listener_count);

	if (rc < 0)
		return rc;
	if (!node->first)
		return gh_conf_error(r->error, &node->place,
				     "no listener: expected 'NAME: { address: ... }'");
	listeners = gh_arena_alloc(r->arena, node->count * sizeof(*listeners));
	r->settings->listeners =
		listeners; /* from here on the templates are freed with the settings */
	for (const struct gh_conf_node *item = node->first; item && rc == 0; item = item->next)
		rc = read_listener(r, item, classes, &listeners[i++]);
	return rc;
}
