"""Limits of calls are kept before the vendor complains."""

from __future__ import annotations

from connectors.crm.settings import Limit
from tests.connectors.crm.crms import Site


def test_limits_are_kept_before_the_vendor_complains(hubspot: Site) -> None:
    """The stand-in refuses the thirty-first call in a quarter of a second; we allow ourselves fewer and are never refused."""
    hubspot.fake.limits = ((30, 0.25),)
    source = hubspot.config.source.model_copy(update={"limits": [Limit(calls=25, seconds=0.27)]})  # type: ignore[union-attr]
    hubspot.config = hubspot.config.model_copy(update={"source": source})
    hubspot.run()
    assert hubspot.fake.refused == 0
    assert len(hubspot.dataset.leads) == 60
