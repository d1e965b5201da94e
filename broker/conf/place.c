/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are when nothing is said. */
#include "conf/settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool may_write(const char *directory)
{
	return geteuid() == 0 || faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) == 0;
}

/* The user's own directory for state, whether it exists or not; false: there is no home. */
static bool user_state(char path_r[GH_PLACE_SIZE])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = -1;

	if (state && *state == '/')
		n = snprintf(path_r, GH_PLACE_SIZE, "%s/gatehouse", state);
	else if (home && *home == '/')
		n = snprintf(path_r, GH_PLACE_SIZE, "%s/.local/state/gatehouse", home);
	return n > 0 && n < GH_PLACE_SIZE;
}

void gh_default_state_directory(char path_r[GH_PLACE_SIZE])
{
	if (may_write(GH_STATEDIR) || !user_state(path_r))
		snprintf(path_r, GH_PLACE_SIZE, "%s", GH_STATEDIR);
}

void gh_default_control_socket(const char *state_directory, char path_r[GH_PLACE_SIZE])
{
	int n = GH_PLACE_SIZE;

	if (!may_write(GH_RUNDIR))
		n = snprintf(path_r, GH_PLACE_SIZE, "%s/control.sock", state_directory);
	if (n >= GH_PLACE_SIZE)
		snprintf(path_r, GH_PLACE_SIZE, "%s/control.sock", GH_RUNDIR);
}

void gh_find_control_socket(char path_r[GH_PLACE_SIZE])
{
	char state[GH_PLACE_SIZE];

	if (access(GH_RUNDIR "/control.sock", F_OK) != 0 && user_state(state)) {
		gh_default_control_socket(state, path_r);
		return;
	}
	snprintf(path_r, GH_PLACE_SIZE, "%s/control.sock", GH_RUNDIR);
}
