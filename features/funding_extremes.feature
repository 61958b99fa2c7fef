@phase_6
Feature: Funding extremes - a large rate is charged in full and believed with measure
  Funding goes from one extreme to the other: z-scores from -5 to 5, rates from -0.3 % to 1.2 % an
  interval of one hour or of eight, long, short and flat. Each reading meets a neutral drift first, of
  N(0, 25), and half an hour later a falling one, of N(-8, 8).

  Background:
    Given the funding extremes

  Scenario Outline: Carry, lean and expected PnL follow the rate, whatever its z-score
    When the engine goes through them with phases 1, 2, 3, 4 and 6, <interval> and <way>
    Then the paying side is charged the rate of 600 seconds and the other given half of it
    And both sides lean by the share of the limit times that charge
    And every level is worth its spread times its fill intensity less carry, drift and inventory

    Examples:
      | interval     | way   |
      | hourly       | flat  |
      | hourly       | long  |
      | hourly       | short |
      | eight-hourly | flat  |
      | eight-hourly | long  |
      | eight-hourly | short |

  Scenario: The z-scores are those the tape was made for
    The last reading is further out than 5 and is taken as 5.

    When the engine goes through them with phases 1, 2, 3, 4 and 6, hourly and flat
    Then the z-scores after the warm-up are 0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5 and 5

  Scenario: Two readings say nothing, the third does
    When the engine goes through them with phases 1, 2, 3, 4 and 6, hourly and flat
    Then there is no z-score and no drift after the first two readings
    But there are both after the third

  Scenario Outline: Nobody rests to pay 20 bp a fill
    1.23 % an hour over ten minutes is 20.5 bp.

    When the engine goes through them with phases 1, 2, 3, 4 and 6, hourly and <way>
    Then no bids rest where a bid is charged more than 20 bp, but asks do

    Examples:
      | way   |
      | flat  |
      | long  |
      | short |

  Scenario Outline: One reading moves the drift by its gain and no more
    When the engine goes through them by the <calibration> calibration, hourly and flat
    Then each reading has moved the drift by its gain

    Examples:
      | calibration |
      | plan        |
      | calibrated  |

  Scenario Outline: The plan's reading weakens a drift of its own direction
    A z-score of 3 is bearish. By the plan's constants it says -0.15 bp/s with R = 4/3, so that it
    takes a fall of 8 bp/s away; calibrated it says -6 with R = 260, and hardly moves it.

    Given the canonical market
    And phases 1, 2, 3, 4 and 6 are on
    And the <calibration> calibration
    And the drift stands at -8 bp/s with a variance of <variance>
    When funding of 0 per 1 hours is read 9 times
    And funding of 0.001 per 1 hours is read
    And the engine quotes
    Then the drift is <drift> bp/s

    Examples:
      | calibration | variance | drift |
      | plan        | 25       | -0.55 |
      | plan        | 8        | -1.27 |
      | calibrated  | 25       | -7.82 |
      | calibrated  | 8        | -7.94 |

  Scenario: Calibrated, a full reading strengthens the fall and no other weakens it by more than 3 %
    When the engine goes through them by the calibrated calibration, hourly and flat
    Then of a fall of 8 bp/s the readings have left
      | z-score | drift |
      | 0       | -7.76 |
      | 1       | -7.82 |
      | 2       | -7.88 |
      | 3       | -7.94 |
      | 4       | -8.00 |
      | 5       | -8.06 |

  Scenario: By the plan's constants every reading takes the fall away
    When the engine goes through them by the plan calibration, hourly and flat
    Then of a fall of 8 bp/s the readings have left
      | z-score | drift |
      | 0       | -6.67 |
      | 1       | -2.70 |
      | 2       | -1.68 |
      | 3       | -1.27 |
      | 4       | -1.07 |
      | 5       | -0.95 |

  Scenario Outline: A feed that stops is repeated, and charged, for as long as it is silent
    This is a known weakness of the plan: nothing says how old a reading is. The feed stops at a rate of
    0.001 an hour, a z-score of 3. In every fifth cycle, 32.25 seconds apart, the same reading is an
    observation again: mu = K z/(1 - a (1 - K)) with a = e^-0.645, instead of 0. By the plan's constants
    K is 0.93: nothing else is heard for long.

    When the feed has stopped for an hour, by the <calibration> calibration
    Then a bid has been charged 1.667 bp and an ask -0.833 bp in every cycle
    And one reading has been heard 112 times
    And it still holds the drift at <drift> bp/s

    Examples:
      | calibration | drift  |
      | calibrated  | -0.983 |
      | plan        | -0.145 |

  Scenario: A rate that cannot be read is rejected and counted, and never taken as 0
    When a feed sends rates that cannot be read
      | rate   | answer                 |
      |        | rejected unparsable    |
      | n/a    | rejected unparsable    |
      | 0,0003 | rejected unparsable    |
      | nan    | rejected non_finite    |
      | 1.5    | rejected out_of_range  |
    Then each is answered so and counted
    And the quotes are as if none of them had come
    And a bid has been charged 1.667 bp and an ask -0.833 bp in every cycle
