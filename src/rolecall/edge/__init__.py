"""HTTP/1.1 to Request and back: connections, our own unsigned paths, and what is refused before anything is read.

uvloop carries the bytes and httptools (llhttp, as Node has it) takes heads and chunks apart; what stands here is what
neither knows: how long a connection may wait, how much it may hold, whose turn it is, and how an answer is written.
"""

from rolecall.edge.edge import Edge, Handler
from rolecall.edge.listening import Listening
from rolecall.edge.own_paths import OwnPaths

__all__ = ["Edge", "Handler", "Listening", "OwnPaths"]
