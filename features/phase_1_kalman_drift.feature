@phase_1
Feature: Phase 1 - the drift follows the evidence and nothing caps it
  A Kalman filter estimates the drift of the mid. Trend readings and own fills move it, time takes it
  back to zero, and the quotes follow it without the old 3 bp cap.

  Background:
    Given the canonical market
    And phases 1, 2 and 3 are on

  Scenario: A bearish trend pulls the bid back by more than the old cap
    When a trend of 20 bp down is read with full agreement
    And the engine quotes
    Then the bid rests more than 3 bp deeper than in a calm market
    And the ask rests closer than in a calm market

  Scenario: A bullish trend is the mirror image
    When a trend of 20 bp up is read with full agreement
    And the engine quotes
    Then the ask rests more than 3 bp deeper than in a calm market
    And the bid rests closer than in a calm market

  Scenario: A trend without agreement changes nothing
    When a trend of 20 bp down is read with an agreement of 0
    And the engine quotes
    Then it quotes as in a calm market

  Scenario: Without news the drift goes back to zero
    When a trend of 20 bp down is read with full agreement
    And the engine quotes
    And nothing happens for 600 seconds
    And the engine quotes
    Then it quotes as in a calm market

  Scenario: The drift halves in 35 seconds
    When a trend of 20 bp down is read with full agreement
    And the engine quotes
    And nothing happens for 34.657 seconds
    And the engine quotes
    Then the drift is half of what it was

  Scenario: An own buy is weakly bearish
    When the engine buys 0.5 at 10 bp below mid
    And the engine quotes
    Then the drift is below 0 bp/s

  Scenario: An own buy makes a strongly bearish drift less so
    This is a known weakness of the plan: a fill is a weak observation of a small drift.

    When a trend of 20 bp down is read with full agreement
    And the engine quotes
    And the engine buys 0.65 at 0.17 bp below mid
    And the engine quotes
    Then the drift has risen but is still below -3 bp/s

  Scenario: Evidence reduces uncertainty
    When a trend of 5 bp down is read with full agreement in each of 5 cycles
    Then the drift is less uncertain than in a calm market

  Scenario: With the gate off the old cap is back
    Given phases 2 and 3 are on
    When a trend of 60 bp down is read with full agreement
    And the engine quotes
    Then the bid rests 3 bp deeper than in a calm market
