Feature: P collapse - a filter that has heard one side for long must still turn
  Each observation shrinks the variance P of the drift. After 200 that agree, without a floor and
  without time passing, P is 1/(1/50 + 200/4) = 0.02 and one that opposes counts for half a percent. The
  floor of 2 keeps its gain at 2/(2 + 4), a third.

  @phase_1
  Scenario: With the floor the sign turns within three observations
    When the filter has heard 200 observations of -5 bp/s and then 50 of 5, with a floor of 2
    Then the sign turns after 2 opposing observations
    And the drift goes from -5.000 over -1.667 to 0.556 bp/s

  @phase_1
  Scenario: Without it the sign does not turn within fifty
    Fifty opposing ones leave (50 - 200) x 5/(250 + 4/50) = -3.00 bp/s.

    When the filter has heard 200 observations of -5 bp/s and then 50 of 5, with a floor of 0
    Then the sign does not turn
    And the drift ends at -2.999 bp/s

  @phase_7
  Scenario: Through the engine, the book's turn brings the bids back
    A book of 100 000 USD that leans by a half is set to be just that observation, cycles at one instant.

    When the book turns after 200 cycles at one instant, with phases 1, 2, 3, 4 and 7 and a floor of 2
    Then the sign turns after 2 opposing observations
    And no bids rest before the turn, and they are back within 3 cycles of it

  @phase_7
  Scenario: Through the engine, without the floor the bids stay away
    When the book turns after 200 cycles at one instant, with phases 1, 2, 3, 4 and 7 and a floor of 0
    Then the sign does not turn
    And no bids rest before the turn, and none for 50 cycles after it

  @phase_7
  Scenario Outline: Between real cycles the process noise keeps the filter open, not the floor
    In 6.45 seconds P grows by 5.7. It never comes down to the floor, which then changes nothing: the
    drift is the same to the last bit.

    When the book turns after 200 cycles 6.45 seconds apart, by the <calibration> calibration
    Then the sign turns after <cycles> opposing observations, with a floor of 2 as with none
    And each drift is what 200 observations and their opposite make of it

    Examples:
      | calibration | cycles |
      | plan        | 1      |
      | calibrated  | 4      |

  @phase_7
  Scenario: A weak sensor does not turn within fifty either, floor or not
    With R = 260 the floor keeps the gain at 2/262, and the sign needs ln 2/ln(1 + 2/260) = 90
    observations at one instant: the floor of 2 is made for observations of R = 4.

    When the book turns after 200 cycles at one instant, by the calibrated calibration
    Then the sign does not turn, with a floor of 2 as with none
    And each drift is what 200 observations and their opposite make of it
