/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing and wiping secrets. */
#include <gatehouse/lib.h>
#include <string.h>

bool gh_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differing = 0;

	for (size_t i = 0; i < n; i++)
		differing |= (uint8_t)(x[i] ^ y[i]);
	return differing == 0;
}

void gh_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}
