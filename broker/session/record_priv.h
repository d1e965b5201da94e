/* SPDX-License-Identifier: Apache-2.0 */
/* What the halves of record.h share. */
#ifndef GH_SESSION_RECORD_PRIV_H
#define GH_SESSION_RECORD_PRIV_H

#define GH_RECORD_FORM   1          /* the version of the form, of kinds that have had no other */
#define GH_RECORD_ID_MAX 268435455u /* of a subscription identifier */

#endif
