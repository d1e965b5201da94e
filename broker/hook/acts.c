/* SPDX-License-Identifier: Apache-2.0 */
/* The acts of modules: who may act, and whether it makes sense. */
#include "hook/acts.h"

#include "base/log.h"
#include "hook/instance_priv.h"
#include "mqtt/property.h"
#include "mqtt/reason.h"
#include "mqtt/topic.h"

#include <string.h>

/* NULL: it may not act now. */
static struct gh_instance *acting(struct gh_host *host, const char *call)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;

	if (!atomic_load(&instance->in_force)) {
		gh_log_warning("module '%s' calls %s before it is in force: refused",
			       instance->name, call);
		return NULL;
	}
	return instance->hooks->acts ? instance : NULL;
}

/* ---- messages ---- */

static bool properties_fit(struct gh_bytes properties, const struct gh_limits *limits,
			   struct gh_injection *injection)
{
	struct gh_property_reader reader = { .rest = properties, .packet = GH_IN(GH_PACKET_PUBLISH) };
	struct gh_property property;
	struct gh_malformed why;
	int64_t user = 0;
	int rc;

	for (;;) {
		size_t before = reader.rest.n;

		rc = gh_property_read(&reader, &property, &why);
		if (rc <= 0)
			break;
		if (property.id == GH_PROPERTY_RESPONSE_TOPIC &&
		    !gh_topic_name_valid((struct gh_str){ property.value.p, property.value.n }))
			return false;
		if (gh_property_forwarded(property.id))
			injection->forward_n += before - reader.rest.n;
		if (property.id == GH_PROPERTY_PAYLOAD_FORMAT)
			injection->is_text = property.number;
		user += property.id == GH_PROPERTY_USER;
	}
	return rc == 0 && user <= limits->user_properties;
}

static bool message_fits(const struct gh_limits *limits, struct gh_injection *injection)
{
	const struct gh_message *message = injection->message;

	/* 16: fixed header, lengths and packet id; checked one by one, so that no sum overflows */
	if (message->qos > 2 || message->topic.n > (uint64_t)limits->topic_length ||
	    message->payload.n > limits->packet_size || message->properties.n > limits->packet_size ||
	    16 + message->topic.n + message->payload.n + message->properties.n > limits->packet_size)
		return false;
	return gh_topic_name_valid(message->topic) &&
	       gh_topic_levels(message->topic) <= (uint64_t)limits->topic_levels &&
	       properties_fit(message->properties, limits, injection);
}

int gh_act_inject(struct gh_host *host, const struct gh_message *message, uint32_t expiry_s)
{
	const struct gh_instance *by = acting(host, "gh_inject");
	struct gh_message copy = { 0 };
	struct gh_injection injection = { .message = &copy, .expiry = expiry_s };

	if (!by || !message)
		return GH_EINVAL;
	memcpy(&copy, message, message->size < sizeof(copy) ? message->size : sizeof(copy));
	if (!message_fits(&by->held->limits, &injection))
		return GH_EINVAL;
	return by->hooks->acts->inject(by->hooks->acts_arg, by, &injection);
}

/* ---- clients ---- */

/* A server may say this in a DISCONNECT [MQTT5 3.14.2.1]. */
static bool ends_connections(uint8_t reason)
{
	switch (reason) {
	case GH_REASON_UNSUPPORTED_VERSION:
	case GH_REASON_CLIENT_ID_INVALID:
	case GH_REASON_BAD_CREDENTIALS:
	case GH_REASON_SERVER_UNAVAILABLE:
	case GH_REASON_BANNED:
	case GH_REASON_BAD_AUTH_METHOD:
	case GH_REASON_PACKET_ID_IN_USE:
	case GH_REASON_PACKET_ID_NOT_FOUND: return false;
	default: return reason >= GH_REASON_FAILURE && reason <= GH_REASON_WILDCARDS_NOT_SUPPORTED;
	}
}

int gh_act_disconnect(struct gh_host *host, struct gh_subject subject, uint8_t reason, const char *why)
{
	const struct gh_instance *by = acting(host, "gh_disconnect");
	struct gh_whom whom;

	if (reason == 0)
		reason = GH_REASON_ADMINISTRATIVE_ACTION;
	if (!by || !ends_connections(reason) || !gh_whom_parse(&subject, &whom))
		return GH_EINVAL;
	return by->hooks->acts->disconnect(by->hooks->acts_arg, by, &whom, reason, why ? why : "");
}

int gh_act_recheck(struct gh_host *host, struct gh_subject subject)
{
	const struct gh_instance *by = acting(host, "gh_recheck");
	struct gh_whom whom;

	if (!by || !gh_whom_parse(&subject, &whom))
		return GH_EINVAL;
	return by->hooks->acts->recheck(by->hooks->acts_arg, &whom);
}

int gh_act_ban(struct gh_host *host, struct gh_subject subject, uint32_t seconds, const char *why)
{
	const struct gh_instance *by = acting(host, "gh_ban");
	struct gh_whom whom;

	if (!by || !gh_whom_parse(&subject, &whom) || whom.kind == GH_CONNECTION ||
	    whom.kind == GH_EVERYONE)
		return GH_EINVAL;
	return by->hooks->acts->ban(by->hooks->acts_arg, by, &whom, seconds, why ? why : "");
}

int gh_act_set_class(struct gh_host *host, struct gh_subject subject, const char *name,
		     uint32_t seconds)
{
	const struct gh_instance *by = acting(host, "gh_set_class");
	struct gh_whom whom;

	if (!by || !gh_whom_parse(&subject, &whom))
		return GH_EINVAL;
	if (name && !gh_settings_has_class(by->held, name))
		return GH_ENOENT;
	return by->hooks->acts->set_class(by->hooks->acts_arg, by, &whom, name, seconds);
}

/* ---- events ---- */

int gh_act_replay(struct gh_host *host, uint64_t mask)
{
	struct gh_instance *by = acting(host, "gh_replay");

	mask &= GH_EV_CONNECT | GH_EV_SUBSCRIBE;
	if (!by || !mask)
		return GH_EINVAL;
	if (!by->plugin->event)
		return GH_ENOTSUP;
	return by->hooks->acts->replay(by->hooks->acts_arg, by, mask);
}
