@phase_4
Feature: Phase 4 - a level rests only while it is expected to earn
  Each level's expected PnL decides by itself. One-sided quoting follows from it, without a gate.

  Background:
    Given the canonical market
    And phases 1, 2, 3 and 4 are on

  Scenario: A flat engine in a calm market quotes both sides
    When the engine quotes
    Then both sides are quoted
    And every resting level is expected to earn

  Scenario Outline: Inventory empties the side that would add to it
    Given the engine is <share> % <way>
    When the engine quotes
    Then no <accumulating> rest
    But <reducing> rest

    Examples:
      | share | way   | accumulating | reducing |
      | 70    | long  | bids         | asks     |
      | 80    | long  | bids         | asks     |
      | 70    | short | asks         | bids     |
      | 80    | short | asks         | bids     |

  Scenario Outline: A falling drift empties the bids, a small one does not
    When a signal of <drift> bp/s with a variance of 0.001 comes
    And the engine quotes
    Then the bids are <bids>
    And asks rest

    Examples:
      | drift | bids    |
      | -0.3  | resting |
      | -3.44 | empty   |
      | -8    | empty   |

  Scenario: The old gate's verdict is reported where it disagrees
    When a signal of -8 bp/s with a variance of 0.001 comes
    And the engine quotes
    Then it reports "dual_run_disagreement_bid"
    And it reports "drift_beyond_old_cap"

  Scenario: A side can never pass the position limit, even if all of it fills
    Given phases 1, 2 and 3 are on
    And the engine is 45 % long
    When the engine quotes
    Then filling all bids would leave it within its limit

  Scenario: With the gate off the old quote gate is back
    Given phases 1, 2 and 3 are on
    And the engine is 55 % long
    When the engine quotes
    Then no bids rest
    But asks rest

  Scenario: With the gate off toxicity shrinks a side again
    Given phases 1, 2 and 3 are on
    When the toxicity of the bid is 0.7
    And the engine quotes
    Then each bid has a size of 0.556
    And each ask has a size of 0.695

  Scenario: Without its prerequisites the filter is inert and says so
    Given phases 1, 3 and 4 are on
    When the engine quotes
    Then it reports phase 4 as inert
