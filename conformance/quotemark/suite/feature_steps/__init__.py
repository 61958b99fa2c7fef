"""Step definitions of the features, a theme a module.

Steps speak to the engine over the port alone. A step that needs a phase, a component or an inner
figure which the engine does not have skips its scenario with that reason.
"""
