"""CloudTrail: the trail's events, for those with the right to see them."""

from __future__ import annotations

from rolecall.services.cloudtrail.delivery import Delivery
from rolecall.services.cloudtrail.table import operations

__all__ = ["Delivery", "operations"]
