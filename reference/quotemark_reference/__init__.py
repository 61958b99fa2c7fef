"""The readable specification of the quote engine: pure Python, no I/O.

One module an idea, and one for what the phases replaced:

=================  ============================================================
module             what it specifies
=================  ============================================================
``config``         every parameter with its unit, default and source; the gates
``drift``          phase 1: Kalman filter of the drift, Ornstein-Uhlenbeck state
``inventory``      phase 2: gamma(q), the inventory skew, the kill guard
``flow``           phase 3: directional order flow, kappa multipliers
``glft``           phases 1-3 together: half-spread and touch depth
``expected_pnl``   phase 4: expected PnL of one level
``adaptation``     phase 5: theta and process noise, by own-fill markouts
``funding``        phase 6: carry, funding skew, and what the rate says
``book``           phase 7: book imbalance, its slope, pressure gradient
``sweep``          phase 7: own fills that crossed several levels
``hawkes``         phase 8: self-exciting intensities of buys and sells
``fill_size``      phase 8: own fill sizes against their baseline
``cross_venue``    phase 8: spot-perp basis, lead of another asset
``volatility``     phase 8: term structure of sigma, tails
``open_interest``  phase 8: the source that plugs in
``returns``        log returns per cycle and their moments
``sources``        phases 6-8 together: what moves the drift, tier by tier
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
