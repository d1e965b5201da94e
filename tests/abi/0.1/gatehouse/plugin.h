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
 *      |  fails, or another   [in force] hooks, answers ...
 *      v  module fails        [replaced or shutdown]
 *   destroy, and nothing       1 no new call; open tickets, exchanges and jobs end,
 *   had happened                 or meet their deadlines
 *                              2 thread_stop each ----------------------------------> destroy
 *
 * Threads. Without flags no two calls into an instance run at once (a lock: keep them short).
 * GH_CONCURRENT lifts that. GH_BLOCKING: authenticate, exchange, lookup and authorize run on threads
 * of the instance (`threads:`, 4; 1 without GH_CONCURRENT) and may block: their arguments are copies,
 * their return values the answers. accept and event stay on the workers and therefore need
 * GH_BLOCKING | GH_CONCURRENT. Without GH_BLOCKING nothing blocks. No host call runs a hook before it
 * returns: there is no re-entrance.
 *
 * Fail closed. No answer, a late one, GH_ERROR, an unknown value: denied, with the reason told.
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
#define GH_ABI_MINOR 1u
#define GH_ABI (GH_ABI_MAJOR << 16 | GH_ABI_MINOR)

/* Flags of a module. Unknown ones refuse to load. */
#define GH_CONCURRENT 0x1u
#define GH_BLOCKING 0x2u
#define GH_RESIDENT 0x4u /* its libraries leave threads or exit handlers behind: never unmapped */

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

/* GH_OPTION(struct config, file, GH_PATH, "password file", .flags = GH_REQUIRED) */
#define GH_OPTION(strct, field, kind, text, ...)                                                     \
	{                                                                                            \
		.name = #field, .type = kind, .offset = offsetof(strct, field),                      \
		.field_size = sizeof(((strct *)0)->field), .help = text, __VA_ARGS__                 \
	}

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
	/* Control thread: nothing of the core's calls the instance any more. Ends its own threads,
	 * frees all. */
	void (*destroy)(void *instance);

	gh_accept_fn *accept;
	gh_authenticate_fn *authenticate;
	gh_exchange_fn *exchange;
	gh_exchange_end_fn *exchange_end;
	gh_lookup_fn *lookup;
	gh_authorize_fn *authorize;
	gh_event_fn *event;
};
#define GH_HEAD                                                                                      \
	.size = sizeof(struct gh_plugin), .abi = GH_ABI, .option_stride = sizeof(struct gh_option)

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
