@phase_2 @phase_4
Feature: Inventory at 80 % - a smooth retreat instead of zone jumps
  As the position grows, the engine leaves the accumulating side smoothly and keeps the reducing side
  alive. The old zones halved sizes at 60 % and emptied a side at 80 %.

  Background:
    Given the inventory scenario, from flat to the position limit

  Scenario Outline: Up to 30 % both sides are quoted
    When the engine goes <way> through it with phases 1 to 4
    Then at 0 % both sides rest
    And at 30 % both sides rest

    Examples:
      | way   |
      | long  |
      | short |

  Scenario Outline: From 70 % on nothing rests that would add to the position
    When the engine goes <way> through it with phases 1 to 4
    Then at 70 % no <accumulating> rest but <reducing> do
    And at 79.99 % no <accumulating> rest but <reducing> do
    And at 80.01 % no <accumulating> rest but <reducing> do
    And at 100 % no <accumulating> rest but <reducing> do

    Examples:
      | way   | accumulating | reducing |
      | long  | bids         | asks     |
      | short | asks         | bids     |

  Scenario Outline: Nothing jumps where the old zones began
    When the engine goes <way> through it with phases 1 to 4
    Then nothing jumps between 59.99 % and 60.01 %
    And nothing jumps between 79.99 % and 80.01 %

    Examples:
      | way   |
      | long  |
      | short |

  Scenario: The legacy baseline jumps at both
    When legacy:deployed goes long through it
    Then its sizes of asks jump between 59.99 % and 60.01 %
    And its levels of bids jump between 79.99 % and 80.01 %
