/* SPDX-License-Identifier: BSD-2-Clause */
/* The vocabulary of IEEE 1588: identities, qualities, states. Plain values, no behaviour.
 * Clauses are those of IEEE 1588-2019. */
#ifndef GMD_BMCA_PTP_H
#define GMD_BMCA_PTP_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_S 1000000000LL

/* clause 5.3.4 */
struct clock_identity {
    uint8_t id[8];
};

/* clause 5.3.5 */
struct port_identity {
    struct clock_identity clock;
    uint16_t port;
};

/* clause 5.3.7 */
struct clock_quality {
    uint8_t clock_class;                 /* table 4 */
    uint8_t clock_accuracy;              /* table 5; 0x20..0x31, 0xFE unknown */
    uint16_t offset_scaled_log_variance; /* clause 7.6.3.3 */
};

/* timePropertiesDS, clause 8.2.4 */
struct time_properties {
    int16_t current_utc_offset; /* TAI - UTC, seconds */
    bool current_utc_offset_valid;
    bool leap59;
    bool leap61;
    bool time_traceable;
    bool frequency_traceable;
    bool ptp_timescale;
    uint8_t time_source; /* enum time_source */
};

/* table 6 */
enum time_source {
    TIME_SOURCE_ATOMIC_CLOCK = 0x10,
    TIME_SOURCE_GNSS = 0x20,
    TIME_SOURCE_TERRESTRIAL_RADIO = 0x30,
    TIME_SOURCE_SERIAL_TIME_CODE = 0x39,
    TIME_SOURCE_PTP = 0x40,
    TIME_SOURCE_NTP = 0x50,
    TIME_SOURCE_HAND_SET = 0x60,
    TIME_SOURCE_OTHER = 0x90,
    TIME_SOURCE_INTERNAL_OSCILLATOR = 0xA0,
};

enum {
    CLOCK_CLASS_LOCKED = 6,
    CLOCK_CLASS_HOLDOVER = 7,
    CLOCK_CLASS_DEGRADED_A = 52,  /* never slaves */
    CLOCK_CLASS_DEGRADED_B = 187, /* may slave */
    CLOCK_CLASS_DEFAULT = 248,
    CLOCK_CLASS_SLAVE_ONLY = 255,
    CLOCK_ACCURACY_UNKNOWN = 0xFE,
    OFFSET_SCALED_LOG_VARIANCE_UNKNOWN = 0xFFFF,
};

/* table 20 */
enum port_state {
    PORT_INITIALIZING = 1,
    PORT_FAULTY = 2,
    PORT_DISABLED = 3,
    PORT_LISTENING = 4,
    PORT_PRE_MASTER = 5,
    PORT_MASTER = 6,
    PORT_PASSIVE = 7,
    PORT_UNCALIBRATED = 8,
    PORT_SLAVE = 9,
};

enum delay_mechanism {
    DELAY_MECHANISM_E2E = 1,
    DELAY_MECHANISM_P2P = 2,
};

/* defaultDS, clause 8.2.1, as far as a grandmaster uses it */
struct default_ds {
    struct clock_identity clock_identity;
    struct clock_quality clock_quality;
    uint16_t number_ports;
    uint8_t priority1;
    uint8_t priority2;
    uint8_t domain_number;
    uint16_t sdo_id; /* 12 bits: majorSdoId << 8 | minorSdoId */
};

/* parentDS, clause 8.2.3 */
struct parent_ds {
    struct port_identity parent_port_identity;
    struct clock_identity grandmaster_identity;
    struct clock_quality grandmaster_clock_quality;
    uint8_t grandmaster_priority1;
    uint8_t grandmaster_priority2;
};

#endif
