/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The bed's hardware: Ethernet ports on one hub, each with a PTP hardware clock (PHC); GNSS receivers whose
 * pulses reach the pins of every port and /dev/pps; and true time, by which all of it is judged.
 *
 * True time is CLOCK_MONOTONIC_RAW plus a constant. Every stamp is computed from the one instant of its
 * event, so that the emulation adds no noise of its own. */
#ifndef BED_H
#define BED_H

#include <linux/hrtimer.h>
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/prandom.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#define BED_PORTS_MAX 6
#define BED_RECEIVERS 2 /* receiver r is wired to pin r of every port and to the r-th PPS device */
#define BED_CHANNELS  2
#define BED_STAMPS    64 /* transmit stamps on their way, and receive stamps referred to, per port */

/* --- clock.c: what a clock shows, by its oscillator and what was done to it --- */

#define RATE_SHIFT 44 /* rates are fractions of 2^44, phases ns of 2^44 */

struct clock_model {
    s64 raw0; /* CLOCK_MONOTONIC_RAW of the phase */
    __int128 phase;
    s64 oscillator, adjustment; /* rates */
};

/* Everything here is called with bed_lock held. */
s64 clock_at(const struct clock_model *c, s64 raw_ns);
void clock_set(struct clock_model *c, s64 raw_ns, s64 shown_ns);
void clock_shift(struct clock_model *c, s64 raw_ns, s64 delta_ns);
void clock_adjust(struct clock_model *c, s64 raw_ns, s64 scaled_ppm);
void clock_oscillate(struct clock_model *c, s64 raw_ns, s64 rate);
s64 rate_of_ppt(s64 ppt); /* 1 ppt = 1e-12 */

/* --- ports --- */

/* What a test sets (debugfs portN/NAME), all s64. */
struct port_knobs {
    s64 osc_ppt, wander_ppt;                /* oscillator's frequency error; its random walk per sqrt(s) */
    s64 wander_seed;                        /* ports with the same one wander alike */
    s64 link, reset;                        /* carrier; what is lost when it goes: enum port_reset */
    s64 max_adj, refuse;                    /* ppb; every call that changes the PHC fails */
    s64 read_fail, adjust_fail, fail_errno; /* so many calls fail, with this error */
    s64 step_ns;                            /* somebody else's step, once */
    s64 gone;                               /* the PHC is no device any more */
    s64 both_edges;                         /* external time stamps of both: enum port_edges */
    s64 stale;                              /* so many external time stamps of long ago come at once */
    s64 cable_ns, ingress_ns;               /* to the hub, both ways; more for what comes in (asymmetry) */
    s64 rx_jitter_ns, tx_jitter_ns;         /* of the stamps, one sigma */
    s64 rx_reference;                       /* what comes in bears a reference to its stamp, not the stamp */
    s64 loss_permille;                      /* frames that do not arrive */
    s64 tx_ns;                              /* a transmit stamp takes so long to come */
    s64 tx_lost_permille, tx_late_permille, tx_late_ns, tx_twice_permille;
    s64 onestep; /* offers HWTSTAMP_TX_ONESTEP_SYNC */
    s64 filters; /* receive filters that exist, bits of 1 << HWTSTAMP_FILTER_* */
};

/* EDGES_REFUSED: and says so, as igb does: no request that is to be taken strictly */
enum port_edges { EDGES_ASKED_FOR, EDGES_ALWAYS, EDGES_REFUSED };

enum port_reset { RESET_CLOCK = 1, RESET_EXTTS = 2, RESET_STAMPING = 4 };

/* What happened (debugfs portN/counters), all u64, in the order of port_counter_names. */
struct port_counters {
    u64 adjfine, adjtime, settime, refused, failed, reads;
    u64 tx, rx, rx_lost;
    u64 stamps, stamps_lost, stamps_late, stamps_twice, stamps_overrun, onestep;
    u64 extts, extts_stale, resets;
};

struct pending_stamp {
    struct hrtimer timer;
    struct sk_buff *skb; /* NULL: free */
    s64 stamp_ns;
    bool twice;
};

struct port {
    struct net_device *dev;
    unsigned int index;
    struct clock_model clock;
    struct ptp_clock *ptp; /* NULL: gone */
    struct work_struct presence;
    struct ptp_clock_info info;
    struct ptp_pin_desc pins[BED_RECEIVERS];
    unsigned int extts[BED_CHANNELS]; /* PTP_*_EDGE; 0: off */
    struct hwtstamp_config stamping;
    struct port_knobs knobs;
    struct port_counters counters;
    struct rnd_state random, wander;
    struct pending_stamp pending[BED_STAMPS];
    s64 received[BED_STAMPS]; /* referred to by the last frames */
    unsigned int received_next;
    struct napi_struct napi; /* by which the kernel finds whom to ask for them */
};

extern spinlock_t bed_lock;
extern struct port *bed_ports[BED_PORTS_MAX];
extern unsigned int bed_port_count;

struct port *port_create(unsigned int index); /* port.c */
void port_reset(struct port *p);              /* bed_lock held */
void port_link(void *port);                   /* knob `link` was set */
bool port_filter_takes(const struct port *p, const struct sk_buff *skb);
int port_stamping(struct port *p, struct ifreq *request, bool set); /* stamping.c */

int phc_create(struct port *p);                               /* phc.c */
void phc_edge(struct port *p, int pin, s64 raw, bool rising); /* bed_lock held */
void phc_stale(void *port);                                   /* knob `stale` was set */
void phc_step(void *port);
void phc_gone(void *port);
void phc_oscillator(void *port);
void phc_wander_seed(void *port);
void phc_max_adj(void *port);
int truth_create(void); /* a PHC that shows true time */

void stamp_sent(struct port *p, struct sk_buff *skb, s64 raw); /* stamping.c; bed_lock held */
void stamp_received(struct port *p, struct sk_buff *skb, s64 raw);
ktime_t stamp_referred_to(struct net_device *dev, const struct skb_shared_hwtstamps *stamp, bool cycles);
void stamps_init(struct port *p);

/* --- frame.c: PTP messages in frames --- */

#define PTP_SYNC 0

struct ptp_message {
    u8 *header;   /* NULL: the frame holds none */
    int checksum; /* offset of the UDP checksum in the frame; 0: not UDP */
    bool ipv6, ethernet, event;
    u8 type;
};

struct ptp_message frame_parse(const struct sk_buff *skb);
/* Writes originTimestamp as hardware does on its way out. */
void frame_insert_stamp(struct ptp_message *m, struct sk_buff *skb, s64 tai_ns);

/* --- true time: truth.c --- */

s64 raw_now(void);
s64 true_of_raw(s64 raw_ns); /* TAI ns */
s64 raw_of_true(s64 tai_ns);
int utc_offset_at(s64 tai_ns); /* TAI-UTC, of the leap second too from its first instant on */
s64 leap_second(void);         /* when one begins, TAI ns; 0: none */
enum hrtimer_restart rearm(struct hrtimer *timer, s64 delay_ns); /* from a timer's function */
void truth_init(s64 utc_s, int utc_offset, s64 leap_utc_s);
/* Snapshot of the system clock and the raw one at one instant. */
void truth_now(s64 *raw_ns, s64 *real_ns);

/* --- record.c: every clock's error eight times a second, every frame with its true time --- */

int record_init(struct dentry *dir);
void record_sample(void);                              /* bed_lock held */
void record_frame(const struct sk_buff *skb, s64 raw); /* bed_lock held */
void record_clear(void *unused);

/* --- receiver.c --- */

struct receiver_knobs { /* debugfs receiverN/NAME */
    s64 on;
    s64 offset_ns, jitter_ns; /* constant; white, one sigma */
    s64 saw_ps, saw_drift_ps; /* period of the receiver's clock; how its phase drifts in a second */
    s64 width_ns;             /* of the pulse */
    s64 missing_permille;     /* pulses that do not come */
    s64 double_permille;      /* that come again */
    s64 double_ns;            /* so much later */
    s64 off_once_ns;          /* the next pulse only */
    s64 pps_latency_ns;       /* the interrupt is stamped so late by /dev/pps, and jitters by as much / 4 */
};

int receivers_init(struct dentry *dir);

/* --- knobs.c --- */

struct knob {
    const char *name;
    size_t at;                    /* of its s64 */
    void (*changed)(void *owner); /* after it was set; may be NULL */
};
#define KNOB(type, field, call)                                                                              \
    {                                                                                                        \
#field, offsetof(type, field), call                                                                  \
    }

/* A directory such as port0. */
struct dentry *knobs_dir(struct dentry *root, const char *kind, unsigned int index);
void knobs_create(struct dentry *dir, const struct knob *knobs, size_t count, void *values, void *owner);
void port_knobs_create(struct port *p, struct dentry *root);

/* --- random.c: seeded --- */

void random_seed(struct rnd_state *r, u32 stream);
bool random_permille(struct rnd_state *r, s64 permille);
s64 random_normal(struct rnd_state *r, s64 sigma);

#endif
