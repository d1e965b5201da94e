/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <gatehouse/plugin.h>: everything a module includes.
 *
 * Promise. A module built against this header loads in every later broker of the same GH_ABI_MAJOR
 * and means the same there. One built against a later header than the broker's is refused with that
 * reason; so a module never asks what the broker has. Structs only grow at their end; each tells its
 * size (views, pairs and handles are frozen); arrays of structs tell the size of an element. The host
 * is a table of functions: a module links against nothing. Until GH_ABI_MAJOR is 1 it may change.
 *
 *   control thread            workers (with GH_BLOCKING: the instance's own threads)   control thread
 *   --------------            ------------------------------------------------------   --------------
 *   create(previous) --ok--> thread_start each
 *      |  fails, or another   [in force] hooks, timers, watches, answers ...      alone() when no other
 *      v  module fails        [replaced, disabled or shutdown]                    of this name is left
 *   destroy, and nothing       1 no new call; open tickets, exchanges, jobs and
 *   had happened                 replies end, or meet their deadlines; timers
 *                                and watches still fire, so that they can
 *                              2 timers and watches are stopped, what is attached is freed
 *                              3 thread_stop each ----------------------------------> destroy
 *
 * create runs on a thread of its own where it may take long (a reload, `plugin enable`): never beside
 * another create. So does destroy, beside whatever else runs.
 *
 * Threads. Without flags no two calls into an instance run at once (a lock: keep them short).
 * GH_CONCURRENT lifts that. GH_BLOCKING: alone, handshake, authenticate, exchange, lookup, authorize,
 * publish, subject, commands and timers run on threads of the instance (`threads:`, 4; 1 without
 * GH_CONCURRENT) and may block: their arguments are copies, their return values the answers; watches
 * are refused. accept, psk, event, barrier and the store stay on the workers and therefore need
 * GH_BLOCKING | GH_CONCURRENT. Without GH_BLOCKING nothing blocks. No host call runs a hook before it returns:
 * there is no re-entrance.
 *
 * Isolated (`isolate: yes`): all of it in a process of its own, one thread of which is all its workers and
 * the control thread: what it attaches, its timers and watches are there. Never asked RECEIVE; previous is
 * NULL; acts and gh_keep() are posted. When it dies, its tickets are errors, and it is started again.
 *
 * Fail closed. No answer, a late one, GH_ERROR, an unknown value, a dead process: denied, with the reason told.
 */
#ifndef GATEHOUSE_PLUGIN_H
#define GATEHOUSE_PLUGIN_H

#include <gatehouse/types.h>
#include <gatehouse/hooks.h>
#include <gatehouse/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GH_ABI_MAJOR 0u
#define GH_ABI_MINOR 2u
#define GH_ABI (GH_ABI_MAJOR << 16 | GH_ABI_MINOR)

/* Flags of a module. Unknown ones refuse to load. */
#define GH_CONCURRENT 0x1u
#define GH_BLOCKING 0x2u
#define GH_RESIDENT 0x4u /* its libraries leave threads or exit handlers behind: never unmapped */
#define GH_IN_PROCESS 0x8u /* refuses `isolate: yes`, as accept, handshake, psk and a store do */

/* ---- options: the core reads, checks and fills a struct of the module's ------------------------ */
enum gh_option_type {
	GH_BOOL = 1, /* bool */
	GH_INT,      /* int64_t */
	GH_SIZE,     /* uint64_t, bytes: 64k, 1M */
	GH_DURATION, /* uint64_t, milliseconds: 5s, 2m */
	GH_FLOAT,    /* double */
	GH_STRING,   /* const char *, NULL where not given and without default */
	GH_ENUM,     /* int64_t, index into `unit` = "deny|next" */
	GH_PATH,     /* const char *, made absolute */
	GH_SECRET,   /* struct gh_bytes: content of the file named; 0600 checked, wiped after destroy */
	GH_URL,      /* const char *, checked */
	GH_STRINGS,  /* struct gh_list of const char * */
	GH_TABLE     /* struct gh_list of structs described by `rows`; from a list, or from a map (then
	              * the row's option "name" is the key) */
};
struct gh_list {
	const void *items;
	size_t count;
};
struct gh_option {
	const char *name; /* in the file with '-' for '_' */
	uint32_t type, flags;
	size_t offset, field_size; /* checked against the type when loading */
	const char *standard;      /* default, as written in the file; NULL: none */
	const char *min, *max;     /* as written in the file; for texts their length */
	const char *unit;          /* what is counted, for people; GH_ENUM: the words */
	const char *help;
	const struct gh_option *rows; /* GH_TABLE, ended by a row without name */
	size_t row_size;
};
#define GH_REQUIRED 0x1u
#define GH_UNLIMITED 0x2u /* numbers, sizes, durations: also `unlimited`, the greatest value of the field */

/* GH_OPTION(struct config, file, GH_PATH, "password file", .flags = GH_REQUIRED)
 * C++ wants members in order: there a row with flags, default or bounds is written in full. */
#define GH_OPTION(strct, field, kind, text, ...)                                                     \
	{                                                                                            \
		.name = #field, .type = kind, .offset = offsetof(strct, field),                      \
		.field_size = sizeof(((strct *)0)->field), .help = text, __VA_ARGS__                 \
	}

/* ---- commands: gatehousectl INSTANCE NAME ARGUMENT... ------------------------------------------ */
#define GH_CMD_WRITE 0x1u  /* changes something: told to observers and logged */
#define GH_CMD_SECRET 0x2u /* gatehousectl asks for a secret, or reads a line of stdin */
struct gh_command {
	const char *name;  /* "user add" */
	const char *usage; /* "NAME [GROUP...]" */
	const char *help;
	uint32_t flags; /* GH_CMD_ */
	/*
	 * arguments: those behind the name; gone when it returns. 0 or an error: its end.
	 * GH_LATER: the ticket of gh_reply_pend() tells it, within 30 s. Control thread; with
	 * GH_BLOCKING a thread of the instance.
	 */
	int (*run)(void *instance, size_t argument_count, const char *const *arguments,
		   struct gh_reply *reply);
};

/* ---- the descriptor: what is omitted isn't wanted ---------------------------------------------- */
struct gh_plugin {
	uint32_t size, abi, option_stride; /* GH_HEAD */
	uint32_t flags;
	const char *name, *version, *summary;
	size_t config_size;
	const struct gh_option *options; /* ended by a row without name */

	/*
	 * Prepare, with no effect outside: the configuration may still be refused. May read files,
	 * not wait for the network. config: as options describe it, const, lives until destroy has
	 * returned. previous: the instance of this name that is to be replaced, still at work on the
	 * workers (lock!); NULL if none or if the module's file has changed. Take references to what
	 * both can share; change nothing in it. 0 and *instance_r, or a negative error and gh_fail().
	 */
	int (*create)(struct gh_host *host, const void *config, void *previous, void **instance_r,
		      struct gh_error *error);
	/* Every thread that runs hooks of this instance: what gh_local() gives there. NULL is fine. */
	void *(*thread_start)(void *instance);
	void (*thread_stop)(void *instance, void *local);
	/* Nothing of the core's calls the instance any more, and this is no thread of hooks. Ends its
	 * own threads, frees all. */
	void (*destroy)(void *instance);

	gh_accept_fn *accept;
	gh_authenticate_fn *authenticate;
	gh_exchange_fn *exchange;
	gh_exchange_end_fn *exchange_end;
	gh_lookup_fn *lookup;
	gh_authorize_fn *authorize;
	gh_event_fn *event;

	/* ABI 0.2 */
	size_t command_stride;             /* GH_HEAD */
	const struct gh_command *commands; /* ended by a row without name */
	/*
	 * Once: in force, and no other instance of this name is left: what is exclusive (a file to
	 * append to, a port) is taken now; hooks run already. An error, with gh_fail(): whatever the
	 * instance is asked is GH_ERROR until it is replaced, so what can fail belongs into create.
	 * Control thread; with GH_BLOCKING a thread of the instance.
	 */
	int (*alone)(void *instance, struct gh_error *error);
	gh_handshake_fn *handshake;
	gh_psk_fn *psk;
	gh_publish_fn *publish;
	gh_subject_fn *subject;
	gh_barrier_fn *barrier;
	const struct gh_store *store;
};
#define GH_HEAD_0_1                                                                                  \
	.size = sizeof(struct gh_plugin), .abi = GH_ABI, .option_stride = sizeof(struct gh_option)
#ifdef __cplusplus /* members in order: whoever has commands gives command_stride, before them */
#define GH_HEAD GH_HEAD_0_1
#else
#define GH_HEAD GH_HEAD_0_1, .command_stride = sizeof(struct gh_command)
#endif

/* GH_PLUGIN(auth_file) = { GH_HEAD, .name = "auth-file", ... };
 * (auth_file: the file's name, '_' for '-') */
#ifdef __cplusplus
#define GH_LINKAGE extern "C"
#else
#define GH_LINKAGE extern
#endif
#define GH_PLUGIN(module)                                                                            \
	GH_LINKAGE GH_EXPORT const struct gh_plugin module##_LTX_gatehouse_plugin;                   \
	const struct gh_plugin module##_LTX_gatehouse_plugin

#ifdef __cplusplus
}
#endif
#endif
