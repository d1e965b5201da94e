/* SPDX-License-Identifier: Apache-2.0 */
/* The limits: finite unless `unlimited` is written. The reason of each default is in gatehouse.yaml(5). */
#include "conf/tables.h"
#include "mqtt/packet.h"

#define LIMIT(key, member, kind, text, ...) \
	{ \
		.name = key, .type = kind, .offset = offsetof(struct gh_raw_limits, limits.member), \
		.field_size = sizeof(((struct gh_limits *)0)->member), .help = text, __VA_ARGS__ \
	}

const struct gh_option gh_limit_options[] = {
	LIMIT("connect-timeout", connect_timeout, GH_DURATION, "from accept to the end of the login",
	      .standard = "10s", .min = "100ms", .max = "5m", .flags = GH_BEFORE_LOGIN),
	LIMIT("packet-size", packet_size, GH_SIZE, "the longest packet that is accepted",
	      .standard = "1M", .min = "64", .max = "268435460", .flags = GH_UNLIMITED),
	LIMIT("packet-size-before-login", packet_size_before_login, GH_SIZE,
	      "the longest packet before the login is done", .standard = "16k", .min = "64",
	      .max = "268435460", .flags = GH_UNLIMITED | GH_BEFORE_LOGIN),
	LIMIT("connections", connections, GH_INT,
	      "connections at once; not given: what descriptors allow", .min = "1",
	      .max = "10000000", .flags = GH_BROKER_ONLY),
	LIMIT("receive-maximum", receive_maximum, GH_INT,
	      "QoS 1 and 2 messages of a client that are not yet acknowledged", .standard = "1000",
	      .min = "1", .max = "65535"),
	LIMIT("inflight", inflight, GH_INT,
	      "QoS 1 and 2 messages to a client that it has not yet acknowledged",
	      .standard = "100", .min = "1", .max = "65535"),
	LIMIT("topic-alias-max", topic_alias_max, GH_INT,
	      "topic aliases of a connection, in each direction", .standard = "16", .min = "0",
	      .max = "65535"),
	LIMIT("keep-alive-max", keep_alive_max, GH_DURATION,
	      "the longest keep-alive an MQTT 5 client may have", .standard = "1h", .min = "1s",
	      .max = "65535s"),
	LIMIT("session-expiry-max", session_expiry_max, GH_DURATION,
	      "the longest time a session outlives its connection", .standard = "7d", .min = "0",
	      .max = "4294967294s", .flags = GH_UNLIMITED),
	LIMIT("queue-messages", queue_messages, GH_INT, "messages that wait for one session",
	      .standard = "1000", .min = "1", .max = "4294967295", .flags = GH_UNLIMITED),
	LIMIT("queue-bytes", queue_bytes, GH_SIZE, "memory of the messages that wait for one session",
	      .standard = "4M", .min = "1k", .flags = GH_UNLIMITED),
	LIMIT("queue-policy", queue_policy, GH_ENUM, "which message a full queue gives up",
	      .unit = "drop-newest|drop-oldest", .standard = "drop-newest"),
	LIMIT("output-bytes", output_bytes, GH_SIZE,
	      "what a connection has not taken yet before QoS 0 is dropped", .standard = "1M",
	      .min = "1k", .flags = GH_UNLIMITED),
	LIMIT("topic-levels", topic_levels, GH_INT, "levels of a topic or filter",
	      .standard = "128", .min = "1", .max = "65535"),
	LIMIT("topic-length", topic_length, GH_INT, "bytes of a topic or filter",
	      .standard = "4096", .min = "1", .max = "65535"),
	LIMIT("subscriptions", subscriptions, GH_INT, "subscriptions of one session",
	      .standard = "1000", .min = "1", .flags = GH_UNLIMITED),
	LIMIT("client-id-length", client_id_length, GH_INT, "bytes of a client id",
	      .standard = "256", .min = "23", .max = "65535"),
	LIMIT("user-properties", user_properties, GH_INT, "user properties in one packet",
	      .standard = "64", .min = "0", .flags = GH_UNLIMITED),
	LIMIT("will-size", will_size, GH_SIZE, "payload of a will", .standard = "8k", .min = "0",
	      .flags = GH_UNLIMITED),
	LIMIT("retained-messages", retained_messages, GH_INT, "retained messages",
	      .standard = "100000", .min = "0", .flags = GH_UNLIMITED | GH_BROKER_ONLY),
	LIMIT("retained-bytes", retained_bytes, GH_SIZE, "memory of retained messages",
	      .standard = "256M", .min = "0", .flags = GH_UNLIMITED | GH_BROKER_ONLY),
	LIMIT("retained-size", retained_size, GH_SIZE, "payload of one retained message",
	      .standard = "1M", .min = "0", .flags = GH_UNLIMITED),
	LIMIT("failed-login-delay", failed_login_delay, GH_DURATION,
	      "delay of the first refusal of an address or user, doubled by each further one",
	      .standard = "500ms", .min = "0", .max = "1m", .flags = GH_BROKER_ONLY),
	LIMIT("failed-login-delay-max", failed_login_delay_max, GH_DURATION, "the longest such delay",
	      .standard = "8s", .min = "0", .max = "5m", .flags = GH_BROKER_ONLY),
	LIMIT("failed-login-decay", failed_login_decay, GH_DURATION,
	      "time in which one failure is forgotten", .standard = "1m", .min = "1s", .max = "1d",
	      .flags = GH_BROKER_ONLY),
	LIMIT("failed-login-entries", failed_login_entries, GH_INT,
	      "addresses and users whose failures are remembered", .standard = "65536",
	      .min = "1024", .max = "16777216", .flags = GH_BROKER_ONLY),
	LIMIT("bans", bans, GH_INT, "addresses, client ids and users that may be banned at once",
	      .standard = "100000", .min = "1", .max = "10000000", .flags = GH_BROKER_ONLY),
	LIMIT("hook-timeout", hook_timeout, GH_DURATION,
	      "longest time for one module to answer one question", .standard = "5s", .min = "10ms",
	      .max = "5m", .flags = GH_BROKER_ONLY),
	LIMIT("recheck-grace", recheck_grace, GH_DURATION,
	      "what was granted holds that long while modules can't say whether it still is",
	      .standard = "1h", .min = "0", .max = "7d", .flags = GH_BROKER_ONLY),
	{ .name = "classes",
	  .type = GH_NODE,
	  .offset = offsetof(struct gh_raw_limits, classes),
	  .field_size = sizeof(((struct gh_raw_limits *)0)->classes),
	  .help = "limits of clients whom a plugin gives a class, NAME: { what differs }",
	  .flags = GH_BROKER_ONLY },
	{ 0 },
};

int gh_limits_finish(struct gh_limits *limits, const struct gh_conf_node *node, struct gh_error *error)
{
	if (limits->packet_size > GH_PACKET_MAX)
		limits->packet_size = GH_PACKET_MAX;
	if (limits->packet_size_before_login > limits->packet_size)
		limits->packet_size_before_login = limits->packet_size;
	if (limits->queue_messages > UINT32_MAX)
		limits->queue_messages = UINT32_MAX;
	if (limits->keep_alive_max % 1000)
		limits->keep_alive_max += 1000 - limits->keep_alive_max % 1000;
	if (node && limits->failed_login_delay_max < limits->failed_login_delay)
		return gh_conf_error(error, gh_conf_locate(node, "failed-login-delay-max"),
				     "'failed-login-delay-max' is less than 'failed-login-delay'");
	return 0;
}
