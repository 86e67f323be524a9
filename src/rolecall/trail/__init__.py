"""Events of who did what and why it was allowed or refused: kept, found and expired.

`event` is what happened, `segments` how events are kept and found, `recorder` the queue and the thread before it.
"""

from __future__ import annotations

from rolecall.trail.event import ATTRIBUTES as ATTRIBUTES
from rolecall.trail.event import Event as Event
from rolecall.trail.event import Noted as Noted
from rolecall.trail.event import Question as Question
from rolecall.trail.event import Resource as Resource
from rolecall.trail.recorder import Trail as Trail
