/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clerk: commands that answer at once, later, twice or never, with rows, an error or a secret; and something kept about
 * whomever `keeps` names. Built once more as clerk-blocking.
 */
#include <errno.h>
#include <gatehouse/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST 100u

enum manner { NOW, LATER, FAIL, NEVER };
struct config {
	struct gh_list keeps;
	int64_t subject;
	uint64_t delay;
};

struct clerk;
/* An answer that a thread of its own gives. */
struct errand {
	struct clerk *clerk;
	struct gh_ticket ticket;
	pthread_t thread;
	long delay;
	unsigned times;
	char word[64];
};

struct clerk {
	struct gh_host *host;
	const struct config *config;
	pthread_mutex_t lock;
	struct errand errands[MOST];
	unsigned errand_count;
	struct gh_ticket held[MOST];
	unsigned held_count;
	bool forgotten[MOST];
};

static void sleep_ms(long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

/* ---- later ---- */

/* False: nobody waits. */
static bool answer(struct clerk *clerk, struct gh_ticket ticket, const char *word)
{
	struct gh_reply *reply = gh_reply_begin(clerk->host, ticket);

	if (!reply)
		return false;
	gh_reply_field(reply, "word", "%s", word);
	gh_reply_end(reply, 0, NULL);
	return true;
}

static void *errand_main(void *arg)
{
	struct errand *errand = arg;

	sleep_ms(errand->delay);
	for (unsigned i = 0; i < errand->times; i++)
		answer(errand->clerk, errand->ticket, errand->word);
	return NULL;
}

static int answer_later(struct clerk *clerk, struct gh_reply *reply, const char *word, long delay,
			unsigned times)
{
	struct errand *errand;
	int rc = GH_EBUSY;

	pthread_mutex_lock(&clerk->lock);
	if (clerk->errand_count < MOST) {
		errand = &clerk->errands[clerk->errand_count];
		errand->clerk = clerk;
		errand->ticket = gh_reply_pend(reply);
		errand->delay = delay;
		errand->times = times;
		strncpy(errand->word, word, sizeof(errand->word) - 1);
		rc = pthread_create(&errand->thread, NULL, errand_main, errand) == 0 ? GH_LATER
										     : GH_EIO;
		clerk->errand_count += rc == GH_LATER;
	}
	pthread_mutex_unlock(&clerk->lock);
	return rc;
}

static int hold(struct clerk *clerk, struct gh_reply *reply)
{
	struct gh_ticket ticket = gh_reply_pend(reply);

	pthread_mutex_lock(&clerk->lock);
	if (clerk->held_count < MOST)
		clerk->held[clerk->held_count++] = ticket;
	pthread_mutex_unlock(&clerk->lock);
	return GH_LATER;
}

/* ---- commands ---- */

static int echo(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct clerk *clerk = instance;

	gh_log(clerk->host, GH_LOG_DEBUG, "echoes %zu words", count);
	for (size_t i = 0; i < count; i++) {
		gh_reply_field(reply, "number", "%zu", i + 1);
		gh_reply_field(reply, "word", "%s", arguments[i]);
		gh_reply_row(reply);
	}
	return 0;
}

static int later(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	if (count != 2)
		return GH_EINVAL;
	return answer_later(instance, reply, arguments[1], strtol(arguments[0], NULL, 10), 1);
}

static int twice(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	if (count != 2)
		return GH_EINVAL;
	return answer_later(instance, reply, arguments[1], strtol(arguments[0], NULL, 10), 2);
}

static int never(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)count, (void)arguments;
	return hold(instance, reply);
}

/* Answers what is held, and with a word is ready to answer it again: how many still wait for it. */
static int release(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct clerk *clerk = instance;
	unsigned heard = 0;

	(void)arguments;
	pthread_mutex_lock(&clerk->lock);
	gh_reply_field(reply, "held", "%u", clerk->held_count);
	for (unsigned i = 0; i < clerk->held_count; i++)
		heard += answer(clerk, clerk->held[i], "released");
	if (!count)
		clerk->held_count = 0;
	pthread_mutex_unlock(&clerk->lock);
	gh_reply_field(reply, "heard", "%u", heard);
	return 0;
}

static int fail(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)instance;
	if (count < 1)
		return GH_EINVAL;
	if (count > 1)
		gh_reply_end(reply, (int)strtol(arguments[0], NULL, 10), arguments[1]);
	return (int)strtol(arguments[0], NULL, 10);
}

static int flood(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	char line[1025] = { 0 };

	(void)instance, (void)count, (void)arguments;
	memset(line, 'x', sizeof(line) - 1);
	for (unsigned i = 0; i < 20000; i++) {
		gh_reply_field(reply, "line", "%s", line);
		gh_reply_row(reply);
	}
	return 0;
}

static int secret(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct gh_bytes told = gh_reply_secret(reply);

	(void)instance;
	gh_reply_field(reply, "user", "%s", count ? arguments[0] : "");
	gh_reply_field(reply, "secret", "%.*s", (int)told.n, (const char *)told.p);
	return 0;
}

static int nap(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct clerk *clerk = instance;

	if (count != 1)
		return GH_EINVAL;
	sleep_ms(strtol(arguments[0], NULL, 10));
	gh_reply_field(reply, "local", "%s", gh_local(clerk->host) == clerk ? "yes" : "no");
	return 0;
}

/* ---- subject ---- */

static void tell_kept(struct clerk *clerk, const struct gh_subject_request *in, const char *name,
		      bool *forgotten, struct gh_reply *reply)
{
	if (strcmp(name, in->subject.text) != 0 || *forgotten)
		return;
	gh_reply_field(reply, "kept", "%s", name);
	gh_reply_field(reply, "by", "%s", gh_name(clerk->host));
	gh_reply_field(reply, "kind", "%s",
		       in->subject.kind == GH_CLIENT_ID ? "client" : "principal");
	gh_reply_row(reply);
	*forgotten = in->forget;
}

static int subject(void *instance, const struct gh_subject_request *in, struct gh_reply *reply)
{
	struct clerk *clerk = instance;
	const char *const *names = clerk->config->keeps.items;

	pthread_mutex_lock(&clerk->lock);
	for (size_t i = 0; i < clerk->config->keeps.count && i < MOST; i++)
		tell_kept(clerk, in, names[i], &clerk->forgotten[i], reply);
	pthread_mutex_unlock(&clerk->lock);
	switch ((enum manner)clerk->config->subject) {
	case LATER: return answer_later(clerk, reply, "later", (long)clerk->config->delay, 2);
	case FAIL: gh_reply_end(reply, GH_EIO, "the archive is closed"); return GH_EIO;
	case NEVER: return hold(clerk, reply);
	default: return 0;
	}
}

/* ---- life ---- */

static void *thread_start(void *instance)
{
	return instance;
}

static void thread_stop(void *instance, void *local)
{
	(void)instance, (void)local;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));

	(void)previous, (void)error;
	if (!clerk)
		return GH_EIO;
	clerk->host = host;
	clerk->config = config;
	pthread_mutex_init(&clerk->lock, NULL);
	*instance_r = clerk;
	return 0;
}

static void destroy(void *instance)
{
	struct clerk *clerk = instance;

	for (unsigned i = 0; i < clerk->errand_count; i++)
		pthread_join(clerk->errands[i].thread, NULL);
	pthread_mutex_destroy(&clerk->lock);
	free(clerk);
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, keeps, GH_STRINGS, "client ids and principals something is kept of"),
	GH_OPTION(struct config, subject, GH_ENUM, "how it answers export and forget",
		  .standard = "now", .unit = "now|later|fail|never"),
	GH_OPTION(struct config, delay, GH_DURATION, "how much later", .standard = "50ms"),
	{ 0 }
};

static const struct gh_command commands[] = {
	{ "echo", "WORD...", "each word in a row of its own", 0, echo },
	{ "later", "MS WORD", "says it later", 0, later },
	{ "later twice", "MS WORD", "says it twice", 0, twice },
	{ "never", NULL, "doesn't end by itself", 0, never },
	{ "release", "[keep]", "ends what doesn't", 0, release },
	{ "fail", "CODE [MESSAGE]", "fails like that", 0, fail },
	{ "flood", NULL, "says too much", 0, flood },
	{ "user add", "NAME", "tells its secret", GH_CMD_WRITE | GH_CMD_SECRET, secret },
	{ "write", "WORD...", "changes nothing, really", GH_CMD_WRITE, echo },
	{ "nap", "MS", "sleeps", 0, nap },
	{ 0 }
};

#ifdef CLERK_BLOCKING
GH_PLUGIN(clerk_blocking) = {
	GH_HEAD,
	.flags = GH_BLOCKING,
	.name = "clerk-blocking",
#else
GH_PLUGIN(clerk) = {
	GH_HEAD,
	.name = "clerk",
#endif
	.version = "1",
	.summary = "commands of every kind",
	.config_size = sizeof(struct config),
	.options = options,
	.commands = commands,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.subject = subject,
};
