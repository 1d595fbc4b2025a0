/* SPDX-License-Identifier: BSD-2-Clause */
/* The portIdentities of a generator's clients: which of its clients an answer is for can be told from the
 * identity itself, by the kernel's filter too. Pure. */
#ifndef GMD_LOAD_IDENTITY_H
#define GMD_LOAD_IDENTITY_H

#include "bmca/ptp.h"

enum identity_kind {
    IDENTITY_GOOD = 0x02, /* first octets, locally administered */
    IDENTITY_ABUSER = 0x06,
    IDENTITY_FORGED = 0x0A,
};

/* The first four octets of the clockIdentity as a number, and which bits of it all of a kind share. tag tells
 * generators on one network apart. */
struct identity_prefix {
    uint32_t value, mask;
};
struct identity_prefix identity_prefix(enum identity_kind kind, uint16_t tag);

/* Client number index of its kind. Octets 4 to 7 are index as a number, but for forged ones, which are as
 * good as random. */
struct port_identity identity_make(enum identity_kind kind, uint16_t tag, uint32_t index);

/* True with *index if id is of this kind and tag; forged ones have no index. */
bool identity_index(const struct port_identity *id, enum identity_kind kind, uint16_t tag, uint32_t *index);

#endif
