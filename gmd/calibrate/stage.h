/* SPDX-License-Identifier: BSD-2-Clause */
/* Where gmd --calibrate takes place: network namespaces that end with their processes, a veth pair between
 * them, and which core receives for whom. All need root; each returns -1 with error filled in plain words. */
#ifndef GMD_CALIBRATE_STAGE_H
#define GMD_CALIBRATE_STAGE_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

struct stage_cores {
    cpu_set_t server, clients;
    int server_core;
    int count; /* that this process may run on; 1: server and clients share it */
};

/* The last core for the server, the others for its clients. */
int stage_cores(struct stage_cores *cores, char *error, int error_size);

/* This process enters a network of its own, and has a /sys that shows it and an empty /run. */
int stage_enter(char *error, int error_size);

/* A veth pair: near here, far in the network of the process, with this MAC address. */
struct stage_far {
    const char *name;
    pid_t process;
    uint8_t mac[6];
};
int stage_cable(const char *near, const struct stage_far *far, char *error, int error_size);

/* An IPv4 network, host order. */
struct stage_network {
    uint32_t address, mask;
};

/* Its address, and a kernel thread on these cores that receives for it, as interrupts do for a NIC. */
int stage_interface(const char *name, struct stage_network own, const cpu_set_t *cores, pid_t *thread,
                    char *error, int error_size);

/* By way of a neighbour whose MAC address is known for good: under load an answer to ARP may be lost. */
int stage_route(struct stage_network to, uint32_t gateway, const uint8_t mac[6], char *error, int error_size);

#endif
