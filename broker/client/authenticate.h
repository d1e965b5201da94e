/* SPDX-License-Identifier: Apache-2.0 */
/* Asking who a client is: by CONNECT alone, by enhanced authentication, and again while connected. */
#ifndef GH_CLIENT_AUTHENTICATE_H
#define GH_CLIENT_AUTHENTICATE_H

#include "client/connect.h"

/* A re-authentication of a connected client [MQTT5 4.12.1]; until it ends the old identity holds. */
struct gh_reauth;
void gh_reauth_free(struct gh_reauth **reauth);

/* Asks the listener's list about login->asked; gh_connect_judged() follows, at once or later. */
enum gh_next gh_authenticate_ask(struct gh_login *login);

/* An AUTH packet: a step of the login, or of a re-authentication, or the beginning of one. */
enum gh_next gh_authenticate_step(struct gh_channel *channel, const struct gh_frame *frame);

#endif
