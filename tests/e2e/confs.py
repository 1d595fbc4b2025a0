# SPDX-License-Identifier: BSD-2-Clause
"""gmd.conf texts for end-to-end tests: a simulated sky over a bad simulated oscillator, unless told otherwise."""


def conf(
    profile="st2059-2",
    transport="udpv4",
    receiver='type = "simulated";',
    pulse='type = "simulated";',
    ptp="",
    port="",
    holdover="",
    simulation="",
    seed=1,
):
    return f"""
ptp: {{ profile = "{profile}"; {ptp} }};
clock: {{ type = "logical"; }};
receiver: {{ {receiver} }};
pulse: {{ {pulse} }};
holdover: {{ {holdover} }};
simulation: {{ oscillator = true; oscillator_ppb = 25000.0; oscillator_offset_s = 1.2; seed = {seed}; {simulation} }};
ports: ( {{ interface = "eth0"; transport = "{transport}"; timestamping = "software"; {port} }} );
"""
