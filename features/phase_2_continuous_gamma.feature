@phase_2
Feature: Phase 2 - risk aversion grows smoothly with inventory
  One curve, gamma(q) = gamma (1 + 7 (q/q_max)^2), stands where Green, Yellow and Red used to jump.

  Background:
    Given the canonical market
    And phases 1, 2, 3 and 4 are on

  Scenario Outline: gamma follows the curve
    Given the engine is <share> % <way>
    When the engine quotes
    Then gamma is <times> times its base

    Examples:
      | share | way   | times |
      | 0     | long  | 1     |
      | 30    | long  | 1.63  |
      | 60    | long  | 3.52  |
      | 80    | long  | 5.48  |
      | 100   | long  | 8     |
      | 80    | short | 5.48  |

  Scenario: A long position draws the ask in
    Given the engine is 60 % long
    When the engine quotes
    Then the ask rests closer than in a calm market

  Scenario Outline: The kill guard empties the accumulating side at the limit
    Given the engine is <share> % <way>
    When the engine quotes
    Then no <accumulating> rest
    But <reducing> rest

    Examples:
      | share | way   | accumulating | reducing |
      | 100   | long  | bids         | asks     |
      | 120   | long  | bids         | asks     |
      | 100   | short | asks         | bids     |

  Scenario Outline: With the gate off the old zones are back
    Given phases 1 and 3 are on, with the deployed legacy behaviour
    And the engine is <share> % long
    When the engine quotes
    Then each ask has a size of <size>

    Examples: Yellow halves the sizes at 60 %, Red cuts them to 30 % at 80 %
      | share | size   |
      | 59    | 0.695  |
      | 61    | 0.3475 |
      | 81    | 0.2085 |
