/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that must be refused, each for one reason: which, the build says (BROKEN_...). */
#include <gatehouse/plugin.h>
#include <stdlib.h>

#ifdef BROKEN_UNDEFINED
int broken_not_there(void);
#endif

static GH_UNUSED int create(struct gh_host *host, const void *config, void *previous,
			    void **instance_r, struct gh_error *error)
{
	(void)host, (void)config, (void)previous, (void)error;
#ifdef BROKEN_UNDEFINED
	*instance_r = malloc((size_t)broken_not_there());
#else
	*instance_r = malloc(1);
#endif
	return 0;
}

static GH_UNUSED enum gh_verdict authorize(void *instance, const struct gh_authorize *in,
					   struct gh_answer *out)
{
	(void)instance, (void)in, (void)out;
	return GH_ALLOW;
}

#ifdef BROKEN_COMMAND
static int run(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)instance, (void)count, (void)arguments, (void)reply;
	return 0;
}

static const struct gh_command commands[] = { { "list", NULL, "all", 0, run },
					      { "List all", NULL, "all", 0, run },
					      { 0 } };
#endif

#define PLUGIN(symbol) GH_PLUGIN(symbol) /* the macro's own name first */
PLUGIN(BROKEN_SYMBOL) = {
	.size = sizeof(struct gh_plugin),
#if defined(BROKEN_MINOR)
	.abi = GH_ABI + 1,
#elif defined(BROKEN_MAJOR)
	.abi = GH_ABI + 0x10000u,
#else
	.abi = GH_ABI,
#endif
	.option_stride = sizeof(struct gh_option),
#ifdef BROKEN_FLAGS
	.flags = 0x40000000u,
#endif
	.name = BROKEN_NAME,
	.version = "1",
	.summary = "is refused",
#ifndef BROKEN_NO_CREATE
	.create = create,
#endif
	.destroy = free,
#ifdef BROKEN_COMMAND
	.command_stride = sizeof(struct gh_command),
	.commands = commands,
#endif
#ifndef BROKEN_NO_HOOK
	.authorize = authorize,
#endif
};
