/* SPDX-License-Identifier: BSD-2-Clause */
/* Hardware time stamping asked of drivers of every temper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>

#include "gmd/net/hwtstamp.h"

#define NONE     HWTSTAMP_FILTER_NONE
#define ALL      HWTSTAMP_FILTER_ALL
#define SOME     HWTSTAMP_FILTER_SOME
#define L4       HWTSTAMP_FILTER_PTP_V2_L4_EVENT
#define L2       HWTSTAMP_FILTER_PTP_V2_L2_EVENT
#define BOTH     HWTSTAMP_FILTER_PTP_V2_EVENT
#define SYNC     HWTSTAMP_FILTER_PTP_V2_L4_SYNC
#define OFF      HWTSTAMP_TX_OFF
#define ON       HWTSTAMP_TX_ON
#define ONE_STEP HWTSTAMP_TX_ONESTEP_SYNC

/* What is 0 is as in a simple and honest driver. -1 ends a list: 0 is HWTSTAMP_FILTER_NONE. */
struct driver {
    int get_error; /* of SIOCGHWTSTAMP, for drivers that cannot be asked */
    int set_error; /* for a filter that is not among these; 0: -ERANGE */
    int filters[4];
    int answer;    /* what it grants for any of them; 0: what it was asked for */
    int tx_answer; /* the same for tx_type */
    bool one_step;
    bool forgets;        /* grants and does nothing */
    int tx_type, filter; /* in force */
    int asked[4], count;
};

static bool offers(const struct driver *d, int filter)
{
    for (int i = 0; i < 4 && d->filters[i] >= 0; i++)
        if (d->filters[i] == filter)
            return true;
    return false;
}

static int driver_ioctl(void *ctx, unsigned long request, struct hwtstamp_config *c)
{
    struct driver *d = ctx;
    if (request == SIOCGHWTSTAMP) {
        if (d->get_error)
            return d->get_error;
        *c = (struct hwtstamp_config){.tx_type = d->tx_type, .rx_filter = d->filter};
        return 0;
    }
    assert_true(request == SIOCSHWTSTAMP);
    assert_int_equal(c->flags, 0);
    assert_true(d->count < 4);
    d->asked[d->count++] = c->rx_filter;
    if (!offers(d, c->rx_filter))
        return d->set_error ? d->set_error : -ERANGE;
    if (c->tx_type > (d->one_step ? ONE_STEP : ON))
        return -ERANGE;
    if (d->answer)
        c->rx_filter = d->answer;
    if (d->tx_answer)
        c->tx_type = d->tx_answer;
    if (!d->forgets) {
        d->tx_type = c->tx_type;
        d->filter = c->rx_filter;
    }
    return 0;
}

#define ANY                                                                                                  \
    {                                                                                                        \
        L4, L2, BOTH, ALL                                                                                    \
    }
#define PLAIN .set_error = -ERANGE, .answer = -1, .max_tx_type = ON, .tx_answer = -1
#define UDP                                                                                                  \
    {                                                                                                        \
        false, false                                                                                         \
    }
#define ETH                                                                                                  \
    {                                                                                                        \
        true, false                                                                                          \
    }
#define SINGLE                                                                                               \
    {                                                                                                        \
        false, true                                                                                          \
    }

static const struct {
    const char *name;
    struct hwtstamp_need need;
    struct driver driver;
    int result;
    int tx_type, filter; /* in force afterwards */
    int asked[4];        /* ends with -1 */
    const char *why;
} cases[] = {
    {"narrowest", UDP, {.filters = ANY}, 1, ON, L4, {L4, -1}, ""},
    {"narrowest, Ethernet", ETH, {.filters = ANY}, 1, ON, L2, {L2, -1}, ""},
    {"broader one offered", UDP, {.filters = {BOTH, ALL, -1}}, 1, ON, BOTH, {L4, BOTH, -1}, ""},
    {"only all", ETH, {.filters = {ALL, -1}}, 1, ON, ALL, {L2, BOTH, ALL, -1}, ""},
    {"refuses by EINVAL",
     UDP,
     {.set_error = -EINVAL, .filters = {ALL, -1}},
     1,
     ON,
     ALL,
     {L4, BOTH, ALL, -1},
     ""},
    {"grants all", UDP, {.filters = ANY, .answer = ALL}, 1, ON, ALL, {L4, -1}, ""},
    {"grants some", UDP, {.filters = ANY, .answer = SOME}, 1, ON, SOME, {L4, -1}, ""},
    {"cannot be asked back", UDP, {.filters = ANY, .get_error = -EOPNOTSUPP}, 1, ON, L4, {L4, -1}, ""},
    {"serves already", UDP, {.filters = ANY, .tx_type = ON, .filter = ALL}, 0, ON, ALL, {-1}, ""},
    {"serves already, Ethernet", ETH, {.filters = ANY, .tx_type = ON, .filter = BOTH}, 0, ON, BOTH, {-1}, ""},
    {"somebody else's filter is widened",
     UDP,
     {.filters = ANY, .tx_type = ON, .filter = L2},
     1,
     ON,
     BOTH,
     {BOTH, -1},
     ""},
    {"or lost, if there is no wider one",
     UDP,
     {.filters = {L4, L2, -1}, .tx_type = ON, .filter = L2},
     1,
     ON,
     L4,
     {BOTH, ALL, L4, -1},
     ""},
    {"somebody else's some may not be ours",
     UDP,
     {.filters = ANY, .tx_type = ON, .filter = SOME},
     1,
     ON,
     ALL,
     {ALL, -1},
     ""},
    {"received only", UDP, {.filters = ANY, .tx_type = OFF, .filter = ALL}, 1, ON, ALL, {ALL, -1}, ""},
    {"NTP beside",
     UDP,
     {.filters = ANY, .tx_type = ON, .filter = HWTSTAMP_FILTER_NTP_ALL},
     1,
     ON,
     ALL,
     {ALL, -1},
     ""},
    {"grants too little",
     UDP,
     {.filters = {L4, BOTH, -1}, .answer = SYNC},
     -ERANGE,
     ON,
     SYNC,
     {L4, BOTH, ALL, -1},
     "ptpv2-l4-event answered with ptpv2-l4-sync, ptpv2-event answered with ptpv2-l4-sync, all refused: "
     "Numerical result out of range"},
    {"grants and does nothing",
     UDP,
     {.filters = {L4, -1}, .forgets = true},
     -ERANGE,
     OFF,
     NONE,
     {L4, BOTH, ALL, -1},
     "ptpv2-l4-event answered with transmit stamps off, ptpv2-event refused: Numerical result out of range, "
     "all "
     "refused: Numerical result out of range"},
    {"has no such ioctl",
     ETH,
     {.filters = {-1}, .set_error = -EOPNOTSUPP, .get_error = -EOPNOTSUPP},
     -EOPNOTSUPP,
     OFF,
     NONE,
     {L2, BOTH, ALL, -1},
     "ptpv2-l2-event refused: Operation not supported, ptpv2-event refused: Operation not supported, all "
     "refused: Operation not supported"},
    {"not permitted: not asked again",
     UDP,
     {.filters = {-1}, .set_error = -EPERM},
     -EPERM,
     OFF,
     NONE,
     {L4, -1},
     "ptpv2-l4-event refused: Operation not permitted"},
    {"one-step",
     SINGLE,
     {.filters = ANY, .one_step = true, .tx_type = ON, .filter = L4},
     1,
     ONE_STEP,
     BOTH,
     {BOTH, -1},
     ""},
    {"one-step, in force",
     SINGLE,
     {.filters = ANY, .one_step = true, .tx_type = ONE_STEP, .filter = L4},
     0,
     ONE_STEP,
     L4,
     {-1},
     ""},
    {"one-step, not offered",
     SINGLE,
     {.filters = ANY},
     -ERANGE,
     OFF,
     NONE,
     {L4, BOTH, ALL, -1},
     "ptpv2-l4-event refused: Numerical result out of range, ptpv2-event refused: Numerical result out of "
     "range, "
     "all refused: Numerical result out of range"},
    {"one-step, two-step granted",
     SINGLE,
     {.filters = {L4, -1}, .one_step = true, .tx_answer = ON},
     -ERANGE,
     ON,
     L4,
     {L4, BOTH, ALL, -1},
     "ptpv2-l4-event answered with transmit stamps on, ptpv2-event refused: Numerical result out of range, "
     "all "
     "refused: Numerical result out of range"},
    {"two-step after somebody's one-step",
     UDP,
     {.filters = ANY, .tx_type = ONE_STEP, .filter = BOTH},
     1,
     ON,
     BOTH,
     {BOTH, -1},
     ""},
};

static void drivers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver d = cases[i].driver;
        char why[256] = "";
        print_message("%s\n", cases[i].name);
        assert_int_equal(hwtstamp_negotiate(&cases[i].need, driver_ioctl, &d, why, sizeof(why)),
                         cases[i].result);
        assert_int_equal(d.tx_type, cases[i].tx_type);
        assert_int_equal(d.filter, cases[i].filter);
        int count = 0;
        for (; cases[i].asked[count] >= 0; count++)
            assert_int_equal(d.asked[count], cases[i].asked[count]);
        assert_int_equal(d.count, count);
        if (cases[i].result < 0)
            assert_string_equal(why, cases[i].why);
    }
}

/* The complaint is cut where the buffer ends, wherever that is. */
static void complaint_is_bounded(void **state)
{
    (void)state;
    const struct hwtstamp_need need = UDP;
    char why[300];
    for (int size = 1; size < 200; size++) {
        struct driver d = {.filters = {-1}};
        memset(why, 'x', sizeof(why));
        assert_int_equal(hwtstamp_negotiate(&need, driver_ioctl, &d, why, size), -ERANGE);
        assert_true((int)strnlen(why, sizeof(why)) < size);
        assert_int_equal(why[size], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drivers),
        cmocka_unit_test(complaint_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
