@phase_6
Feature: Phase 6 - funding is a cost of holding, and says something of the drift
  The public funding rate is charged over the ten minutes that a fill is held: longs pay it while it is
  positive, shorts while it is negative, and the other side is given half. A rate far from its mean is
  a drift observation against those who pay.

  Background:
    Given the canonical market
    And phases 1, 2, 3, 4 and 6 are on

  Scenario Outline: The paying side is charged the rate of 600 seconds, the other given half of it
    When funding of <rate> per <hours> hours is read
    And the engine quotes
    Then carry costs a bid <bid> bp and an ask <ask> bp

    Examples:
      | rate    | hours | bid     | ask     |
      | 0.0001  | 1     | 0.1667  | -0.0833 |
      | -0.0001 | 1     | -0.0833 | 0.1667  |
      | 0.0001  | 8     | 0.0208  | -0.0104 |
      | 0.001   | 1     | 1.6667  | -0.8333 |
      | 0       | 1     | 0       | 0       |

  Scenario: Carry is charged in the expected PnL, level by level
    When funding of 0.001 per 1 hours is read
    And the engine quotes
    Then every bid is worth less by its fill intensity times 1.6667 bp
    And every ask is worth more by its fill intensity times 0.8333 bp

  Scenario Outline: Nobody rests to pay an extreme rate
    A rate of 1 % an hour costs 16.7 bp a fill. At 6.9 to 11.9 bp deep that is a loss for certain.

    When funding of <rate> per 1 hours is read
    And the engine quotes
    Then no <paying> rest
    But <receiving> rest

    Examples:
      | rate  | paying | receiving |
      | 0.01  | bids   | asks      |
      | -0.01 | asks   | bids      |

  Scenario Outline: Who pays leans towards reducing, who is paid towards holding
    At 30 % of the limit a rate of 0.0018 an hour leans both sides by 0.3 x 3 = 0.9 bp.

    Given the engine is 30 % <way>
    When funding of <rate> per 1 hours is read
    And the engine quotes
    Then the <reducing> rests 0.9 bp <lean> than without funding

    Examples:
      | way   | rate    | reducing | lean   |
      | long  | 0.0018  | ask      | closer |
      | long  | -0.0018 | ask      | deeper |
      | short | -0.0018 | bid      | closer |
      | short | 0.0018  | bid      | deeper |

  Scenario Outline: Extreme funding is a drift observation against those who pay
    Nine readings of 0 and one of r: an EWMA of 0.1 r, a deviation of 0.3 r about it, a z-score of 3.

    When funding of 0 per 1 hours is read 9 times
    And funding of <rate> per 1 hours is read
    And the engine quotes
    Then funding says <z> bp/s with a variance of 260

    Examples:
      | rate   | z  |
      | 0.001  | -6 |
      | -0.001 | 6  |

  Scenario: Two readings say nothing of the drift, but are charged
    When funding of 0 per 1 hours is read
    And funding of 0.001 per 1 hours is read
    And the engine quotes
    Then funding says nothing
    And carry costs a bid 1.6667 bp and an ask -0.8333 bp

  Scenario: A scale of 0 stops the observation, not the charge
    Given a funding scale factor of 0
    When funding of 0 per 1 hours is read 9 times
    And funding of 0.001 per 1 hours is read
    And the engine quotes
    Then funding says nothing
    And carry costs a bid 1.6667 bp and an ask -0.8333 bp

  Scenario: A reading between two cold cycles is charged at once and heard at the next
    When the engine quotes
    And funding of 0 per 1 hours is read 9 times
    And funding of 0.001 per 1 hours is read
    And the engine quotes
    Then funding says nothing
    But carry costs a bid 1.6667 bp and an ask -0.8333 bp
    When the engine quotes 4 times
    Then funding says -6 bp/s with a variance of 260

  Scenario: The premium of mark over index is reported and nothing more
    When the mark price is 101 and the index price 100
    And the engine quotes
    Then the premium is 100 bp
    And it quotes as in a calm market

  Scenario: With the gate off funding changes nothing
    Given phases 1, 2, 3 and 4 are on
    And the engine is 30 % long
    When funding of 0 per 1 hours is read 9 times
    And funding of 0.01 per 1 hours is read
    And the engine quotes
    Then it quotes as without funding

  Scenario: Without the filter it needs, funding is inert and says so
    Given phases 1, 2, 3 and 6 are on
    When the engine quotes
    Then it reports phase 6 as inert
