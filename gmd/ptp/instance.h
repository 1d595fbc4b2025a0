/* SPDX-License-Identifier: BSD-2-Clause */
/* A PTP instance: the data sets and the ports that share them. The daemon and the simulator drive it with
 * frames, time stamps and "now"; what it wants to send is in each port's outbox. Pure. */
#ifndef GMD_PTP_INSTANCE_H
#define GMD_PTP_INSTANCE_H

#include "bmca/decision.h"
#include "gmd/ptp/port.h"
#include "gmd/ptp/service.h"

#define INSTANCE_PORTS_MAX 8

/* One state change of one port, for the log. */
struct port_transition {
    uint16_t port;
    enum port_state from, to;
    enum port_event event;
    enum decision_code decision; /* with RS_ events */
};
#define INSTANCE_TRANSITIONS 32

struct instance {
    struct default_ds default_ds;
    struct time_properties own_time_properties;
    struct parent_ds parent_ds; /* of the present master, possibly this clock itself */
    struct time_properties time_properties;
    uint16_t steps_removed; /* 0: this clock is the grandmaster */
    bool may_serve; /* false until there is a time worth serving: recommended MASTER is held at LISTENING */
    int64_t decision_due_ns, decision_interval_ns; /* the state decision runs at least so often */
    unsigned port_count;
    struct port ports[INSTANCE_PORTS_MAX];
    struct service *service;
    bool withdrawn_for_good; /* see instance_withdraw */
    /* ring of the latest transitions: the owner reads those numbered from its own count on */
    struct port_transition transitions[INSTANCE_TRANSITIONS];
    uint64_t transition_count;
};

/* ds->number_ports is set by instance_add_port. service: initialised; outlives the instance. */
void instance_init(struct instance *in, const struct default_ds *ds, struct service *service);

/* Adds a port that sends into outbox; it starts in INITIALIZING, link down. Returns the port's index. At most
 * INSTANCE_PORTS_MAX. seed: of the randomised announce receipt timeout; must differ between clocks. */
unsigned instance_add_port(struct instance *in, const struct port_config *config, struct outbox *outbox,
                           uint64_t seed, int64_t now_ns);

/* Quality and time properties from the discipline, new or not; decides anew. */
void instance_set_quality(struct instance *in, const struct clock_quality *quality,
                          const struct time_properties *tp, bool may_serve, int64_t now_ns);

/* Link or socket came up (INITIALIZING/FAULTY/DISABLED -> LISTENING) or went down (-> FAULTY). */
void instance_link(struct instance *in, unsigned port, bool up, int64_t now_ns);

/* Each of these may put frames into the outboxes: the owner sends them before anything else. `port` is the
 * index that instance_add_port gave. */
void instance_receive(struct instance *in, unsigned port, const struct frame_in *f, int64_t now_ns);
void instance_tx_timestamp(struct instance *in, unsigned port, uint32_t token, int64_t timestamp_ns);
void instance_tx_unstamped(struct instance *in, unsigned port, uint32_t token);
void instance_tick(struct instance *in, int64_t now_ns);
/* When instance_tick has something to do next, monotonic; INT64_MAX without ports. */
int64_t instance_deadline(const struct instance *in);

/* When the next Sync to everybody is due, monotonic ns; INT64_MAX: none is. */
int64_t instance_sync_due(const struct instance *in);

/* Ends what was granted and grants nothing any more: the end is near. unicast_settled(&in->service->unicast)
 * tells when the clients know. */
void instance_withdraw(struct instance *in, int64_t now_ns);

/* The Announce that the port would send now, for gmd --check and for the port itself. */
void instance_announce(const struct instance *in, const struct port *p, struct ptp_message *m);

/* True while at least one port is MASTER. */
bool instance_is_master(const struct instance *in);

#endif
