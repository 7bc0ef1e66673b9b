"""A simulator of role-play engines: real wire formats, ugly cases, plausible talk, true effects that are known.

``generate`` writes a folder, ``post`` plays it to a gateway, ``api.app`` serves the engine's pull API over it.
"""

from integrations.engine.simulator.generate import API_KEY, TENANT, TOOL_SECRET, generate
from integrations.engine.simulator.posting import Sent, post
from integrations.engine.simulator.settings import Effects, Uglies
from integrations.engine.simulator.truth import Truth

__all__ = ["API_KEY", "TENANT", "TOOL_SECRET", "Effects", "Sent", "Truth", "Uglies", "generate", "post"]
