/* SPDX-License-Identifier: Apache-2.0 */
/* The names of devices and their watchers. */
#include "device.h"

#include "util.h"

enum { SITES = 100 };

unsigned device_count(const struct options *options)
{
	return options->filters / options->matches;
}

static unsigned watchers(const struct options *options)
{
	return options->subscribers / options->matches;
}

unsigned device_filters(const struct options *options, unsigned subscriber)
{
	unsigned count = watchers(options), devices = device_count(options), own = subscriber % count;

	if (subscriber >= count * options->matches || own >= devices)
		return 0;
	return (devices - own + count - 1) / count;
}

static char *put_site(char *end, unsigned device)
{
	return put_text(put_number(put_text(end, "bench/d/"), device % SITES), "/");
}

char *device_put_filter(char *end, const struct options *options, unsigned subscriber, unsigned nth)
{
	unsigned count = watchers(options), device = subscriber % count + nth * count;

	switch (subscriber / count) {
	case 0: return device_put_topic(end, device);
	case 1: return put_text(put_number(put_site(end, device), device), "/+");
	case 2: return put_number(put_text(put_site(end, device), "+/s"), device);
	default: return put_text(put_number(put_site(end, device), device), "/#");
	}
}

char *device_put_topic(char *end, unsigned device)
{
	end = put_text(put_number(put_site(end, device), device), "/s");
	return put_number(end, device);
}
