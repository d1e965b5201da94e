/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor: does to the broker what a message on "act/hook" says (inside the event hook) or one on "act/thread" (on a thread of
 * its own), and writes each result and each event that it is told into a file.
 *
 *   disconnect KIND SUBJECT REASON WHY...       KIND: connection, client, principal, address, everyone, or a number
 *   recheck KIND SUBJECT COUNT
 *   ban KIND SUBJECT SECONDS WHY...
 *   class KIND SUBJECT SECONDS [NAME]
 *   inject TOPIC QOS RETAIN EXPIRY COUNT PAYLOAD...
 *   attach VALUE   attached                     to the publisher of the message; freed values are written down
 *   replay MASK
 */
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_MAX 4096u
#define WORDS       8u

struct config {
	const char *file;
	struct gh_list events;
	bool in_create, attach_logins;
	const char *login_class;
};

struct job {
	struct job *next;
	char text[COMMAND_MAX];
};

struct actor {
	struct gh_host *host;
	const struct config *config;
	int fd;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, **end;
	bool stop;
};

/* What is attached; it knows where to say that it is freed. */
struct slot {
	struct actor *actor;
	char value[64];
};

/* ---- acts ---- */

static void say(const struct actor *actor, const char *verb, const char *text, long long rc)
{
	struct probe_line line;

	probe_line_begin(&line, "act");
	probe_line_string(&line, "name", gh_name(actor->host));
	probe_line_string(&line, "verb", verb);
	probe_line_string(&line, "text", text);
	probe_line_number(&line, "rc", rc);
	probe_line_end(&line, actor->fd);
}

static struct gh_subject subject(const char *kind, const char *text)
{
	static const char *const kinds[] = { "connection", "client", "principal", "address",
					     "everyone" };

	if (strcmp(kind, kinds[0]) == 0)
		return gh_subject_connection(strtoull(text, NULL, 10));
	for (unsigned i = 1; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return gh_subject_of((enum gh_subject_kind)(i + 1), text);
	return gh_subject_of((enum gh_subject_kind)atoi(kind), text);
}

static int inject(const struct actor *actor, char **word)
{
	struct gh_message message = { .size = sizeof(message),
				      .topic = { word[1], strlen(word[1]) },
				      .qos = (uint8_t)atoi(word[2]),
				      .retain = atoi(word[3]) != 0,
				      .payload = { word[6], strlen(word[6]) } };
	int rc = 0;

	for (long i = atol(word[5]); i > 0 && rc == 0; i--)
		rc = gh_inject(actor->host, &message, (uint32_t)atol(word[4]));
	return rc;
}

static int recheck(const struct actor *actor, char **word)
{
	int rc = 0;

	for (long i = atol(word[3]); i > 0 && rc == 0; i--)
		rc = gh_recheck(actor->host, subject(word[1], word[2]));
	return rc;
}

static int act(const struct actor *actor, char **word)
{
	if (strcmp(word[0], "disconnect") == 0)
		return gh_disconnect(actor->host, subject(word[1], word[2]), (uint8_t)atoi(word[3]),
				     word[4][0] ? word[4] : NULL);
	if (strcmp(word[0], "recheck") == 0)
		return recheck(actor, word);
	if (strcmp(word[0], "ban") == 0)
		return gh_ban(actor->host, subject(word[1], word[2]), (uint32_t)atol(word[3]),
			      word[4]);
	if (strcmp(word[0], "class") == 0)
		return gh_set_class(actor->host, subject(word[1], word[2]),
				    word[4][0] ? word[4] : NULL, (uint32_t)atol(word[3]));
	if (strcmp(word[0], "inject") == 0)
		return inject(actor, word);
	if (strcmp(word[0], "replay") == 0)
		return gh_replay(actor->host, strtoull(word[1], NULL, 0));
	return 99;
}

static void slot_free(void *data)
{
	struct slot *slot = data;

	say(slot->actor, "freed", slot->value, gh_local(slot->actor->host) != NULL);
	free(slot);
}

/* False: it isn't about attached data. */
static bool attach(struct actor *actor, const struct gh_client *client, char **word)
{
	struct slot *slot;
	int rc;

	if (strcmp(word[0], "attached") == 0) {
		slot = gh_attached(actor->host, client);
		say(actor, word[0], slot ? slot->value : "", slot != NULL);
		return true;
	}
	if (strcmp(word[0], "attach") != 0)
		return false;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return true;
	slot->actor = actor;
	snprintf(slot->value, sizeof(slot->value), "%s", word[1]);
	rc = gh_attach(actor->host, client, slot, slot_free);
	say(actor, word[0], word[1], rc);
	if (rc)
		free(slot);
	return true;
}

/* The last word of a command goes to its end. */
static void split(char *text, char *word[WORDS])
{
	static const struct {
		const char *verb;
		unsigned words;
	} verbs[] = { { "disconnect", 5 }, { "recheck", 4 }, { "ban", 5 },   { "class", 5 },
		      { "inject", 7 },     { "attach", 2 },  { "replay", 2 } };
	unsigned count = 1, n = 1;

	for (unsigned i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strncmp(text, verbs[i].verb, strlen(verbs[i].verb)) == 0 &&
		    text[strlen(verbs[i].verb)] == ' ')
			count = verbs[i].words;
	word[0] = text;
	for (; n < count; n++) {
		text = strchr(word[n - 1], ' ');
		if (!text)
			break;
		*text = 0;
		word[n] = text + 1;
	}
	for (; n < WORDS; n++)
		word[n] = word[0] + strlen(word[0]);
}

static void command(struct actor *actor, const struct gh_client *client, const char *text)
{
	char copy[COMMAND_MAX], *word[WORDS];

	snprintf(copy, sizeof(copy), "%s", text);
	split(copy, word);
	if (!attach(actor, client, word))
		say(actor, word[0], text, act(actor, word));
}

/* ---- its thread ---- */

static struct job *take(struct actor *actor)
{
	struct job *job;

	pthread_mutex_lock(&actor->lock);
	while (!actor->first && !actor->stop)
		pthread_cond_wait(&actor->changed, &actor->lock);
	job = actor->stop ? NULL : actor->first;
	if (job) {
		actor->first = job->next;
		if (!actor->first)
			actor->end = &actor->first;
	}
	pthread_mutex_unlock(&actor->lock);
	return job;
}

static void *thread_main(void *arg)
{
	/* Never looked at: this isn't the client's worker. */
	static const struct gh_client nobody = { .size = sizeof(nobody), .connection = 1 };
	struct actor *actor = arg;
	struct job *job;

	while ((job = take(actor))) {
		command(actor, &nobody, job->text);
		free(job);
	}
	return NULL;
}

static void add(struct actor *actor, const char *text)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	snprintf(job->text, sizeof(job->text), "%s", text);
	pthread_mutex_lock(&actor->lock);
	*actor->end = job;
	actor->end = &job->next;
	pthread_cond_signal(&actor->changed);
	pthread_mutex_unlock(&actor->lock);
}

static bool topic_is(const struct gh_event *event, const char *topic)
{
	return event->topic.n == strlen(topic) && memcmp(event->topic.p, topic, event->topic.n) == 0;
}

/* Named after the client id: it is there until the connection ends, wherever that goes. */
static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct actor *actor = instance;
	char text[COMMAND_MAX];

	if (actor->config->attach_logins) {
		snprintf(text, sizeof(text), "attach %s", in->client->client_id);
		command(actor, in->client, text);
	}
	if (!actor->config->login_class || !in->username)
		return GH_PASS;
	gh_answer_principal(out, in->username);
	gh_answer_limits_class(out, actor->config->login_class);
	return GH_ALLOW;
}

static void event(void *instance, const struct gh_event *event)
{
	struct actor *actor = instance;
	char text[COMMAND_MAX];

	probe_write_event(event, actor->fd);
	if (event->kind != GH_EV_PUBLISH || !event->client ||
	    event->message->payload.n >= sizeof(text))
		return;
	memcpy(text, event->message->payload.p, event->message->payload.n);
	text[event->message->payload.n] = 0;
	if (topic_is(event, "act/hook"))
		command(actor, event->client, text);
	else if (topic_is(event, "act/thread"))
		add(actor, text);
}

/* ---- life ---- */

static void destroy(void *instance)
{
	struct actor *actor = instance;
	struct job *next;

	pthread_mutex_lock(&actor->lock);
	actor->stop = true;
	pthread_cond_signal(&actor->changed);
	pthread_mutex_unlock(&actor->lock);
	if (actor->has_thread)
		pthread_join(actor->thread, NULL);
	for (struct job *job = actor->first; job; job = next) {
		next = job->next;
		free(job);
	}
	pthread_mutex_destroy(&actor->lock);
	pthread_cond_destroy(&actor->changed);
	say(actor, "destroy", NULL, 0);
	close(actor->fd);
	free(actor);
}

/* All are refused: nothing is in force yet. */
static void act_too_early(struct actor *actor)
{
	static const char *const early[] = { "disconnect everyone x 0",    "recheck everyone x 1",
					     "ban address 192.0.2.1 60 x", "inject a 0 0 0 1 x",
					     "class everyone x 0",         "replay 0x48" };

	for (unsigned i = 0; i < sizeof(early) / sizeof(*early); i++)
		command(actor, NULL, early[i]);
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	const struct config *c = config;
	struct actor *actor = calloc(1, sizeof(*actor));

	(void)previous, (void)error;
	if (!actor)
		return GH_EIO;
	actor->host = host;
	actor->config = c;
	actor->end = &actor->first;
	actor->fd = open(c->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pthread_mutex_init(&actor->lock, NULL);
	pthread_cond_init(&actor->changed, NULL);
	actor->has_thread = pthread_create(&actor->thread, NULL, thread_main, actor) == 0;
	gh_observe(host, GH_EV_PUBLISH | (c->events.count ? probe_event_mask(&c->events) : 0));
	if (c->in_create)
		act_too_early(actor);
	*instance_r = actor;
	return 0;
}

static void *thread_start(void *instance)
{
	return instance;
}

static void thread_stop(void *instance, void *local)
{
	(void)instance, (void)local;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, file, GH_PATH, "where it writes", .flags = GH_REQUIRED),
	GH_OPTION(struct config, events, GH_STRINGS, "kinds of event, besides publish"),
	GH_OPTION(struct config, in_create, GH_BOOL, "try to act in create", .standard = "no"),
	GH_OPTION(struct config, attach_logins, GH_BOOL, "attach the client id to each login",
		  .standard = "no"),
	GH_OPTION(struct config, login_class, GH_STRING, "let everybody in, with this limits class"),
	{ 0 }
};

GH_PLUGIN(actor) = {
	GH_HEAD,
	.flags = GH_CONCURRENT,
	.name = "actor",
	.version = "1",
	.summary = "acts as messages tell it to",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.authenticate = authenticate,
	.event = event,
};
