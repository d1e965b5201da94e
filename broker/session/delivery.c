/* SPDX-License-Identifier: Apache-2.0 */
/* One message on its way to one subscriber. */
#include "session/delivery.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void gh_delivery_drop(struct gh_delivery *delivery)
{
	gh_publication_unref(&delivery->publication);
	if (delivery->id_count > 1)
		free(delivery->ids.many);
	delivery->id_count = 0;
}

void gh_delivery_set_ids(struct gh_delivery *delivery, const uint32_t *ids, size_t count)
{
	delivery->id_count = count > UINT16_MAX ? UINT16_MAX : (uint16_t)count;
	if (delivery->id_count == 1)
		delivery->ids.one = ids[0];
	if (delivery->id_count <= 1)
		return;
	delivery->ids.many = gh_alloc_array(delivery->id_count, sizeof(*ids));
	memcpy(delivery->ids.many, ids, delivery->id_count * sizeof(*ids));
}
