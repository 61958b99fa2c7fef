@phase_5 @phase_6 @phase_7 @phase_8
Feature: Feb 19 with everything on
  The record of Feb 19 holds no book, no BTC, no funding and no trades of others. A synthetic layer
  adds them to the reconstruction, in a neutral form (balanced, and going nowhere) and in a bearish
  one (bids thin, BTC falls first, most prints are sells, funding rises, the basis shrinks). It is
  shown to the engine and fills nothing. What these sources say must not undo what the trend says.

  Background:
    Given the reconstructed session of Feb 19

  Scenario Outline: With calibrated sources the protection stands
    Given the <form> layer over it, <depth> USD deep
    When the engine replays both with all phases and aggressors reaching <reach> bp further
    Then its position never exceeds 0.5
    And its PnL is not below 0
    And asks rest in at least 95 % of the cycles
    And its bids go at most a cycle later than with phases 1 to 4

    Examples:
      | form    | depth   | reach |
      | neutral | 20000   | 0     |
      | neutral | 1000000 | 3     |
      | bearish | 20000   | 3     |
      | bearish | 100000  | 0     |
      | bearish | 500000  | 1     |
      | bearish | 1000000 | 3     |

  Scenario Outline: A calm market is still quoted on both sides
    Given the neutral layer over it, <depth> USD deep
    When the engine quotes the two calm minutes before the session with all phases
    Then both sides are always quoted within 1 bp of the common half-spread

    Examples:
      | depth   |
      | 20000   |
      | 1000000 |

  Scenario Outline: The new sources have spoken before the first recorded buy
    Given the bearish layer over it, 100000 USD deep
    When the engine replays both with all phases and aggressors reaching 0 bp further
    Then <source> has moved its drift before the first recorded buy

    Examples:
      | source  |
      | bim     |
      | dbim    |
      | bpg     |
      | flow    |
      | hawkes  |
      | basis   |
      | lead    |
      | funding |

  Scenario Outline: The trend takes the drift down, and the others only ease it
    Given the <form> layer over it, 1000000 USD deep
    When the engine replays both with all phases and aggressors reaching 0 bp further
    Then in every cycle the trend has moved its drift more than all other sources together

    Examples:
      | form    |
      | neutral |
      | bearish |

  Scenario: The plan's constants bring the bids back
    Then the sensitivity table, for aggressors reaching no further than recorded, holds
      | sources    | layer   | phases | depth  | lowest drift | with bids | fills | position | net    |
      | calibrated | neutral | 1-4    |        | -39.36       | 0         | 1     | -0.46    | +0.110 |
      | calibrated | neutral | 1-8    | 100000 | -33.85       | 0         | 1     | -0.46    | +0.110 |
      | calibrated | bearish | 1-4    |        | -39.40       | 0         | 1     | -0.46    | +0.110 |
      | calibrated | bearish | 1-8    | 100000 | -34.23       | 0         | 1     | -0.46    | +0.110 |
      | plan       | neutral | 1-4    |        | -8.34        | 86        | 1     | -0.46    | +0.110 |
      | plan       | neutral | 1-8    | 100000 | -1.75        | 140       | 4     | +1.41    | -0.170 |
      | plan       | bearish | 1-4    |        | -8.46        | 75        | 1     | -0.46    | +0.110 |
      | plan       | bearish | 1-8    | 100000 | -1.82        | 144       | 4     | +1.41    | -0.170 |
