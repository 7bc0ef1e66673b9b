"""A session's statements, split by subject. ``drafts`` gives them all, in the order in which they are told."""

from collections.abc import Iterator

from integrations.xapi.encoder import Draft
from integrations.xapi.facts import Session
from integrations.xapi.statements import mastery, reviews, scores, sessions, watched
from integrations.xapi.statements.scene import Cast, Scene

__all__ = ["Cast", "Scene", "drafts"]


def drafts(session: Session, cast: Cast) -> Iterator[Draft]:
    """Every statement that the session implies now. ``cast`` keeps what sessions share; use one for many."""
    scene = Scene(session, cast)
    yield sessions.attempted(scene)
    ended = sessions.ended(scene)
    if ended is not None:
        yield ended
    yield from watched.drafts(scene)
    for score in session.scores:
        yield from scores.drafts(scene, score)
    for review in session.reviews:
        yield reviews.evaluated(scene, review)
    for reached in session.mastered:
        yield mastery.mastered(scene, reached)
