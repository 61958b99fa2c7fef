"""The features as tests: ``pytest --pyargs quotemark.suite.test_features --engine ENGINE``.

Every module of ``feature_steps`` is loaded as a plugin, for the step definitions in it.
"""

from __future__ import annotations

from pkgutil import iter_modules

from pytest_bdd import scenarios

from quotemark.resources import resource_folder
from quotemark.suite import feature_steps

pytest_plugins = [
    f"{feature_steps.__name__}.{module.name}" for module in iter_modules(feature_steps.__path__)
]

scenarios(str(resource_folder("features")))
