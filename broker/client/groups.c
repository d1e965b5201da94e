/* SPDX-License-Identifier: Apache-2.0 */
/* Shared subscriptions across workers. */
#include "client/groups.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/deliver.h"

#include <stdlib.h>

/* ---- membership ---- */

enum change { JOIN, LEAVE, ONLINE, OFFLINE };

/* Texts stand behind it: client id, name, filter. */
struct membership {
	struct gh_mail mail;
	struct gh_member_facts facts;
	struct gh_str name, filter;
	enum change change;
	struct gh_group_wait *wait; /* who is told that it is done; NULL: nobody */
	struct gh_worker *from;
	char text[];
};

static struct gh_str put(char **at, struct gh_str s)
{
	struct gh_str copy = { *at, s.n };

	memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

static struct membership *membership_new(enum change change, const struct gh_session *session,
					 const struct gh_share *share)
{
	struct gh_str id = gh_session_client_id(session);
	struct membership *m = gh_zalloc(sizeof(*m) + id.n + share->group.n + share->filter.n);
	char *at = m->text;

	m->change = change;
	m->facts.client_id = put(&at, id);
	m->name = put(&at, share->group);
	m->filter = put(&at, share->filter);
	return m;
}

static void apply(struct gh_shared *groups, const struct membership *m)
{
	switch (m->change) {
	case JOIN: gh_shared_join(groups, m->name, m->filter, &m->facts); break;
	case LEAVE: gh_shared_leave(groups, m->name, m->filter, m->facts.client_id); break;
	case ONLINE:
	case OFFLINE:
		gh_shared_online(groups, m->name, m->filter, m->facts.client_id, m->change == ONLINE);
		break;
	}
}

static void on_joined(struct gh_mail *mail, void *owner)
{
	struct membership *m = (struct membership *)(void *)mail;

	gh_group_wait_end(&m->wait, owner != NULL);
	free(m);
}

static void on_membership(struct gh_mail *mail, void *owner)
{
	struct membership *m = (struct membership *)(void *)mail;
	struct gh_worker *from = m->from;

	if (owner)
		apply(gh_shard_of(owner)->groups, m);
	if (owner && m->wait) {
		m->mail.deliver = on_joined;
		gh_worker_send(owner, from, GH_LANE_CONTROL, &m->mail);
		return;
	}
	gh_group_wait_end(&m->wait, false);
	free(m);
}

static void tell(struct gh_shard *shard, struct membership *m)
{
	unsigned worker = gh_shared_worker(&shard->broker->key, m->name, m->filter,
					   shard->broker->worker_count);

	m->from = shard->worker;
	m->mail.deliver = on_membership;
	if (worker != shard->index) {
		gh_shard_send(shard, worker, GH_LANE_CONTROL, &m->mail);
		return;
	}
	apply(shard->groups, m);
	gh_group_wait_end(&m->wait, true);
	free(m);
}

void gh_group_join(struct gh_shard *shard, const struct gh_session *session,
		   const struct gh_share *share, const struct gh_subscriber *subscriber,
		   struct gh_group_wait *wait)
{
	struct membership *m = membership_new(JOIN, session, share);

	m->facts.worker = (uint16_t)shard->index;
	m->facts.qos = subscriber->qos;
	m->facts.retain_as_published = subscriber->retain_as_published;
	m->facts.connected = session->channel != NULL;
	m->facts.subscription_id = subscriber->id;
	m->wait = wait;
	tell(shard, m);
}

void gh_group_leave(struct gh_shard *shard, const struct gh_session *session,
		    const struct gh_share *share)
{
	tell(shard, membership_new(LEAVE, session, share));
}

void gh_groups_online(struct gh_shard *shard, const struct gh_session *session, bool connected)
{
	gh_list_each(&session->subscriptions, it, next)
	{
		struct gh_subscriber *subscriber = gh_container(it, struct gh_subscriber, in_session);
		struct gh_share share;

		if (!subscriber->share)
			continue;
		shard->scratch.n = 0;
		gh_index_filter(shard->filters, subscriber, &shard->scratch);
		if (gh_share_parse(gh_str_n((const char *)shard->scratch.p, shard->scratch.n), &share))
			tell(shard, membership_new(connected ? ONLINE : OFFLINE, session, &share));
	}
}

/* ---- messages ---- */

/* Above that nobody else is tried: a message must not go through a hundred thousand sessions. */
#define TRIED_MAX 1024u

/* On its way to a member, or back. */
struct handing {
	struct gh_mail mail;
	struct gh_publication *publication;
	uint64_t group;
	unsigned group_worker;
	struct gh_member_facts member; /* client_id owned */
	uint32_t tried_count, again;
	uint64_t *tried;  /* serials, its own; the last one is that of `member` */
	uint64_t waiting; /* the first of them whose rights are being re-checked; 0: none */
	bool hold;        /* `member` is that one, and nobody else may have it */
	bool unsettled;   /* on its way back: `member` is another such one */
};

static void handing_free(struct handing *h)
{
	free((void *)(uintptr_t)h->member.client_id.p);
	gh_publication_unref(&h->publication);
	free(h->tried);
	free(h);
}

static enum gh_delivered deliver_to(struct gh_shard *shard, struct gh_transit *transit,
				    uint64_t group, const struct gh_member_facts *member, bool hold)
{
	struct gh_session *session = gh_registry_find(shard->sessions, member->client_id);
	const struct gh_delivering how = { .ids = &member->subscription_id,
					   .id_count = member->subscription_id ? 1 : 0,
					   .group = group,
					   .hold = hold,
					   .qos = member->qos,
					   .retain = member->retain_as_published &&
						     transit->facts.retain };

	return session ? gh_deliver(shard, session, transit, &how) : GH_REFUSED;
}

/* Which of all messages a member may be refused: those to one topic under one policy. */
static uint64_t what_of(const struct gh_shard *shard, struct gh_str topic)
{
	return (gh_siphash(&shard->broker->key, topic.p, topic.n) ^ gh_shard_generation(shard)) | 1;
}

static void give(struct gh_shard *shard, struct gh_group *group, struct gh_transit *transit,
		 const struct handing *before);

static void on_back(struct gh_mail *mail, void *owner)
{
	struct handing *h = (struct handing *)(void *)mail;
	struct gh_shard *shard = owner ? gh_shard_of(owner) : NULL;
	struct gh_group *group = shard ? gh_shared_find(shard->groups, h->group) : NULL;
	struct gh_transit transit;

	if (group) {
		gh_transit_of(&transit, h->publication);
		if (h->unsettled && !h->waiting)
			h->waiting = h->tried[h->tried_count - 1];
		else if (h->tried_count > 0 && !h->unsettled)
			gh_shared_refused(shard->groups, h->tried[h->tried_count - 1],
					  what_of(shard, transit.facts.topic));
		give(shard, group, &transit, h);
		gh_transit_done(&transit);
	} else if (shard) {
		gh_tell_dropped(shard, NULL, gh_publication_topic(h->publication),
				GH_COUNT_DROP_SHARED);
	}
	handing_free(h);
}

static void on_given(struct gh_mail *mail, void *owner)
{
	struct handing *h = (struct handing *)(void *)mail;
	struct gh_shard *shard = owner ? gh_shard_of(owner) : NULL;
	struct gh_transit transit;
	enum gh_delivered delivered = GH_DELIVERED;

	if (shard) {
		gh_worker_discharge(gh_workers_at(shard->broker->workers, h->group_worker),
				    h->mail.weight);
		gh_transit_of(&transit, h->publication);
		delivered = deliver_to(shard, &transit, h->group, &h->member, h->hold);
		gh_transit_done(&transit);
	}
	if (delivered != GH_REFUSED && delivered != GH_UNSETTLED) {
		handing_free(h);
		return;
	}
	h->unsettled = delivered == GH_UNSETTLED;
	h->mail.deliver = on_back;
	gh_shard_send(shard, h->group_worker, GH_LANE_DATA, &h->mail);
}

static struct handing *handing_new(const struct gh_shard *shard, uint64_t group,
				   struct gh_publication *publication)
{
	struct handing *h = gh_zalloc(sizeof(*h));

	h->publication = gh_publication_ref(publication);
	h->mail.weight = (uint32_t)(sizeof(*h) + gh_publication_cost(publication));
	h->group = group;
	h->group_worker = shard->index;
	return h;
}

/* False: no memory for it. */
static bool hand_over(struct gh_shard *shard, const struct gh_group *group,
		      const struct gh_member *member, struct gh_transit *transit,
		      const struct gh_pick *pick, uint64_t waiting)
{
	struct gh_publication *publication = gh_transit_publication(transit);
	struct handing *h;

	if (!publication)
		return false;
	h = handing_new(shard, group->id, publication);
	h->mail.deliver = on_given;
	h->member = member->facts;
	h->member.client_id.p = gh_str_dup(member->facts.client_id);
	h->tried = gh_alloc_array(pick->count, sizeof(*h->tried));
	memcpy(h->tried, pick->tried, pick->count * sizeof(*h->tried));
	h->tried_count = (uint32_t)pick->count;
	h->again = pick->again;
	h->waiting = waiting;
	h->hold = waiting == member->serial;
	shard->sent_to |= shard->stores ? UINT64_C(1) << member->facts.worker : 0;
	/* Who publishes to the group waits for this worker, not for the member's. */
	gh_worker_charge(shard->worker, h->mail.weight);
	gh_shard_send(shard, member->facts.worker, GH_LANE_DATA, &h->mail);
	return true;
}

/* Nobody else may have it: it waits where the rights are being re-checked. pick->tried has room for one more. */
static bool hold(struct gh_shard *shard, const struct gh_group *group, struct gh_transit *transit,
		 struct gh_pick *pick, uint64_t *tried, uint64_t waiting)
{
	const struct gh_member *member = gh_shared_member(shard->groups, waiting);

	if (!member || member->group != group)
		return false;
	if (member->facts.worker == shard->index)
		return deliver_to(shard, transit, group->id, &member->facts, true) != GH_REFUSED;
	tried[pick->count++] = waiting;
	return hand_over(shard, group, member, transit, pick, waiting);
}

/* Tries one after another; who sits on another worker may send it back. before: it came back; NULL: it is new. */
static void give(struct gh_shard *shard, struct gh_group *group, struct gh_transit *transit,
		 const struct handing *before)
{
	uint64_t tried[TRIED_MAX + 1], waiting = before ? before->waiting : 0;
	bool held = before && before->hold; /* and it wasn't taken */
	struct gh_pick pick = { .tried = tried,
				.what = group->refused ? what_of(shard, transit->facts.topic) : 0,
				.offline = transit->facts.qos > 0 };
	enum gh_delivered delivered;
	struct gh_member *member;

	if (before && before->tried_count > 0) {
		memcpy(tried, before->tried, before->tried_count * sizeof(*tried));
		pick.count = before->tried_count;
		pick.again = before->again;
	}
	while (!held && pick.count < TRIED_MAX &&
	       (member = gh_shared_pick(shard->groups, group, &pick))) {
		tried[pick.count++] = member->serial;
		if (member->facts.worker != shard->index) {
			if (hand_over(shard, group, member, transit, &pick, waiting))
				return;
			break;
		}
		delivered = deliver_to(shard, transit, group->id, &member->facts, false);
		if (delivered == GH_UNSETTLED) {
			waiting = waiting ? waiting : member->serial;
			continue;
		}
		if (delivered != GH_REFUSED)
			return;
		if (!pick.what)
			pick.what = what_of(shard, transit->facts.topic);
		gh_shared_refused(shard->groups, member->serial, pick.what);
	}
	if (waiting && !held && hold(shard, group, transit, &pick, tried, waiting))
		return;
	gh_tell_dropped(shard, NULL, transit->facts.topic, GH_COUNT_DROP_SHARED);
}

void gh_group_give(struct gh_shard *shard, struct gh_group *group, struct gh_transit *transit)
{
	give(shard, group, transit, NULL);
}

/* ---- what a member leaves behind ---- */

void gh_group_return(struct gh_shard *shard, const struct gh_delivery *delivery)
{
	struct handing *h = handing_new(shard, delivery->group, delivery->publication);

	h->mail.deliver = on_back;
	gh_shard_send(shard, gh_shared_id_worker(delivery->group), GH_LANE_DATA, &h->mail);
}

static bool judge_queued(void *arg, struct gh_delivery *delivery)
{
	if (delivery->group == 0)
		return false;
	gh_group_return(arg, delivery);
	return true;
}

/* What of QoS 2 was begun to be sent stays this client's, or nobody's: nobody may get it twice [MQTT-4.8.2-5]. */
void gh_groups_give_back(struct gh_shard *shard, struct gh_session *session)
{
	struct gh_window_entry *next;

	for (struct gh_window_entry *e = gh_window_first(&session->window); e; e = next) {
		next = gh_window_next(&session->window, e);
		if (e->state == GH_WINDOW_SENT && e->delivery.group && e->delivery.qos == 1)
			gh_group_return(shard, &e->delivery);
	}
	gh_queue_filter(&session->queue, judge_queued, shard);
}
