/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/report_value.h"

#include <math.h>
#include <stdio.h>

void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value ? value : json_null());
}

json_t *printable(const char *text)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    text_make_printable(copy);
    return json_string(copy);
}

json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *unsigned64(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *bound(const struct discipline_status *s)
{
    return s->bound_ns < BOUND_UNKNOWN_NS ? json_real(s->bound_ns) : json_null();
}

json_t *age(int64_t then_ns, int64_t now_ns)
{
    return then_ns == INT64_MIN ? json_null() : json_real(round((double)(now_ns - then_ns) / 1e6) / 1e3);
}

json_t *known(int value)
{
    return value < 0 ? json_null() : json_integer(value);
}

json_t *hex8(unsigned value)
{
    char text[8];
    snprintf(text, sizeof text, "0x%02X", value);
    return json_string(text);
}

json_t *identity(const struct clock_identity *id)
{
    char text[PORT_IDENTITY_STRLEN];
    return json_string(clock_identity_format(id, text));
}

json_t *port_id(const struct port_identity *id)
{
    char text[PORT_IDENTITY_STRLEN];
    return json_string(port_identity_format(id, text));
}

json_t *quality(const struct clock_quality *q)
{
    return json_pack("{s:i, s:o, s:i}", "clock_class", q->clock_class, "clock_accuracy",
                     hex8(q->clock_accuracy), "offset_scaled_log_variance", q->offset_scaled_log_variance);
}

uint64_t sum(const uint64_t *counts, int n)
{
    uint64_t total = 0;
    for (int i = 0; i < n; i++)
        total += counts[i];
    return total;
}
