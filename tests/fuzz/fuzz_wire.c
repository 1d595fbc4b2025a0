/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target of the wire codec: what is accepted must encode to the same octets again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/ptp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_wire: %s\n", what);
    abort();
}

/* Blocks of exactly the asked size, so that the sanitizer sees each octet beyond. */
static uint8_t *exactly(size_t size)
{
    uint8_t *p = malloc(size);
    require(p != NULL, "no memory");
    return p;
}

/* The octets that the standard reserves: ignored on receipt, zero when sent. Stated apart from the codec. */
static void clear_reserved(uint8_t *message)
{
    switch (message[0] & 0xF) {
    case MSG_PDELAY_REQ:
        memset(message + 44, 0, 10);
        break;
    case MSG_ANNOUNCE:
        message[46] = 0;
        break;
    case MSG_MANAGEMENT:
        message[46] &= 0x0F;
        message[47] = 0;
        break;
    default:
        break;
    }
}

/* Walks the chain and builds it anew: must be the same octets, but for what is too short to be a TLV. */
static void check_chain(const uint8_t *suffix, size_t len)
{
    uint8_t *copy = exactly(len);
    size_t at = 0, copy_at = 0;
    struct tlv tlv;
    int more;
    while ((more = tlv_next(suffix, len, &at, &tlv)) > 0) {
        require(tlv_append(copy, len, &copy_at, tlv.type, tlv.value, tlv.length) == WIRE_OK, "append failed");
        require(copy_at == at, "append and walk disagree");
    }
    require(more == 0, "an accepted chain does not walk");
    require(len - at < 4, "a TLV was left out");
    require(memcmp(copy, suffix, at) == 0, "chain differs");
    free(copy);
}

static void check_accepted(const uint8_t *data, const struct ptp_message *m)
{
    size_t len = (size_t)data[2] << 8 | data[3];
    require(m->suffix + m->suffix_len == data + len, "suffix does not end with the message");

    uint8_t *expected = exactly(len);
    memcpy(expected, data, len);
    clear_reserved(expected);

    uint8_t *encoded = exactly(len);
    require(wire_encode(m, encoded, len - 1) == WIRE_SPACE, "encoded into too little space");
    require(wire_encode(m, encoded, len) == (int)len, "accepted, but does not encode");
    require(memcmp(encoded, expected, len) == 0, "encoded octets differ");

    struct ptp_message again;
    require(wire_decode(encoded, len, &again) == WIRE_OK, "own encoding is not accepted");
    require(wire_encode(&again, expected, len) == (int)len, "second encoding fails");
    require(memcmp(encoded, expected, len) == 0, "second encoding differs");
    require(wire_decode(encoded, len - 1, &again) == WIRE_TRUNCATED, "a cut message is accepted");

    check_chain(m->suffix, m->suffix_len);
    free(encoded);
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptp_message m;
    int error = wire_decode(data, size, &m);
    require(error <= WIRE_OK && error > WIRE_SPACE, "not a decoder's error");
    if (error == WIRE_OK)
        check_accepted(data, &m);
    return 0;
}
