/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's own settings: read from the configuration once, checked whole, immutable ever after. */
#ifndef GH_CONF_SETTINGS_H
#define GH_CONF_SETTINGS_H

#include "base/log.h"
#include "conf/node.h"

#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>

/*
 * `limits:`, and as a listener overrides them (those marked B are of the whole broker; in a listener they hold the same
 * value). Defaults, reasons and what happens at each bound: gatehouse.yaml(5). Sizes in bytes, times in milliseconds. What
 * may be unlimited says so: UINT64_MAX or INT64_MAX then, so that plain comparison works.
 */
struct gh_limits {
	uint64_t connect_timeout; /* from accept to the end of the login */
	uint64_t packet_size;     /* whole packets, in and out; 2 to 268,435,460 (GH_PACKET_MAX) */
	uint64_t packet_size_before_login; /* likewise; never more than packet_size */
	int64_t connections;               /* B; 0: as many as descriptors allow */
	int64_t receive_maximum; /* 1..65535: QoS 1 and 2 that a client may have unacknowledged by us */
	int64_t inflight;        /* 1..65535: that we may have unacknowledged by a client */
	int64_t topic_alias_max; /* 0..65535, in either direction */
	uint64_t keep_alive_max; /* 1..65535 s, in ms */
	uint64_t session_expiry_max; /* may be unlimited: sessions that never expire; else up to 4294967294 s, in ms */
	int64_t queue_messages; /* waiting for a session; at most UINT32_MAX (unlimited is that) */
	uint64_t queue_bytes;   /* may be unlimited */
	int64_t queue_policy;   /* enum gh_settings_queue_policy */
	uint64_t output_bytes; /* may be unlimited: QoS 0 is dropped while a connection has more than this unsent */
	int64_t topic_levels;      /* 1..65535 */
	int64_t topic_length;      /* 1..65535 bytes, of names and filters */
	int64_t subscriptions;     /* of one session; may be unlimited */
	int64_t client_id_length;  /* 23..65535 bytes */
	int64_t user_properties;   /* 0.. in one packet; may be unlimited */
	uint64_t will_size;        /* payload; may be unlimited */
	int64_t retained_messages; /* B; may be unlimited */
	uint64_t retained_bytes;   /* B; may be unlimited */
	uint64_t retained_size;    /* payload of one; may be unlimited */
	uint64_t failed_login_delay; /* B; of the first refusal, doubled by each further one; 0: none */
	uint64_t failed_login_delay_max; /* B */
	uint64_t failed_login_decay;     /* B; one failure is forgotten each */
	int64_t failed_login_entries;    /* B; 1024..16777216 addresses and names remembered */
	int64_t bans;                    /* B; 1..10000000 at once */
	uint64_t hook_timeout;           /* B; of one module asked once */
	uint64_t recheck_grace; /* B; a re-check that fails all the time ends what was granted */
};
/* A class of `limits: classes:` on one listener: its limits, with what it doesn't write as the listener has it. */
struct gh_class_settings {
	const char *name;
	struct gh_limits limits;
};
#define GH_CLASSES_MAX 64u

enum gh_settings_queue_policy { GH_SETTINGS_DROP_NEWEST, GH_SETTINGS_DROP_OLDEST };

/* An entry of `authenticate:`, `authorize:` or `message:`. That an instance of this name exists and fits is checked by hook/chain. */
struct gh_entry_settings {
	const char *name;
	bool required;
	const char *where; /* "gatehouse.yaml:12:20" */
};
struct gh_list_settings {
	const struct gh_entry_settings *entries;
	size_t count;
	bool open; /* authenticate: `anonymous: yes`; authorize: `none`; message: not written */
	const char *where;
};

enum gh_client_id_rule {
	GH_CLIENT_ID_ANY,     /* whatever the client says */
	GH_CLIENT_ID_BOUND,   /* a module must have said which id it is (gh_answer_client_id) */
	GH_CLIENT_ID_TEMPLATE /* it must be the expansion of client_id_template */
};

struct gh_listener_settings {
	const char *name;
	const char *address; /* "0.0.0.0:1883", "[::1]:1883", "host:1883", "*:1883", "unix:/path"; the port is checked */
	unsigned mode;     /* of a UNIX socket's file */
	const char *where; /* of its section */
	struct gh_list_settings authenticate, authorize,
		message; /* none is empty without being open */
	enum gh_client_id_rule client_id;
	const struct gh_template *client_id_template;   /* GH_CLIENT_ID_TEMPLATE; else NULL */
	const struct gh_template *response_information; /* NULL: none is given */
	bool on_deny_disconnect; /* `on-deny: disconnect`; else acknowledge */
	bool check_payload_format; /* payload format indicator 1 is believed only after a look at the payload */
	struct gh_limits limits;
	const struct gh_class_settings *classes; /* every class there is, in the order of the file */
	size_t class_count;
};

/* An instance of a module, in the order of the file(s). */
struct gh_plugin_settings {
	const char *name;           /* key of the section */
	const char *module, *realm; /* the name where not given */
	int64_t threads;            /* 0: not given: what the module's flags say */
	int64_t max_pending;
	bool on_error_next; /* `on-error: next`; else deny */
	bool isolate;       /* in a process of its own */
	const char *where;
	struct gh_conf_place place;
	const struct gh_conf_node *section; /* the map without the keys above: the module's own options; never NULL */
};

/* Another reading of the same section: whatever it makes, it makes the same. (Files that it names aren't looked at.) */
bool gh_plugin_settings_same(const struct gh_plugin_settings *a, const struct gh_plugin_settings *b);

struct gh_settings {
	const char *file;            /* NULL: no configuration file */
	unsigned workers;            /* 1..64 */
	const char *state_directory; /* absolute; made by main */
	uint64_t shutdown_timeout;   /* ms */
	struct gh_log_settings log;
	const char *control_socket; /* absolute */
	unsigned control_mode;
	struct gh_limits limits;
	const struct gh_listener_settings *listeners; /* at least one */
	size_t listener_count;
	const struct gh_plugin_settings *plugins;
	size_t plugin_count;
};

/* Reads and checks everything but the modules' own options. No side effect: nothing is opened but the files to read. */
int gh_settings_read(const char *file, struct gh_settings **settings_r, struct gh_error *error);
/* The same from memory, for tests; `name` is what positions say. */
int gh_settings_parse(const char *name, const void *p, size_t n, struct gh_settings **settings_r,
		      struct gh_error *error);
/* Without a file: anonymous on 127.0.0.1 and [::1], no authorization, all defaults. */
struct gh_settings *gh_settings_quick(uint16_t port);
/* They are held by count: once by who made them, once more by each ref; the last free frees. Any thread. */
struct gh_settings *gh_settings_ref(struct gh_settings *settings);
void gh_settings_free(struct gh_settings **settings);

/* NULL: no such listener. */
const struct gh_listener_settings *gh_settings_listener(const struct gh_settings *settings,
							const char *name);

/* The limits of a class on this listener. NULL: no such class; it is none on the others either. */
const struct gh_limits *gh_settings_class(const struct gh_listener_settings *listener,
					  const char *name);
/* Is there such a class? */
bool gh_settings_has_class(const struct gh_settings *settings, const char *name);

/* The core's option tables, for --options and for the test of the man page. */
struct gh_settings_table {
	const char *section; /* "limits", "listeners.NAME", "plugins.NAME"; "" for the top */
	const struct gh_option *rows;
};
const struct gh_settings_table *gh_settings_tables(size_t *count_r);

/*
 * Where things are when nothing is said: the system's directories for root and where the process may write, else
 * $XDG_STATE_HOME/gatehouse or ~/.local/state/gatehouse. Terminated, cut never: the system's where it would be too long.
 */
#define GH_PLACE_SIZE 4096
void gh_default_state_directory(char path_r[GH_PLACE_SIZE]);
/* For the broker: where it makes its control socket. */
void gh_default_control_socket(const char *state_directory, char path_r[GH_PLACE_SIZE]);
/* For gatehousectl: the system's control socket if there is one, else the user's. */
void gh_find_control_socket(char path_r[GH_PLACE_SIZE]);

#endif
