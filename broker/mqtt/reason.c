/* SPDX-License-Identifier: Apache-2.0 */
/* Reason codes: names, who may send them, and the return codes of 3.1.1. */
#include "mqtt/reason.h"
#include "mqtt/packet.h"

#define IN(type)       (1u << (type))
#define IN_PUBLISH_ACK (IN(GH_PACKET_PUBACK) | IN(GH_PACKET_PUBREC))
#define IN_RELEASE     (IN(GH_PACKET_PUBREL) | IN(GH_PACKET_PUBCOMP))
#define IN_DISCONNECT  IN(GH_PACKET_DISCONNECT)

struct reason {
	const char *text;
	uint16_t from_client; /* bit a packet type */
};

static const struct reason reasons[] = {
	[GH_REASON_SUCCESS] = { "success", IN_PUBLISH_ACK | IN_RELEASE | IN_DISCONNECT },
	[GH_REASON_GRANTED_QOS_1] = { "granted QoS 1", 0 },
	[GH_REASON_GRANTED_QOS_2] = { "granted QoS 2", 0 },
	[GH_REASON_DISCONNECT_WITH_WILL] = { "disconnect with will message", IN_DISCONNECT },
	[GH_REASON_NO_MATCHING_SUBSCRIBERS] = { "no matching subscribers", IN_PUBLISH_ACK },
	[GH_REASON_NO_SUBSCRIPTION_EXISTED] = { "no subscription existed", 0 },
	[GH_REASON_CONTINUE_AUTHENTICATION] = { "continue authentication", IN(GH_PACKET_AUTH) },
	[GH_REASON_REAUTHENTICATE] = { "re-authenticate", IN(GH_PACKET_AUTH) },
	[GH_REASON_UNSPECIFIED] = { "unspecified error", IN_PUBLISH_ACK | IN_DISCONNECT },
	[GH_REASON_MALFORMED_PACKET] = { "malformed packet", IN_DISCONNECT },
	[GH_REASON_PROTOCOL_ERROR] = { "protocol error", IN_DISCONNECT },
	[GH_REASON_IMPLEMENTATION_SPECIFIC] = { "implementation specific error",
						IN_PUBLISH_ACK | IN_DISCONNECT },
	[GH_REASON_UNSUPPORTED_VERSION] = { "unsupported protocol version", 0 },
	[GH_REASON_CLIENT_ID_INVALID] = { "client identifier not valid", 0 },
	[GH_REASON_BAD_CREDENTIALS] = { "bad user name or password", 0 },
	[GH_REASON_NOT_AUTHORIZED] = { "not authorized", IN_PUBLISH_ACK },
	[GH_REASON_SERVER_UNAVAILABLE] = { "server unavailable", 0 },
	[GH_REASON_SERVER_BUSY] = { "server busy", 0 },
	[GH_REASON_BANNED] = { "banned", 0 },
	[GH_REASON_SERVER_SHUTTING_DOWN] = { "server shutting down", 0 },
	[GH_REASON_BAD_AUTH_METHOD] = { "bad authentication method", 0 },
	[GH_REASON_KEEP_ALIVE_TIMEOUT] = { "keep alive timeout", 0 },
	[GH_REASON_SESSION_TAKEN_OVER] = { "session taken over", 0 },
	[GH_REASON_FILTER_INVALID] = { "topic filter invalid", 0 },
	[GH_REASON_TOPIC_INVALID] = { "topic name invalid", IN_PUBLISH_ACK | IN_DISCONNECT },
	[GH_REASON_PACKET_ID_IN_USE] = { "packet identifier in use", IN_PUBLISH_ACK },
	[GH_REASON_PACKET_ID_NOT_FOUND] = { "packet identifier not found", IN_RELEASE },
	[GH_REASON_RECEIVE_MAXIMUM_EXCEEDED] = { "receive maximum exceeded", IN_DISCONNECT },
	[GH_REASON_TOPIC_ALIAS_INVALID] = { "topic alias invalid", IN_DISCONNECT },
	[GH_REASON_PACKET_TOO_LARGE] = { "packet too large", IN_DISCONNECT },
	[GH_REASON_MESSAGE_RATE_TOO_HIGH] = { "message rate too high", IN_DISCONNECT },
	[GH_REASON_QUOTA_EXCEEDED] = { "quota exceeded", IN_PUBLISH_ACK | IN_DISCONNECT },
	[GH_REASON_ADMINISTRATIVE_ACTION] = { "administrative action", IN_DISCONNECT },
	[GH_REASON_PAYLOAD_FORMAT_INVALID] = { "payload format invalid",
					       IN_PUBLISH_ACK | IN_DISCONNECT },
	[GH_REASON_RETAIN_NOT_SUPPORTED] = { "retain not supported", 0 },
	[GH_REASON_QOS_NOT_SUPPORTED] = { "QoS not supported", 0 },
	[GH_REASON_USE_ANOTHER_SERVER] = { "use another server", 0 },
	[GH_REASON_SERVER_MOVED] = { "server moved", 0 },
	[GH_REASON_SHARED_NOT_SUPPORTED] = { "shared subscriptions not supported", 0 },
	[GH_REASON_CONNECTION_RATE_EXCEEDED] = { "connection rate exceeded", 0 },
	[GH_REASON_MAXIMUM_CONNECT_TIME] = { "maximum connect time", 0 },
	[GH_REASON_SUBSCRIPTION_ID_NOT_SUPPORTED] = { "subscription identifiers not supported", 0 },
	[GH_REASON_WILDCARDS_NOT_SUPPORTED] = { "wildcard subscriptions not supported", 0 },
};

static const struct reason *find(uint8_t reason)
{
	if (reason >= sizeof(reasons) / sizeof(reasons[0]) || !reasons[reason].text)
		return NULL;
	return &reasons[reason];
}

const char *gh_reason_text(uint8_t reason)
{
	const struct reason *found = find(reason);

	return found ? found->text : "unknown reason";
}

bool gh_reason_from_client(uint8_t reason, unsigned packet_type)
{
	const struct reason *found = find(reason);

	return found && packet_type <= GH_PACKET_AUTH && (found->from_client & IN(packet_type));
}

int gh_reason_return_code(uint8_t reason)
{
	switch (reason) {
	case GH_REASON_SUCCESS: return 0;
	case GH_REASON_UNSUPPORTED_VERSION: return 1;
	case GH_REASON_CLIENT_ID_INVALID: return 2;
	case GH_REASON_UNSPECIFIED:
	case GH_REASON_IMPLEMENTATION_SPECIFIC:
	case GH_REASON_SERVER_UNAVAILABLE:
	case GH_REASON_SERVER_BUSY:
	case GH_REASON_SERVER_SHUTTING_DOWN:
	case GH_REASON_QUOTA_EXCEEDED:
	case GH_REASON_USE_ANOTHER_SERVER:
	case GH_REASON_SERVER_MOVED:
	case GH_REASON_CONNECTION_RATE_EXCEEDED: return 3;
	case GH_REASON_BAD_CREDENTIALS: return 4;
	case GH_REASON_NOT_AUTHORIZED:
	case GH_REASON_BANNED:
	case GH_REASON_BAD_AUTH_METHOD:
	case GH_REASON_TOPIC_INVALID: /* the will's */
	case GH_REASON_RETAIN_NOT_SUPPORTED:
	case GH_REASON_QOS_NOT_SUPPORTED:
	case GH_REASON_ADMINISTRATIVE_ACTION: return 5;
	default: /* malformed, against the protocol, or nothing that answers a CONNECT */ return -1;
	}
}
