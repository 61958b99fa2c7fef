@phase_8
Feature: Phase 8 - the tape and other markets
  Bursts of trades, the sizes of own fills and the basis are heard in every second cycle; the lead of
  another asset and open interest in every fifth. Volatility that expands widens the quotes, fat tails
  raise what adverse selection is taken to cost.

  Background:
    Given the canonical market
    And phases 1, 2, 3, 4 and 8 are on

  Scenario Outline: A burst of trades is an observation
    When 30 <side> trades arrive within 3 seconds
    And the engine quotes
    Then hawkes says <z> bp/s with a variance of 260

    Examples:
      | side | z   |
      | sell | -10 |
      | buy  | 10  |

  Scenario: Both sides weigh against each other by what is left of their excitement
    20 sells just now and 10 buys a second ago, which have decayed by 1/e: (10/e - 20)/(10/e + 20).

    When 10 buy trades arrive at once
    And nothing happens for 1 seconds
    And 20 sell trades arrive at once
    And the engine quotes
    Then hawkes says -6.893 bp/s with a variance of 260

  Scenario: Nineteen trades excite nothing
    When 19 sell trades arrive at once
    And the engine quotes
    Then hawkes says nothing

  Scenario: After five seconds of silence the last burst says nothing
    When 30 sell trades arrive at once
    And nothing happens for 5.001 seconds
    And the engine quotes
    Then hawkes says nothing

  Scenario Outline: Fills larger than usual are taken by someone who knows more
    After twenty fills of 0.1 one of 1.1 lifts the baseline to 0.15 with a deviation of sqrt(0.0475).
    Its side's last ten average 0.2: a z-score of 0.05/0.2179 = 0.229, and z = 10 x 0.229/5.

    When the engine buys and sells 0.1 at mid, 10 times each
    And the engine <trades> 1.1 at mid
    And the engine quotes
    Then fill_size says <z> bp/s with a variance of 260

    Examples:
      | trades | z      |
      | buys   | -0.459 |
      | sells  | 0.459  |

  Scenario Outline: A basis that narrows is bearish, whatever the own position
    Given the engine is 30 % <way>
    When the spot price is 100
    And the engine quotes 2 times
    And the mid moves by -5 bp over 6 seconds
    And the engine quotes
    Then basis says -5 bp/s with a variance of 260

    Examples:
      | way   |
      | long  |
      | short |

  Scenario: The leader falls first
    For 34 cycles the market has followed a leader by half. Then the leader falls by 20 bp while the
    market stands still. The regression over these 35 returns has a beta of 0.4487 and an R^2 of 0.8974:
    -20 x 0.4487 = -8.974 bp are still to follow, believed with R = 260/0.8974.

    When the leader swings by 10 bp and the market by half of it in each of 34 cycles
    And the leader falls by 20 bp and the market stands still
    Then lead says -8.974 bp/s with a variance of 289.7143

  Scenario: A leader that is not followed is not believed
    When the leader swings by 10 bp and the market in a rhythm of its own in each of 34 cycles
    And the leader falls by 20 bp and the market stands still
    Then lead says nothing

  Scenario: Volatility that expands widens the quotes
    Swings of 1 bp every ten seconds, then of 9 bp for thirty: 81/10 against (27 + 243)/300 is nine
    times the variance a second, so sigma is three times its long run and is scaled by sqrt(3).

    When the mid swings by 1 bp in each of 27 cycles and by 9 bp in each of 3
    Then volatility is 3 times its long run
    And sigma is 3.4641 bp/sqrt(s)
    And the bid rests deeper than in a calm market

  Scenario: Volatility that calms down does not narrow them
    When the mid swings by 9 bp in each of 27 cycles and by 1 bp in each of 3
    Then sigma is 2 bp/sqrt(s)

  Scenario Outline: Fat tails raise the cost of adverse selection, to three times at most
    26 swings of 1 bp and 4 of 9 have an excess kurtosis of (26 + 4 x 6561)/30 / (350/30)^2 - 3 = 3.433,
    which raises the cost by 0.3 of it.

    When the mid swings by 1 bp in each of <calm> cycles and by <far> bp in each of <wild>
    Then adverse selection is taken <times> times

    Examples:
      | calm | wild | far | times |
      | 30   | 0    | 9   | 1     |
      | 26   | 4    | 9   | 2.030 |
      | 48   | 2    | 90  | 3     |

  Scenario: Open interest is off until it is given a weight
    When the open interest goes from 1000 to 1010 while the mid falls
    Then open_interest says nothing

  Scenario: Open interest that grows in a falling market is bearish
    Given a weight of 1 for open_interest
    When the open interest goes from 1000 to 1010 while the mid falls
    Then open_interest says -10 bp/s with a variance of 260

  Scenario: Each tier is heard at its pace
    Given phases 1, 2, 3, 4, 6, 7 and 8 are on
    When book, tape and funding speak in each of 11 cycles
    Then composite is heard in cycles 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10
    And hawkes is heard in cycles 0, 2, 4, 6, 8 and 10
    And funding is heard in cycles 0, 5 and 10
    And in cycle 10 the filter hears flow, composite, hawkes and funding, in this order

  Scenario: With the gate off tape and other markets change nothing
    Given phases 1 and 2 are on
    When 30 sell trades arrive within 3 seconds
    And the spot price is 99
    And the engine quotes
    Then it quotes as in a calm market
