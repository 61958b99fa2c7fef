"""The reference's pieces as components of the port, by name.

Each component session holds one piece of the reference and translates the port's steps into its
calls. Nothing is computed here.
"""

from quotemark.components.base import Component
from quotemark.components.engine import EngineComponent
from quotemark.components.features import (
    AdaptationComponent,
    BookComponent,
    CrossVenueComponent,
    FillSizeComponent,
    FundingComponent,
    HawkesComponent,
    OpenInterestComponent,
    SweepComponent,
    VolatilityComponent,
)
from quotemark.components.pricing import (
    DriftComponent,
    ExpectedPnlComponent,
    FlowComponent,
    GlftComponent,
    InventoryComponent,
)

COMPONENTS: dict[str, type[Component]] = {
    "drift": DriftComponent,
    "inventory": InventoryComponent,
    "flow": FlowComponent,
    "glft": GlftComponent,
    "expected_pnl": ExpectedPnlComponent,
    "adaptation": AdaptationComponent,
    "funding": FundingComponent,
    "book": BookComponent,
    "sweep": SweepComponent,
    "hawkes": HawkesComponent,
    "fill_size": FillSizeComponent,
    "cross_venue": CrossVenueComponent,
    "volatility": VolatilityComponent,
    "open_interest": OpenInterestComponent,
    "engine": EngineComponent,
}
