/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: a barrier. Acknowledgements wait for a thread of the module's own, which lets them go one
 * after the other, `delay` after they came and not while the file `hold` is there; or refuses them.
 * Each is ended twice, and one that nobody raised now and then.
 */
#include <gatehouse/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum how { NOW, LATER, REFUSE, REFUSE_LATER };

struct config {
	int64_t how;
	uint64_t delay;
	const char *hold, *fail;
};

struct open {
	struct open *next;
	struct gh_barrier barrier;
};

struct keeper {
	struct gh_host *host;
	const struct config *config;
	struct gh_metric raised;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct open *first, **last;
	bool stop;
};

static void sleep_ms(uint64_t ms)
{
	struct timespec time = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

static void end(const struct keeper *keeper, struct gh_barrier barrier)
{
	const struct config *config = keeper->config;
	struct gh_barrier invented = { barrier.id ^ 1ull << 63 }; /* no round will ever have it */
	int rc = config->how == REFUSE_LATER ? GH_EIO : 0;

	sleep_ms(config->delay);
	while (config->hold && access(config->hold, F_OK) == 0)
		sleep_ms(5);
	if (config->fail && access(config->fail, F_OK) == 0)
		rc = GH_EIO;
	gh_barrier_end(keeper->host, invented, GH_EIO);
	gh_barrier_end(keeper->host, barrier, rc);
	gh_barrier_end(keeper->host, barrier, GH_EIO);
}

static struct open *next(struct keeper *keeper)
{
	struct open *open;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->first && !keeper->stop)
		pthread_cond_wait(&keeper->more, &keeper->lock);
	open = keeper->first;
	if (open && !(keeper->first = open->next))
		keeper->last = &keeper->first;
	pthread_mutex_unlock(&keeper->lock);
	return open;
}

static void *run(void *arg)
{
	struct open *open;

	while ((open = next(arg))) {
		end(arg, open->barrier);
		free(open);
	}
	return NULL;
}

static int barrier(void *instance, struct gh_barrier barrier)
{
	struct keeper *keeper = instance;
	struct open *open;

	gh_metric_add(keeper->host, keeper->raised, 1);
	if (keeper->config->how == NOW)
		return 0;
	if (keeper->config->how == REFUSE)
		return GH_EIO;
	open = calloc(1, sizeof(*open));
	if (!open)
		return GH_EIO;
	open->barrier = barrier;
	pthread_mutex_lock(&keeper->lock);
	*keeper->last = open;
	keeper->last = &open->next;
	pthread_cond_signal(&keeper->more);
	pthread_mutex_unlock(&keeper->lock);
	return GH_LATER;
}

static void destroy(void *instance)
{
	struct keeper *keeper = instance;

	pthread_mutex_lock(&keeper->lock);
	keeper->stop = true;
	pthread_cond_signal(&keeper->more);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->more);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	(void)previous, (void)error;
	if (!keeper)
		return GH_EIO;
	keeper->host = host;
	keeper->config = config;
	keeper->last = &keeper->first;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_cond_init(&keeper->more, NULL);
	keeper->raised = gh_metric_new(host, GH_COUNTER, "raised_total", NULL, "Barriers raised.");
	if (pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
		free(keeper);
		return GH_EIO;
	}
	*instance_r = keeper;
	return 0;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, how, GH_ENUM, "what it says", .standard = "later",
		  .unit = "now|later|refuse|refuse-later"),
	GH_OPTION(struct config, delay, GH_DURATION, "how long each takes", .standard = "0"),
	GH_OPTION(struct config, hold, GH_PATH, "a file: nothing passes while it is there"),
	GH_OPTION(struct config, fail, GH_PATH, "a file: what passes then is refused"),
	{ 0 }
};

GH_PLUGIN(keeper) = {
	GH_HEAD,
	.flags = GH_CONCURRENT,
	.name = "keeper",
	.version = "1",
	.summary = "acknowledgements wait for it",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.barrier = barrier,
};
