"""The readable specification of the quote engine: pure Python, no I/O.

One module a phase of the plan, and one for what each phase replaced:

=================  ============================================================
module             what it specifies
=================  ============================================================
``config``         every parameter with its unit, default and source; the gates
``drift``          phase 1: Kalman filter of the drift, Ornstein-Uhlenbeck state
``inventory``      phase 2: gamma(q), the inventory skew, the kill guard
``flow``           phase 3: directional order flow, kappa multipliers
``glft``           phases 1-3 together: half-spread and touch depth
``expected_pnl``   phase 4: expected PnL of one level
``ladder``         levels, ticks and sizes
``legacy``         the six subsystems that the phases replace
``engine``         the quote cycle, which puts them together
``errors``         what bad input is answered with
=================  ============================================================

Units (U-1): prices in quote currency; depth, fee, adverse selection, carry and expected PnL in
basis points (bp) of mid; time in seconds, but ``t_ms`` in integer milliseconds; drift in bp/s;
variance of the drift in (bp/s)^2; sigma in bp/sqrt(s); gamma and kappa in 1/bp.

Ids such as D-01 name an entry of the register of decisions (``quotemark explain D-01``).
"""
