# SPDX-License-Identifier: BSD-2-Clause
"""What no program can beat: the error of the best linear predictor that knows every level of the simulated
oscillator and receiver, but not the room's phase of the day, the sign of the ageing or the noise to come.

State x = phase; walk of frequency; ageing; daily sine and cosine; ten Markov processes (flicker); the receiver's wander.
x grows by F x + noise of covariance Q in each step, a pulse shows phase + wander + white noise R, so the covariance of what the
predictor misses by is P := F P F' + Q, then P - P h' (h P h' + R)^-1 h P with each step's mean pulse, whatever the pulses were (Kalman, "A
new approach to linear filtering and prediction problems", 1960). The median of |error| after t is 0.6745 sqrt(P_phase(t))."""
import math

DAY = 86400.0
STEP = 60.0
AVERAGES = (1, 100, 1000)
MARKOV = [4.0 ** k for k in range(10)]
PHASE, WALK, AGEING, SINE, COSINE, FLICKER, WANDER = 0, 1, 2, 3, 4, 5, 15
STATES = 16

# ppb: Allan deviation at 1, 100, 1000 s; ageing a day; amplitude of the day (gmd/simulate/README.md)
OSCILLATORS = {"tcxo": (0.18, 0.43, 1.4, 3, 20), "ocxo": (0.012, 0.011, 0.029, 0.5, 0.4),
               "ocxo-hq": (0.0033, 0.0017, 0.0031, 0.05, 0.04), "rubidium": (0.03, 0.003, 0.001, 0.0017, 0.004),
               "nic": (2.52, 2.98, 11.7, 10, 200)}
# ns: white, sawtooth, stamps' resolution, wander and its time constant
PULSES = {"f9t": (0.2, 0, 0, 3, 3400), "plain": (20, 0, 0, 0, 600), "reference": (10, 10, 8, 5, 600)}


def markov_variance(tau, m):
    """Allan variance at m seconds of a Markov process of variance 1 in steps of 1 s."""
    keep = math.exp(-1 / tau)
    end, gap = keep ** m, 1 - keep
    return (m + 2 * (keep * m / gap - keep * (1 - end) / gap ** 2)) / m ** 2 - keep * (1 - end) ** 2 / (gap * m) ** 2


def solve(a, b):
    """Gauss's elimination."""
    rows = [list(r) + [v] for r, v in zip(a, b)]
    for k, pivot in enumerate(rows):
        for row in rows:
            if row is not pivot:
                factor = row[k] / pivot[k]
                row[:] = [x - factor * y for x, y in zip(row, pivot)]
    return [row[-1] / row[k] for k, row in enumerate(rows)]


def levels(name):
    """Variances of white, each Markov process, and walk. A negative one is left out, and 1 and 1000 s are met."""
    *adev, ageing, day = OSCILLATORS[name]
    a = [[1 / m, sum(markov_variance(tau, m) for tau in MARKOV), (2 * m * m + 1) / (6 * m)] for m in AVERAGES]
    b = [d ** 2 - day ** 2 * math.sin(math.pi * m / DAY) ** 4 / (math.pi * m / DAY) ** 2 - (ageing / DAY * m) ** 2 / 2
         for d, m in zip(adev, AVERAGES)]
    found = solve(a, b)
    for k in (0, 1):
        if found[k] < 0:
            other, found[k] = 1 - k, 0
            found[other], found[2] = solve([[a[i][other], a[i][2]] for i in (0, 2)], [b[0], b[2]])
    return [max(v, 0) for v in found]


def passage(dt, noise, wander, wander_tau):
    """F as {row: {column: factor}} of what is not 0, and Q."""
    white, flicker, walk = noise
    angle = 2 * math.pi * dt / DAY
    f = {i: {i: 1.0} for i in range(STATES)}
    f[PHASE].update({WALK: dt, AGEING: dt * dt / 2, SINE: math.sin(angle) * dt / angle, COSINE: (1 - math.cos(angle)) * dt / angle})
    f[WALK][AGEING] = dt
    f[SINE] = {SINE: math.cos(angle), COSINE: math.sin(angle)}
    f[COSINE] = {SINE: -math.sin(angle), COSINE: math.cos(angle)}
    q = {(PHASE, PHASE): white * dt + walk * dt ** 3 / 3, (PHASE, WALK): walk * dt ** 2 / 2, (WALK, WALK): walk * dt}
    for k, tau in enumerate(MARKOV):
        i, keep = FLICKER + k, math.exp(-dt / tau)
        f[PHASE][i], f[i][i] = tau * (1 - keep), keep
        q[i, i] = flicker * (1 - keep ** 2)
        q[PHASE, i] = flicker * tau * (1 - keep) ** 2
        q[PHASE, PHASE] += 2 * flicker * tau * (dt - 2 * tau * (1 - keep) + tau / 2 * (1 - keep ** 2))
    f[WANDER][WANDER] = math.exp(-dt / wander_tau)
    q[WANDER, WANDER] = wander ** 2 * (1 - f[WANDER][WANDER] ** 2)
    return f, q


def carry(p, f, q):
    half = [[sum(v * p[j][c] for j, v in f[r].items()) for c in range(STATES)] for r in range(STATES)]
    p = [[sum(v * half[r][j] for j, v in f[c].items()) for c in range(STATES)] for r in range(STATES)]
    for (r, c), v in q.items():
        p[r][c] += v
        if r != c:
            p[c][r] += v
    return p


def medians(name, pulses, lock_s, after_s):
    """Median |error|, ns, so many seconds after lock_s seconds of pulses."""
    noise = levels(name)
    white, sawtooth, resolution, wander, tau = PULSES[pulses]
    r = (white ** 2 + sawtooth ** 2 / 3 + resolution ** 2 / 12) / STEP
    p = [[0.0] * STATES for _ in range(STATES)]
    *_, ageing, day = OSCILLATORS[name]
    for i, v in {PHASE: 1e10, WALK: 1e5, AGEING: (ageing / DAY) ** 2, SINE: day ** 2 / 2, COSINE: day ** 2 / 2, WANDER: wander ** 2,
                 **{FLICKER + k: noise[1] for k in range(len(MARKOV))}}.items():
        p[i][i] = v
    f, q = passage(STEP, noise, wander, tau)
    for _ in range(int(lock_s / STEP)):
        p = carry(p, f, q)
        g = [row[PHASE] + row[WANDER] for row in p]
        s = g[PHASE] + g[WANDER] + r
        p = [[p[i][j] - g[i] * g[j] / s for j in range(STATES)] for i in range(STATES)]
    return [0.6745 * math.sqrt(carry(p, *passage(t, noise, wander, tau))[PHASE][PHASE]) for t in after_s]
