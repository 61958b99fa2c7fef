@phase_3
Feature: Phase 3 - order flow moves the quotes before fills confirm it
  Sell pressure lowers the bid's kappa, which rests the bid deeper, and is a bearish observation.

  Background:
    Given the canonical market
    And phases 1, 2 and 3 are on

  Scenario: Sell pressure rests the bid deeper
    When 30 sell trades arrive within 3 seconds
    And the engine quotes
    Then the bid rests more than 2.8 bp deeper than in a calm market
    And the kappas of bid and ask differ
    And the drift is below 0 bp/s

  Scenario: Buy pressure is the mirror image
    When 30 buy trades arrive within 3 seconds
    And the engine quotes
    Then the ask rests more than 2.8 bp deeper than in a calm market
    And the drift is above 0 bp/s

  Scenario: Nineteen trades are too few to say anything
    When 19 sell trades arrive within 2 seconds
    And the engine quotes
    Then it quotes as in a calm market

  Scenario: A silent tape says nothing of the last burst
    When 30 sell trades arrive within 3 seconds
    And nothing happens for 25.1 seconds
    And the engine quotes
    Then it quotes as in a calm market

  Scenario: Flow does not keep a full book buying
    Flow acts on the half-spread only. Were it to act on the fill intensity too, sell pressure would
    keep bids alive at 75 % of the limit.

    Given phases 1, 2, 3 and 4 are on
    And the engine is 75 % long
    When 30 sell trades arrive within 3 seconds
    And the engine quotes
    Then no bids rest

  Scenario: With the gate off flow changes nothing
    Given phases 1 and 2 are on
    When 30 sell trades arrive within 3 seconds
    And the engine quotes
    Then it quotes as in a calm market
