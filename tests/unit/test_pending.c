/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the table of two-step messages that wait for their transmit timestamp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/pending.h"
#include "gmd/ptp/wire.h"

static uint32_t add(struct pending *p, uint8_t type, int64_t now_ns, unsigned expect_dropped)
{
    unsigned dropped = 99;
    struct pending_entry *e = pending_add(p, type, &dropped);
    assert_int_equal(dropped, expect_dropped);
    e->sent_ns = now_ns;
    return e->token;
}

static void takes_once(void **state)
{
    (void)state;
    struct pending p = {0};
    struct pending_entry e;
    uint32_t a = add(&p, MSG_SYNC, 0, 0), b = add(&p, MSG_PDELAY_RESP, 1, 0);
    assert_int_not_equal(a, b);
    assert_int_equal(pending_take(&p, b, &e), PENDING_TAKEN);
    assert_int_equal(e.message_type, MSG_PDELAY_RESP);
    assert_int_equal(pending_take(&p, b, &e), PENDING_DUPLICATED);
    assert_int_equal(pending_take(&p, b, &e), PENDING_DUPLICATED);
    assert_int_equal(pending_take(&p, a, &e), PENDING_TAKEN);
    assert_int_equal(e.message_type, MSG_SYNC);
    assert_int_equal(pending_take(&p, b + 1, &e), PENDING_UNKNOWN);
    assert_true(pending_deadline(&p, 10) == INT64_MAX);
}

static void expires_exactly(void **state)
{
    (void)state;
    struct pending p = {0};
    struct pending_entry e;
    uint32_t a = add(&p, MSG_SYNC, 100, 0), b = add(&p, MSG_SYNC, 105, 0);
    assert_int_equal(pending_deadline(&p, 10), 110);
    assert_int_equal(pending_expire(&p, 109, 10), 0);
    assert_int_equal(pending_expire(&p, 110, 10), 1);
    assert_int_equal(pending_deadline(&p, 10), 115);
    assert_int_equal(pending_take(&p, a, &e), PENDING_LATE);
    assert_int_equal(pending_take(&p, a, &e), PENDING_DUPLICATED); /* late only once */
    assert_int_equal(pending_take(&p, b, &e), PENDING_TAKEN);
}

static void full_drops_the_oldest(void **state)
{
    (void)state;
    struct pending p = {.next_token = PENDING_TOKENS - 3}; /* tokens wrap on the way */
    struct pending_entry e;
    uint32_t tokens[PENDING_MAX + 1];
    for (unsigned i = 0; i <= PENDING_MAX; i++)
        tokens[i] = add(&p, MSG_SYNC, i, i == PENDING_MAX);
    assert_int_equal(pending_take(&p, tokens[0], &e), PENDING_LATE);
    for (unsigned i = 1; i <= PENDING_MAX; i++)
        assert_int_equal(pending_take(&p, tokens[i], &e), PENDING_TAKEN);
}

static void peers_cannot_displace_sync(void **state)
{
    (void)state;
    struct pending p = {0};
    struct pending_entry e;
    uint32_t sync = add(&p, MSG_SYNC, 0, 0);
    for (unsigned i = 0; i < 1000; i++)
        add(&p, MSG_PDELAY_RESP, 0, i >= PENDING_MAX - PENDING_SYNC_ONLY);
    assert_int_equal(pending_take(&p, sync, &e), PENDING_TAKEN);
}

static void forgets_what_is_very_late(void **state)
{
    (void)state;
    struct pending p = {0};
    struct pending_entry e;
    uint32_t early = add(&p, MSG_SYNC, 0, 0);
    pending_expire(&p, 10, 10);
    for (unsigned i = 0; i < PENDING_HISTORY - 1; i++)
        pending_take(&p, add(&p, MSG_SYNC, 10, 0), &e);
    struct pending copy = p;
    assert_int_equal(pending_take(&copy, early, &e), PENDING_LATE);
    pending_take(&p, add(&p, MSG_SYNC, 10, 0), &e);
    assert_int_equal(pending_take(&p, early, &e), PENDING_UNKNOWN);
}

static void forgotten_is_neither_missing_nor_late(void **state)
{
    (void)state;
    struct pending p = {0};
    struct pending_entry e;
    uint32_t a = add(&p, MSG_SYNC, 0, 0), b = add(&p, MSG_SYNC, 0, 0);
    assert_true(pending_forget(&p, a));
    assert_false(pending_forget(&p, a));
    assert_int_equal(pending_expire(&p, 100, 10), 1);
    assert_int_equal(pending_take(&p, a, &e), PENDING_UNKNOWN);
    assert_int_equal(pending_take(&p, b, &e), PENDING_LATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_once),
        cmocka_unit_test(expires_exactly),
        cmocka_unit_test(full_drops_the_oldest),
        cmocka_unit_test(peers_cannot_displace_sync),
        cmocka_unit_test(forgets_what_is_very_late),
        cmocka_unit_test(forgotten_is_neither_missing_nor_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
