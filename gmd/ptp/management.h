/* SPDX-License-Identifier: BSD-2-Clause */
/* Management messages (IEEE 1588-2008/2019 clause 15): requests in, answers out. Pure. What is shown is read
 * from the instance; nothing of it can be set: quality follows from the discipline's state and configuration
 * from gmd.conf. The *_NP ids are linuxptp's, as pmc, phc2sys and monitoring built on them use them. */
#ifndef GMD_PTP_MANAGEMENT_H
#define GMD_PTP_MANAGEMENT_H

#include "gmd/ptp/instance.h"
#include "gmd/ptp/management_subscribers.h"

/* clause 15.5.2.3, table 59; linuxptp's from 0xC000 on */
enum management_id {
    MANAGEMENT_NULL_MANAGEMENT = 0x0000,
    MANAGEMENT_CLOCK_DESCRIPTION = 0x0001,
    MANAGEMENT_USER_DESCRIPTION = 0x0002,
    MANAGEMENT_DEFAULT_DATA_SET = 0x2000,
    MANAGEMENT_CURRENT_DATA_SET = 0x2001,
    MANAGEMENT_PARENT_DATA_SET = 0x2002,
    MANAGEMENT_TIME_PROPERTIES_DATA_SET = 0x2003,
    MANAGEMENT_PORT_DATA_SET = 0x2004,
    MANAGEMENT_PRIORITY1 = 0x2005,
    MANAGEMENT_PRIORITY2 = 0x2006,
    MANAGEMENT_DOMAIN = 0x2007,
    MANAGEMENT_SLAVE_ONLY = 0x2008,
    MANAGEMENT_LOG_ANNOUNCE_INTERVAL = 0x2009,
    MANAGEMENT_ANNOUNCE_RECEIPT_TIMEOUT = 0x200A,
    MANAGEMENT_LOG_SYNC_INTERVAL = 0x200B,
    MANAGEMENT_VERSION_NUMBER = 0x200C,
    MANAGEMENT_CLOCK_ACCURACY = 0x2010,
    MANAGEMENT_UTC_PROPERTIES = 0x2011,
    MANAGEMENT_TRACEABILITY_PROPERTIES = 0x2012,
    MANAGEMENT_TIMESCALE_PROPERTIES = 0x2013,
    MANAGEMENT_DELAY_MECHANISM = 0x6000,
    MANAGEMENT_LOG_MIN_PDELAY_REQ_INTERVAL = 0x6001,
    MANAGEMENT_TIME_STATUS_NP = 0xC000,
    MANAGEMENT_GRANDMASTER_SETTINGS_NP = 0xC001,
    MANAGEMENT_PORT_DATA_SET_NP = 0xC002,
    MANAGEMENT_SUBSCRIBE_EVENTS_NP = 0xC003,
    MANAGEMENT_PORT_PROPERTIES_NP = 0xC004,
    MANAGEMENT_PORT_STATS_NP = 0xC005,
    MANAGEMENT_PORT_SERVICE_STATS_NP = 0xC007,
    MANAGEMENT_PORT_HWCLOCK_NP = 0xC009, /* asked for by phc2sys and ts2phc from linuxptp 4 on */
};

/* clause 15.4.1.6, table 57 */
enum management_action {
    MANAGEMENT_GET,
    MANAGEMENT_SET,
    MANAGEMENT_RESPONSE,
    MANAGEMENT_COMMAND,
    MANAGEMENT_ACKNOWLEDGE,
};

/* clause 15.5.4.2, table 109 (72 in 2008) */
enum management_error {
    MANAGEMENT_NO_ERROR = 0, /* not on the wire */
    MANAGEMENT_RESPONSE_TOO_BIG = 0x0001,
    MANAGEMENT_NO_SUCH_ID = 0x0002,
    MANAGEMENT_WRONG_LENGTH = 0x0003,
    MANAGEMENT_WRONG_VALUE = 0x0004,
    MANAGEMENT_NOT_SETABLE = 0x0005,
    MANAGEMENT_NOT_SUPPORTED = 0x0006,
    MANAGEMENT_GENERAL_ERROR = 0xFFFE,
};

/* What the answers show of one port, beyond the instance's own data. */
struct management_port {
    const char *interface;
    uint8_t mac[6];
    struct address address; /* that PTP is served from; ADDRESS_NONE: unknown */
    int phc_index;          /* -1: none */
    bool hardware_stamping;
};

/* Everything that answers are made of. */
struct management_view {
    const struct instance *instance;
    const struct management_port *ports; /* as many as the instance has */
    const char *product;                 /* "manufacturer;model;instance", clause 15.5.3.1.1 */
    const char *revision;                /* "hardware;firmware;software" */
    const char *user_description;        /* "name;location", clause 15.5.3.1.2 */
    uint8_t profile_identity[6];         /* clause 20.3.3 */
};

/* Who asks. */
struct management_source {
    const struct management_peer *local; /* over the UNIX socket, and may subscribe; NULL: over the network */
    uint16_t port;                       /* ours, that the request came in by; 0: the UNIX socket */
    bool unicast;                        /* the network's request was not multicast */
    int64_t now_ns;                      /* monotonic */
};

/* Every message that is given to management_open is counted once in received, and once more if it is not
 * answered with data. */
struct management_counters {
    uint64_t received;
    uint64_t malformed;   /* the codec refused it, or it has no management TLV */
    uint64_t not_for_us;  /* another domain, sdoId or clock */
    uint64_t not_request; /* answers of others, reserved actions, TLVs that are no management */
    uint64_t refused;     /* answered with MANAGEMENT_ERROR_STATUS */
    uint64_t limited;     /* not looked at: too many from the network */
    uint64_t unanswered;  /* the answer could not be sent */
};

/* One request while it is being answered. The bytes and the source must stay until then. */
struct management_request {
    struct ptp_message message;
    const struct management_source *source;
    struct management_subscribers *subscribers;
    uint16_t id;
    const uint8_t *data; /* of the management TLV, behind the id */
    size_t data_len;
    enum management_error error;
    bool clock_wide;     /* one answer of the whole clock */
    unsigned next, last; /* else one of each port: numbers still to be answered for */
};

/* Takes a message apart, decides, and carries out what is to be done (a subscription, nothing else). True if
 * answers are to be fetched. */
bool management_open(struct management_request *r, const uint8_t *bytes, size_t len,
                     const struct management_source *source, const struct management_view *v,
                     struct management_subscribers *subscribers, struct management_counters *c);

/* Encodes the next answer into buf: its length, or 0 after the last. size: MANAGEMENT_BYTES_MAX suffices. */
size_t management_next(struct management_request *r, const struct management_view *v, uint8_t *buf,
                       size_t size);
#define MANAGEMENT_BYTES_MAX 1024

/* What a subscriber is told of an event: PORT_DATA_SET of the port with this number, or PARENT_DATA_SET.
 * Returns the length; the subscriber's sequenceId moves on. */
size_t management_notification(struct management_subscriber *s, enum management_event event, uint16_t port,
                               const struct management_view *v, uint8_t *buf, size_t size);

/* The network's requests may be answered at MANAGEMENT_RATE per second and port, MANAGEMENT_BURST at once.
 * *busy_until_ns belongs to the port, and starts at 0 or any time past. */
#define MANAGEMENT_RATE  50
#define MANAGEMENT_BURST 100
bool management_admit(int64_t *busy_until_ns, int64_t now_ns);

#endif
