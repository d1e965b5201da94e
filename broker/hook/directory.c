/* SPDX-License-Identifier: Apache-2.0 */
/* Making the directory of an instance. */
#include "hook/directory.h"

#include "base/buf.h"
#include "base/mem.h"
#include "hook/host.h"
#include "hook/instance_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int make(const char *path, mode_t mode)
{
	struct stat found;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return errno;
	if (stat(path, &found) < 0)
		return errno;
	return S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
}

/* What is missing above the state directory is everybody's to pass. */
static void make_above(const char *state)
{
	char *copy = gh_strdup(state);

	for (char *slash = copy + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		make(copy, 0755);
	}
	free(copy);
}

static int make_all(const char *state, const char *path)
{
	char *plugins = gh_strndup(path, (size_t)(strrchr(path, '/') - path));
	int rc;

	make_above(state);
	rc = make(state, 0750);
	if (!rc)
		rc = make(plugins, 0700);
	if (!rc)
		rc = make(path, 0700);
	free(plugins);
	return rc;
}

static char *path_of(const struct gh_instance *instance)
{
	struct gh_buf path = { 0 };

	gh_buf_printf(&path, "%s/plugins/%s", instance->held->state_directory, instance->name);
	gh_buf_u8(&path, 0);
	return (char *)path.p;
}

static void tell(struct gh_instance *instance, int error)
{
	struct gh_buf why = { 0 };

	gh_buf_printf(&why, "'%s' can't be made: %s", instance->directory, strerror(error));
	gh_buf_u8(&why, 0);
	gh_host_refused(instance, GH_CALL_DIRECTORY, (char *)why.p);
	gh_buf_done(&why);
}

const char *gh_directory_of(struct gh_instance *instance)
{
	int rc = 0;

	pthread_mutex_lock(&instance->directory_lock);
	if (!instance->directory)
		instance->directory = path_of(instance);
	if (!instance->directory_made && !instance->hooks->checking)
		rc = make_all(instance->held->state_directory, instance->directory);
	instance->directory_made = rc == 0;
	pthread_mutex_unlock(&instance->directory_lock);
	if (rc)
		tell(instance, rc);
	return rc ? NULL : instance->directory;
}
