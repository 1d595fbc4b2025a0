/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock that gmd serves time from. A driver is a table of functions; every time that crosses this header
 * is TAI ns since the PTP epoch, whatever the device itself counts. */
#ifndef GMD_CLOCK_CLOCK_H
#define GMD_CLOCK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who took a raw time stamp. */
enum stamp {
    STAMP_SYSTEM,   /* CLOCK_REALTIME, ns since 1970, UTC: software time stamps, PPSAPI */
    STAMP_HARDWARE, /* the NIC's PHC, its own ns: hardware time stamps, external time stamps */
};

struct clock;

/* What check() found wrong with a clock, worst first. */
enum clock_trouble {
    CLOCK_WELL,
    CLOCK_GONE,      /* the device has vanished; it is opened again as soon as it is back */
    CLOCK_STOPPED,   /* stands still, or nearly */
    CLOCK_BACKWARDS, /* went back */
    CLOCK_JUMPED,
    CLOCK_STEERED, /* somebody else's frequency was in force: off by rate_ppb from ours */
    CLOCK_RATE,    /* ran rate_ppb off what its correction makes of it: the correction was lost */
};

struct clock_finding {
    enum clock_trouble trouble;
    int64_t displaced_ns;   /* by so much from where its oscillator and correction should have it ... */
    int64_t uncertainty_ns; /* ... give or take this; 0: not known */
    double rate_ppb;
    char what[128]; /* in plain words, what was seen and done */
};

struct clock_ops {
    const char *name; /* "logical", "system", "phc", "simulated" */
    /* Time now. */
    int (*read)(struct clock *c, int64_t *now_ns);
    /* What this clock showed (shows, will show shortly) when the raw stamp was taken. -EOPNOTSUPP if the
     * clock has no relation to that kind of stamp. */
    int (*convert)(struct clock *c, enum stamp kind, int64_t raw_ns, int64_t *clock_ns);
    /* Frequency correction, absolute against the undisciplined oscillator, in ppb; positive runs faster.
     * Clipped to max_freq_ppb. No phase jump. */
    int (*adjust)(struct clock *c, double freq_ppb);
    /* What this clock and CLOCK_REALTIME (UTC ns) showed at one instant, which is known to +-uncertainty_ns.
     * NULL where the clock is CLOCK_REALTIME or has no relation to it. */
    int (*compare)(struct clock *c, int64_t *clock_ns, int64_t *realtime_ns, int64_t *uncertainty_ns);
    /* Adds delta_ns at once. A PHC's driver may read, add and write: what that loses is measured and added.
     */
    int (*step)(struct clock *c, int64_t delta_ns);
    /* Compares the device with what was done to it, twice a second or so, before read(). 1: *finding tells
     * what is wrong (a lost or foreign frequency is already set again; the displacement is left to the
     * caller); 0: all is well; -errno: could not look. NULL where nothing can be found. */
    int (*check)(struct clock *c, struct clock_finding *finding);
    /* Its PHC's device has another name from now on (the interface came back). NULL without a PHC. */
    void (*follow)(struct clock *c, const char *device);
    void (*close)(struct clock *c);
};

/* Functions return 0 or -errno. None waits. A PHC that has vanished is opened again, with back-off, by the
 * calls themselves: until then they fail with -ENODEV. */
struct clock {
    const struct clock_ops *ops;
    double max_freq_ppb;
    double freq_ppb;      /* correction in force, as the device's resolution made it */
    dev_t phc;            /* the PHC whose stamps STAMP_HARDWARE means; 0: none */
    uint64_t retries;     /* calls that the device failed for a passing reason and that were made again */
    unsigned generation;  /* counts how often the device was opened again; phc may then be another */
    char description[96]; /* "logical clock on eth0's /dev/ptp0", for people */
};

/* The kernel's CLOCK_REALTIME steered by clock_adjtime; utc_offset_s: TAI-UTC to add. */
struct clock *clock_system_open(int utc_offset_s, char *error, int error_size);
void clock_system_set_utc_offset(struct clock *c, int utc_offset_s);

/* The device number of a PHC such as "/dev/ptp0"; 0 if it is no character device. */
dev_t clock_phc_number(const char *device);

/* A PTP hardware clock such as "/dev/ptp0", steered by clock_adjtime on the device; it counts TAI. NULL and
 * error also where it must not be steered: clock_phc_steerable() */
struct clock *clock_phc_open(const char *device, char *error, int error_size);

/* Whether a PHC may be steered; else why not, in plain words: no such device, max_adj 0, virtual clocks on
 * top of it, a driver that refuses. Where max_adj is not 0 the frequency in force is set anew to find out. */
bool clock_phc_steerable(const char *device, char *why, int why_size);

/* m * base + c on top of a clock that is only read (base->read and base->convert); takes base over and closes
 * it with itself. Nothing of base is ever adjusted. */
struct clock *clock_logical_open(struct clock *base, char *error, int error_size);

/* An oscillator model in front of a source of true time: what a real undisciplined clock would show.
 * true_now: ns TAI; offset_ns: error at the start; freq_ppb: its frequency error; drift_ppb_per_day;
 * wander_ppb: random walk per sqrt(s), seeded. Can be adjusted and stepped as a PHC can.
 * convert(STAMP_SYSTEM) takes true UTC ns (true time - utc_offset_s), convert(STAMP_HARDWARE) true TAI ns. */
struct oscillator_model {
    int64_t offset_ns;
    double freq_ppb;
    double drift_ppb_per_day;
    double wander_ppb;
    uint64_t seed;
};
typedef int64_t (*true_time_fn)(void *ctx);
struct clock *clock_simulated_open(const struct oscillator_model *model, true_time_fn true_now, void *ctx,
                                   int utc_offset_s, char *error, int error_size);
/* Somebody else sets the simulated clock behind gmd's back. */
void clock_simulated_disturb(struct clock *c, int64_t delta_ns);

/* For reading only, as a base: CLOCK_REALTIME + utc offset, or a PHC; never steered. The PHC is opened for
 * reading only, so that the kernel itself refuses whatever would change it. */
struct clock *clock_readonly_system_open(int utc_offset_s, char *error, int error_size);
struct clock *clock_readonly_phc_open(const char *device, char *error, int error_size);

#endif
