"""What the last look at a recording found, so that an unchanged object is not downloaded again."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class MediaProbeRow(Base):
    """One row per recording address; ``stamp`` is its etag, or its size and time of change."""

    __tablename__ = "media_probes"

    uri: Mapped[str] = mapped_column(primary_key=True)
    stamp: Mapped[str]
    result: Mapped[dict[str, Any]] = mapped_column(JSON)
    probed_at: Mapped[datetime] = mapped_column(UtcTime)
