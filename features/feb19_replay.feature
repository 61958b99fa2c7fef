@phase_1 @phase_2 @phase_3 @phase_4
Feature: Feb 19 - a long position built into a bearish trend
  On Feb 19, 2026 a market maker bought 7.40 contracts while every trend reading was bearish, and
  lost 0.84. The session is reconstructed: its twelve fills and their mids are recorded, the mid
  between them is interpolated and at six cycles fitted. How far the aggressors would have gone
  beyond their recorded price is unknown, so what is claimed must hold at 0, 1 and 3 bp.

  Background:
    Given the reconstructed session of Feb 19

  Scenario Outline: What was running took all twelve fills
    When legacy:deployed replays it with aggressors reaching <reach> bp further
    Then it takes the twelve recorded fills, each at its moment, side, size and price
    And it ends with a position of +6.94 and a PnL of -0.84

    Examples:
      | reach |
      | 0     |
      | 1     |
      | 3     |

  Scenario Outline: Phase 1 alone would have held the position down
    When the engine replays it with phase 1 alone and aggressors reaching <reach> bp further
    Then from the third cycle on its bids are gone or more than 3 bp deeper than the baseline's
    And its position never exceeds 0.5
    And its PnL is not below 0
    And asks rest in at least 95 % of the cycles

    Examples:
      | reach |
      | 0     |
      | 1     |
      | 3     |

  Scenario Outline: Phases 1 to 4 stop buying while the market falls
    When the engine replays it with phases 1 to 4 and aggressors reaching <reach> bp further
    Then no bid rests while its drift is below -3 bp/s
    And its position never exceeds 0.5
    And its PnL is not below 0
    And asks rest in at least 95 % of the cycles

    Examples:
      | reach |
      | 0     |
      | 1     |
      | 3     |

  Scenario: The engine is live, not merely absent
    When the engine quotes the two calm minutes before the session
    Then both sides are always quoted within 1 bp of the common half-spread

  Scenario Outline: Engines that only look safe are refused
    When the mutant <mutant> is held against the session
    Then it is refused because <reason>

    Examples:
      | mutant            | reason                           |
      | silent            | asks rest in 0.0% of cycles      |
      | wide-10bp         | bids rest                        |
      | drift-always-zero | \|position\| reaches             |

  Scenario: Width is not protection, and only the drift protects
    Then the ablation table, for aggressors reaching no further than recorded, is
      | engine                                          | fills | position | net    |
      | unprotected (= legacy:deployed)                 | 12    | +6.94    | -0.840 |
      | unprotected at 7.25 bp                          | 3     | +1.87    | -0.280 |
      | unprotected at 10 bp                            | 3     | +1.87    | -0.280 |
      | gamma(q) alone                                  | 8     | +4.50    | -0.549 |
      | E[PnL] filter alone (no drift, no skew, beta 0) | 10    | +5.18    | -0.693 |
      | gamma and filter, no drift                      | 8     | +4.50    | -0.549 |
      | phase 1 alone                                   | 1     | -0.46    | +0.110 |
      | phases 1-4                                      | 1     | -0.46    | +0.110 |
