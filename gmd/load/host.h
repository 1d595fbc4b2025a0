/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator's own host: its interface, ARP for its clients' addresses, and its kernel, which must not
 * answer what is not for it. */
#ifndef GMD_LOAD_HOST_H
#define GMD_LOAD_HOST_H

#include "gmd/load/raw.h"
#include "gmd/load/settings.h"

struct load_host {
    int index; /* of the interface */
    uint8_t mac[6];
    uint32_t address;                      /* IPv4; 0: none */
    uint32_t first_address, address_count; /* that are answered for */
    struct raw arp;                        /* fd -1 on Ethernet */
    int listeners[2];                      /* of the kernel's UDP ports, or -1 */
};

/* 0, or -1 with error ("no such interface"). */
int load_host_open(struct load_host *h, const struct load_settings *s, char *error, int error_size);
void load_host_close(struct load_host *h);

/* Answers ARP for wait_ns, or until the first has come. */
void load_host_answer(struct load_host *h, int64_t wait_ns);

/* The MAC address of an IPv4 address; within a few seconds, or -1. */
int load_host_resolve(struct load_host *h, uint32_t address, uint8_t mac[6]);

#endif
