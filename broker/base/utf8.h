/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as MQTT wants it: no surrogates, no overlong forms, nothing above U+10FFFF, no U+0000 [MQTT-1.5.4-1, -2]. */
#ifndef GH_BASE_UTF8_H
#define GH_BASE_UTF8_H

#include <gatehouse/types.h>

bool gh_utf8_valid(const void *p, size_t n);
/* Payload format indicator 1: U+0000 is allowed there. */
bool gh_utf8_valid_payload(const void *p, size_t n);
/* The first character (U+0000 too): its length in bytes; 0 (and *code_r untouched) when it isn't UTF-8 or n is 0. */
unsigned gh_utf8_decode(const uint8_t *p, size_t n, uint32_t *code_r);

#endif
