/* SPDX-License-Identifier: Apache-2.0 */
/* Every option of the broker's own, but the limits. gatehouse.yaml(5) says more about each. */
#include "conf/tables.h"

#define ROW(strct, key, member, kind, text, ...) \
	{ \
		.name = key, .type = kind, .offset = offsetof(struct strct, member), \
		.field_size = sizeof(((struct strct *)0)->member), .help = text, __VA_ARGS__ \
	}

const struct gh_option gh_top_options[] = {
	ROW(gh_raw_top, "profile", profile, GH_ENUM, "refuse to start below this security profile",
	    .unit = "minimal|basic|enhanced|high", .standard = "minimal"),
	ROW(gh_raw_top, "workers", workers, GH_INT,
	    "threads that serve clients; not given: one a processor", .min = "1", .max = "64"),
	ROW(gh_raw_top, "state-directory", state_directory, GH_PATH,
	    "where modules keep what lasts; not given: the system's"),
	ROW(gh_raw_top, "shutdown-timeout", shutdown_timeout, GH_DURATION,
	    "longest time to say good-bye to clients", .standard = "10s", .max = "10m"),
	ROW(gh_raw_top, "include", include, GH_NODE, "files to read too, such as [conf.d/*.yaml]"),
	ROW(gh_raw_top, "log", log, GH_NODE, "where and what to log"),
	ROW(gh_raw_top, "control", control, GH_NODE, "the socket of gatehousectl"),
	ROW(gh_raw_top, "listeners", listeners, GH_NODE, "addresses to serve, and who decides there"),
	ROW(gh_raw_top, "plugins", plugins, GH_NODE, "instances of modules"),
	ROW(gh_raw_top, "limits", limits, GH_NODE, "what clients may use"),
	{ 0 },
};

const struct gh_option gh_log_options[] = {
	ROW(gh_raw_log, "target", target, GH_ENUM, "where lines go", .unit = "stderr|file|syslog",
	    .standard = "stderr"),
	ROW(gh_raw_log, "file", file, GH_PATH, "the file of target: file, made with mode 0640"),
	ROW(gh_raw_log, "format", format, GH_ENUM, "how lines look", .unit = "text|json",
	    .standard = "text"),
	ROW(gh_raw_log, "level", level, GH_ENUM, "the least important lines that are written",
	    .unit = "error|warning|notice|info|debug", .standard = "info"),
	{ 0 },
};

const struct gh_option gh_control_options[] = {
	ROW(gh_raw_control, "socket", socket, GH_PATH,
	    "the socket of gatehousectl; not given: the system's"),
	ROW(gh_raw_control, "mode", mode, GH_STRING, "its mode: who may connect may control",
	    .standard = "0600"),
	{ 0 },
};

const struct gh_option gh_listener_options[] = {
	ROW(gh_raw_listener, "address", address, GH_STRING,
	    "HOST:PORT, [IPv6]:PORT, \"*:PORT\" or unix:/PATH", .flags = GH_REQUIRED),
	ROW(gh_raw_listener, "mode", mode, GH_STRING, "mode of a UNIX socket", .standard = "0660"),
	ROW(gh_raw_listener, "anonymous", anonymous, GH_BOOL,
	    "clients without credentials are let in", .standard = "no"),
	ROW(gh_raw_listener, "authenticate", authenticate, GH_NODE,
	    "instances that know clients, in the order they are asked"),
	ROW(gh_raw_listener, "authorize", authorize, GH_NODE,
	    "instances that know rights, in the order they are asked, or none"),
	ROW(gh_raw_listener, "message", message, GH_NODE,
	    "instances that see what is published, in the order they are asked; not given: none"),
	ROW(gh_raw_listener, "client-id", client_id, GH_STRING,
	    "any, bound, or what it must be, such as \"{username}\"", .standard = "any", .min = "1",
	    .max = "1024"),
	ROW(gh_raw_listener, "on-deny", on_deny, GH_ENUM, "what a denied PUBLISH leads to",
	    .unit = "acknowledge|disconnect", .standard = "acknowledge"),
	ROW(gh_raw_listener, "check-payload-format", check_payload_format, GH_BOOL,
	    "payloads said to be UTF-8 are checked", .standard = "no"),
	ROW(gh_raw_listener, "response-information", response_information, GH_STRING,
	    "where clients expect responses, such as \"reply/{clientid}/\"; not given: they aren't told",
	    .min = "1", .max = "1024"),
	ROW(gh_raw_listener, "limits", limits, GH_NODE, "limits that differ from the broker's"),
	{ 0 },
};

const struct gh_option gh_plugin_options[] = {
	ROW(gh_raw_plugin, "module", module, GH_STRING, "the module; not given: the section's name",
	    .min = "1", .max = "64"),
	ROW(gh_raw_plugin, "realm", realm, GH_STRING,
	    "realm of the principals it names; not given: the section's name", .min = "1",
	    .max = "256"),
	ROW(gh_raw_plugin, "threads", threads, GH_INT,
	    "threads of a module that blocks; not given: 4", .min = "1", .max = "64"),
	ROW(gh_raw_plugin, "max-pending", max_pending, GH_INT, "questions that may be open",
	    .standard = "10000", .min = "1", .max = "1000000"),
	ROW(gh_raw_plugin, "on-error", on_error, GH_ENUM, "what its failure means",
	    .unit = "deny|next", .standard = "deny"),
	ROW(gh_raw_plugin, "isolate", isolate, GH_BOOL, "the module runs in a process of its own",
	    .standard = "no"),
	{ 0 },
};
