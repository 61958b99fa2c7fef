@phase_5
Feature: Phase 5 - the filter learns from what follows its own fills
  Five seconds or more after an own fill, the drift that came true is held against the drift that was
  predicted just before it. A drift that falls short is forgotten faster from then on, one that goes
  beyond more slowly; and surprise makes the filter doubt more.

  Background:
    Given the canonical market
    And phases 1, 2, 3, 4 and 5 are on

  Scenario Outline: Theta follows the direction of the error
    A move over ten seconds is a tenth of it a second. What falls short in the predicted direction,
    or turns against it, raises theta by 1 %; what goes beyond lowers it by 1 %.

    Given the drift stands at <predicted> bp/s with a variance of 25
    When the engine quotes
    And the engine sells 0.01 at mid
    And the mid moves by <moved> bp over 10 seconds
    And the engine quotes
    Then theta is <theta> per second

    Examples:
      | predicted | moved | theta  |
      | -4        | -10   | 0.0202 |
      | -4        | 60    | 0.0202 |
      | -4        | -60   | 0.0198 |
      | 4         | 10    | 0.0202 |
      | 4         | 60    | 0.0198 |
      | 0         | 60    | 0.02   |

  Scenario Outline: Surprise raises the process noise, its absence lowers it
    With a variance of 25 and a sigma of 2 bp/sqrt(s), the drift over ten seconds is expected within
    sqrt(25 + 4/10) = 5.04 bp/s of the prediction. 0.6745 of it, 3.40 bp/s, is the median error.

    Given the drift stands at -4 bp/s with a variance of 25
    When the engine quotes
    And the engine sells 0.01 at mid
    And the mid moves by <moved> bp over 10 seconds
    And the engine quotes
    Then the process noise is <noise>

    Examples:
      | moved | noise |
      | -40   | 0.95  |
      | -73   | 0.95  |
      | -75   | 1.05  |
      | 60    | 1.05  |

  Scenario: A fill is judged once its five seconds have passed
    Given the drift stands at -4 bp/s with a variance of 25
    When the engine quotes
    And the engine sells 0.01 at mid
    And nothing happens for 4.999 seconds
    And the engine quotes
    Then theta is 0.02 per second
    When nothing happens for 0.001 seconds
    And the engine quotes
    Then theta is 0.0202 per second
    When nothing happens for 60 seconds
    And the engine quotes
    Then theta is 0.0202 per second

  Scenario: The prediction is the one from before the fill
    An own buy below mid is bearish itself. The fall that follows was not predicted before it.

    When the engine buys 0.5 at 10 bp below mid
    And the engine quotes
    And the mid moves by -50 bp over 10 seconds
    And the engine quotes
    Then the drift is below 0 bp/s
    But theta is 0.02 per second

  Scenario Outline: However long it errs one way, theta and noise stay within their bounds
    When 500 drifts in a row <err> the prediction
    Then adaptation ends at a theta of <theta> and a process noise of <noise>

    Examples:
      | err               | theta | noise |
      | fall far short of | 1     | 10    |
      | go just beyond    | 0.01  | 0.1   |

  Scenario: Far starts converge within a minute of fills
    Then process noise started four times too high or too low converges within 60 fills

  Scenario: With the gate off the parameters are frozen
    Given phases 1, 2, 3 and 4 are on
    And the drift stands at -4 bp/s with a variance of 25
    When the engine quotes
    And the engine sells 0.01 at mid
    And the mid moves by 60 bp over 10 seconds
    And the engine quotes
    Then theta is 0.02 per second
    And the process noise is 1

  Scenario: Without the filter it needs, adaptation is inert and says so
    Given phases 1, 2, 3 and 5 are on
    When the engine quotes
    Then it reports phase 5 as inert
