Feature: Paper trading checks - what to see before any money is behind a flag
  The eleven checks at the end of the plan, each with the phases that it switches on; and all eight
  phases together.

  @phase_1
  Scenario: 1 - the drift is there in a trend, and nothing caps it
    A trend of 60 bp, continuing with a probability of 0.8, is -48 bp/s with R = 4: -48 x 50/54.

    Given the canonical market
    And phases 1, 2, 3 and 4 are on
    When a trend of 60 bp down is read with full agreement
    And the engine quotes
    Then the drift is -44.44 bp/s
    And it reports "drift_beyond_old_cap"

  @phase_1
  Scenario: 2 - uncertainty falls as observations accumulate
    sqrt(1/(1/50 + n/100)) after n signals with a variance of 100.

    Given the canonical market
    And phases 1, 2, 3 and 4 are on
    When a signal of -1 bp/s with a variance of 100 comes before each of 5 cycles
    Then the drift's uncertainty is 5.774, 5.000, 4.472, 4.082 and 3.780 bp/s

  @phase_1
  Scenario: 3 - bids pull back by more than 3 bp in a bearish trend
    Given the canonical market
    And phases 1, 2 and 3 are on
    When a trend of 20 bp down is read with full agreement
    And the engine quotes
    Then the bid rests more than 3 bp deeper than in a calm market

  @phase_4
  Scenario Outline: 4 - from 70 % of the limit on, the accumulating side has no levels
    Given the canonical market
    And phases 1, 2, 3 and 4 are on
    And the engine is <share> % <way>
    When the engine quotes
    Then no <accumulating> rest
    And no <accumulating> are expected to earn
    But <reducing> rest

    Examples:
      | share | way   | accumulating | reducing |
      | 70    | long  | bids         | asks     |
      | 85    | long  | bids         | asks     |
      | 70    | short | asks         | bids     |
      | 85    | short | asks         | bids     |

  @phase_4
  Scenario Outline: 5 - at 30 % both sides are quoted
    Given the canonical market
    And phases 1, 2, 3 and 4 are on
    And the engine is 30 % <way>
    When the engine quotes
    Then both sides are quoted
    And every resting level is expected to earn

    Examples:
      | way   |
      | long  |
      | short |

  @phase_3
  Scenario: 6 - kappa differs by side while flow is one-sided
    All sells: the bid's kappa is halved by a sensitivity of 0.5, the ask's raised by as much.

    Given the canonical market
    And phases 1, 2 and 3 are on
    When 30 sell trades arrive at once
    And the engine quotes
    Then the kappas are 0.06435 and 0.19305 per bp

  @phase_2
  Scenario Outline: 7 - the kill switch still fires past the limit
    Given the canonical market
    And phases 1, 2, 3 and 4 are on
    And the engine is 105 % <way>
    When the engine quotes
    Then no <accumulating> rest
    And it reports "kill_guard_<side>"
    But <reducing> rest

    Examples:
      | way   | accumulating | side | reducing |
      | long  | bids         | bid  | asks     |
      | short | asks         | ask  | bids     |

  @phase_6
  Scenario: 8 - funding carry is visible in the expected PnL
    Given the canonical market
    And phases 1, 2, 3, 4 and 6 are on
    When funding of 0.001 per 1 hours is read
    And the engine quotes
    Then carry costs a bid 1.6667 bp and an ask -0.8333 bp
    And every bid is worth less by its fill intensity times 1.6667 bp
    And every ask is worth more by its fill intensity times 0.8333 bp

  @phase_7
  Scenario: 9 - book features move the drift before fills arrive
    In the ten minutes of paper trading the book turns bearish half a minute before anyone sells.

    Given ten minutes of paper trading
    When the engine trades them with phases 1, 2, 3 and 4, and with phase 7 besides
    Then no fill comes in the five cycles from the book's turn on
    But with book features the drift is lower in each of them, and below 0 at their end

  @phase_8
  Scenario Outline: 10 - the Hawkes observation fires in a cluster of trades
    Given the canonical market
    And phases 1, 2, 3, 4 and 8 are on
    When <trades> sell trades arrive at once
    And the engine quotes
    Then hawkes says <what>

    Examples:
      | trades | what                               |
      | 40     | -10 bp/s with a variance of 260 |
      | 10     | nothing                            |

  @phase_8
  Scenario: 11 - the cross-asset lead is seen when the leader moves first
    Given the canonical market
    And phases 1, 2, 3, 4 and 8 are on
    When the leader swings by 10 bp and the market by half of it in each of 34 cycles
    And the leader falls by 20 bp and the market stands still
    Then lead says -8.974 bp/s with a variance of 289.7143
    And the drift is below 0 bp/s

  @phase_5 @phase_6 @phase_7 @phase_8
  Scenario: All eight phases trade ten minutes without a refused step
    Given ten minutes of paper trading
    When the engine trades them with all eight phases
    Then no step is refused and every figure is finite
    And every source is heard
      | source          |
      | fill            |
      | trend           |
      | signal:momentum |
      | flow            |
      | composite       |
      | hawkes          |
      | fill_size       |
      | basis           |
      | lead            |
      | funding         |
      | open_interest   |
    And both sides are quoted at the start and at the end
