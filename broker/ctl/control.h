/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: what gatehousectl talks to. On the control thread. */
#ifndef GH_CTL_CONTROL_H
#define GH_CTL_CONTROL_H

#include "ctl/daemon.h"

/* Opens settings->control_socket. On failure nothing is left. */
int gh_control_new(struct gh_daemon *daemon, struct gh_control **control_r, struct gh_error *error);
/* Closes it and all its clients, removes its file. */
void gh_control_free(struct gh_control **control);

#endif
