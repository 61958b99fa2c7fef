@phase_7
Feature: Phase 7 - the book and the sweeps speak before fills do
  Imbalance near the mid, its change, the gradient towards the deep book and own quotes that were swept
  enter the drift filter as one composite observation a cycle. Book sizes are in contracts at a mid of
  100, so that 1000 of them are 100 000 USD, at which an imbalance is fully reliable.

  Background:
    Given the canonical market
    And phases 1, 2, 3, 4 and 7 are on

  Scenario: Imbalance depends on how far one looks
    (3 - 1)/4 within 10 bp, (3 - 6)/9 within 25 bp, (6 - 6)/12 within 50 bp. The borders count.

    When the book shows
      | side | bp from mid | contracts |
      | bid  | 10          | 3         |
      | bid  | 50          | 3         |
      | ask  | 10          | 1         |
      | ask  | 25          | 5         |
      | ask  | 60          | 9         |
    And the engine quotes
    Then the imbalances are 0.5000, -0.3333 and 0.0000

  Scenario: A book that leans against the bids is bearish
    When the book rests 250 bid and 750 ask at 1 bp
    And the engine quotes
    Then bim says -5 bp/s with a variance of 260
    And the drift is below 0 bp/s

  Scenario: The thinner the book, the less it says
    A tenth of the reference depth is ten times the noise; a deeper book is not trusted more.

    When the book rests 25 bid and 75 ask at 1 bp
    And the engine quotes
    Then bim says -5 bp/s with a variance of 2600
    When the book rests 2500 bid and 7500 ask at 1 bp
    And the engine quotes
    Then bim says -5 bp/s with a variance of 260

  Scenario: Bids that fade are bearish before the book leans
    From an imbalance of 0.5 to 0 within 6.25 seconds is -0.08 a second.

    When the book rests 750 bid and 250 ask at 1 bp
    And the engine quotes
    And nothing happens for 6.25 seconds
    And the book rests 500 bid and 500 ask at 1 bp
    And the engine quotes
    Then bim says 0 bp/s with a variance of 260
    And dbim says -0.8 bp/s with a variance of 260

  Scenario Outline: Support near the touch alone is fragile, whatever the own position
    0.5 within 10 bp and 0 within 50 bp is a gradient of 0.5: z = -10 x 0.5/2.

    Given the engine is <share> % <way>
    When the book shows
      | side | bp from mid | contracts |
      | bid  | 1           | 750       |
      | bid  | 50          | 250       |
      | ask  | 1           | 250       |
      | ask  | 50          | 750       |
    And the engine quotes
    Then bpg says -2.5 bp/s with a variance of 260

    Examples:
      | share | way   |
      | 30    | long  |
      | 0     | long  |
      | 30    | short |

  Scenario: A book that ends near the mid says so and has no gradient
    When the book rests 250 bid and 750 ask at 2.5 bp
    And the engine quotes
    Then the book does not reach 10, 25 and 50 bp
    And bpg says nothing
    And bim says -5 bp/s with a variance of 260

  Scenario: A book with an empty side says nothing
    When the book shows
      | side | bp from mid | contracts |
      | ask  | 1           | 1000      |
    And the engine quotes
    Then the filter hears nothing

  Scenario Outline: Own quotes swept through several levels are an observation
    Three fills of 0.695 at three levels each score 3 x 0.695 x 3/10 = 0.6255.

    When one aggressor <takes> 3 levels of 0.695
    And the engine quotes
    Then sweep says <z> bp/s with a variance of 260

    Examples:
      | takes     | z      |
      | sells to  | -6.255 |
      | buys from | 6.255  |

  Scenario: A fill of one level is no sweep
    When one aggressor sells to 1 levels of 0.695
    And the engine quotes
    Then sweep says nothing

  Scenario: No sweep falls between two cycles, and none is heard for ever
    When the engine quotes
    And nothing happens for 1 seconds
    And one aggressor sells to 3 levels of 0.695
    And nothing happens for 20 seconds
    And the engine quotes
    Then sweep says -6.255 bp/s with a variance of 260
    When nothing happens for 3 seconds
    And the engine quotes
    Then sweep says nothing

  Scenario: All of it is one observation, worth exactly its parts
    With the floor off, the drift after the composite is the one that its parts would give in turn.

    Given no floor of the variance
    When the book shows
      | side | bp from mid | contracts |
      | bid  | 1           | 250       |
      | bid  | 50          | 750       |
      | ask  | 1           | 750       |
      | ask  | 50          | 900       |
    And one aggressor sells to 3 levels of 0.695
    And the engine quotes
    Then the composite is made of bim, bpg and sweep
    And the composite says the mean of its parts, weighted by their precision
    And the drift is what its parts would give one by one

  Scenario: Disagreement does not make the composite less certain
    The plan hoped it would. A precision-weighted mean of two sources with R = 260 has R = 130,
    whatever they say: what keeps the filter open is the floor of its variance.

    When the book rests 250 bid and 750 ask at 1 bp
    And one aggressor buys from 3 levels of 0.695
    And the engine quotes
    Then composite says 0.6275 bp/s with a variance of 130

  Scenario: A thin book near the mid is outvoted by its own gradient
    Asks crowd the touch, the deep book is balanced: bearish by its imbalance, bullish by its gradient
    of -0.5. At 20 000 USD the imbalance has R = 1300, the gradient still 260, and the composite is
    (-5/1300 + 2.5/260)/(1/1300 + 1/260) = 1.25: the book reads bullish. From 50 000 USD on it does not.

    When the book shows
      | side | bp from mid | contracts |
      | bid  | 1           | 50        |
      | bid  | 50          | 150       |
      | ask  | 1           | 150       |
      | ask  | 50          | 50        |
    And the engine quotes
    Then composite says 1.25 bp/s with a variance of 216.6667
    When the book shows
      | side | bp from mid | contracts |
      | bid  | 1           | 125       |
      | bid  | 50          | 375       |
      | ask  | 1           | 375       |
      | ask  | 50          | 125       |
    And the engine quotes
    Then composite says 0.0000 bp/s with a variance of 173.3333

  Scenario Outline: A bearish book strengthens a bearish drift, except as the plan wrote it
    A book that leans by 0.998 meets a drift of -7 bp/s with a variance of 8. The plan's constants are
    a z of -0.3 at R = 2.25 or less: certain of hardly anything, they erase the drift.

    Given the <calibration> calibration
    And the drift stands at -7 bp/s with a variance of 8
    When the book rests <bid> bid and <ask> ask at 1 bp
    And the engine quotes
    Then the drift is <drift> bp/s

    Examples:
      | calibration | bid | ask  | drift |
      | plan        | 1   | 999  | -1.77 |
      | plan        | 10  | 9990 | -0.48 |
      | calibrated  | 1   | 999  | -7.09 |
      | calibrated  | 10  | 9990 | -7.09 |

  Scenario: With the gate off the book changes nothing
    Given phases 1, 2, 3 and 4 are on
    When the book rests 250 bid and 750 ask at 1 bp
    And the engine quotes
    Then it quotes as in a calm market

  Scenario: With all weights at 0 the book changes nothing either
    Given no weight for bim, dbim, bpg and sweep
    When the book rests 250 bid and 750 ask at 1 bp
    And the engine quotes
    Then it quotes as in a calm market
    And the filter hears nothing
