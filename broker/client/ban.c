/* SPDX-License-Identifier: Apache-2.0 */
/* Who is banned, in the table and in the store. */
#include "client/ban.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "hook/storage.h"

#include <string.h>

/* ---- what the store is to be told ---- */

/* key: the kind; of an address its 16 bytes and how many bits of them count, else the text. */
static void put_key(struct gh_buf *out, const struct gh_term_key *key)
{
	gh_buf_u8(out, (uint8_t)key->kind);
	if (key->kind == GH_ADDRESS) {
		gh_buf_add(out, key->prefix.ip, sizeof(key->prefix.ip));
		gh_buf_u8(out, (uint8_t)key->prefix.bits);
	} else {
		gh_buf_str(out, gh_str(key->text));
	}
}

/* One that is lifted has no end. */
static struct gh_record_copy *record_of(const struct gh_term_key *key, uint32_t seconds,
					const char *why)
{
	struct gh_record record = { .size = sizeof(record), .kind = GH_REC_BAN, .owner = { "", 0 } };
	struct gh_record_copy *copy;
	struct gh_buf bytes = { 0 };

	put_key(&bytes, key);
	record.key = (struct gh_bytes){ bytes.p, bytes.n };
	if (seconds) {
		record.value = (struct gh_bytes){ why, strlen(why) };
		record.expires = gh_clock_wall_us() / 1000000 + seconds;
	}
	copy = gh_record_copy_new(&record);
	gh_buf_done(&bytes);
	return copy;
}

static void tell(struct gh_storage *storage, const struct gh_record *record)
{
	if (record->expires)
		gh_storage_put(storage, record);
	else
		gh_storage_erase(storage, record);
}

/* Locked, but not while the store is told. */
void gh_ban_tell(struct gh_broker *broker)
{
	struct gh_banning *banning = &broker->banning;
	struct gh_record_list list;
	bool mine;

	pthread_mutex_lock(&banning->lock);
	mine = !banning->telling;
	banning->telling = true;
	while (mine && banning->untold.count > 0) {
		list = banning->untold;
		banning->untold = (struct gh_record_list){ 0 };
		pthread_mutex_unlock(&banning->lock);
		for (size_t i = 0; i < list.count; i++)
			tell(broker->hooks.storage, &list.at[i]->record);
		gh_record_list_done(&list);
		pthread_mutex_lock(&banning->lock);
	}
	if (mine)
		banning->telling = false;
	pthread_mutex_unlock(&banning->lock);
}

/* ---- the change ---- */

static int change(struct gh_terms *bans, const struct gh_term_key *key, uint32_t seconds,
		  const char *why, bool *changed_r)
{
	*changed_r = true;
	if (seconds)
		return gh_terms_put(bans, key, seconds, why, gh_clock_ms());
	*changed_r = gh_terms_lift(bans, key, gh_clock_ms());
	return 0;
}

int gh_ban_change(struct gh_broker *broker, const struct gh_term_key *key, uint32_t seconds,
		  const char *why, bool *changed_r)
{
	struct gh_banning *banning = &broker->banning;
	int rc;

	pthread_mutex_lock(&banning->lock);
	rc = change(broker->bans, key, seconds, why, changed_r);
	if (rc == 0 && *changed_r && gh_storage_instance(broker->hooks.storage))
		gh_record_list_add(&banning->untold, record_of(key, seconds, why));
	pthread_mutex_unlock(&banning->lock);
	return rc;
}
