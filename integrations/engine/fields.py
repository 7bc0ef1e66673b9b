"""Allow-list of the engine's fields: the signal class of every field of every delivery shape and of bundles.

A field without a class is unknown and does not pass. Classes that name a sense of the body (face, voice,
gaze) pass only where the policy allows them; ``confidential`` (prompts, tokens, addresses) and ``image``
never do, since no policy lists them.
"""

IDENTITY = "identity"
OPERATIONAL = "operational"
SPEECH = "speech_text"
TIMING = "timing"
SCORE = "score"
FACE = "biometric_face"
VOICE = "biometric_voice"
GAZE = "biometric_gaze"
CONFIDENTIAL = "confidential"
IMAGE = "image"
BIOMETRIC = frozenset({FACE, VOICE, GAZE})
