"""Every model of the state database; a new one is listed here and gets a migration of its own."""

from governance.state.audit_model import AuditRow
from governance.state.base import Base, UtcTime
from governance.state.batch_model import BatchRow, RejectRow
from governance.state.inbox_model import InboxRecord, PullRow
from governance.state.launch_model import LaunchRow
from governance.state.learner_model import IdentityRow
from governance.state.lms_model import (
    ClaimCodeRow,
    LmsIdentityRow,
    LmsResultRow,
    PackageExportRow,
    PackageTokenRow,
)
from governance.state.media_model import MediaProbeRow
from governance.state.privacy_model import ErasedRow, ErasureRow, LegalHoldRow, RestrictionRow
from governance.state.rubric_model import RubricRow
from governance.state.session_model import SessionDayRow
from governance.state.source_model import SourcePersonRow
from governance.state.sync_model import (
    SyncBudgetRow,
    SyncCallRow,
    SyncErasureRow,
    SyncIntentRow,
    SyncRecordRow,
    SyncRejectRow,
    SyncRunRow,
    SyncTargetRow,
)
from governance.state.withheld_model import WithheldRow

__all__ = [
    "AuditRow",
    "Base",
    "BatchRow",
    "ClaimCodeRow",
    "ErasedRow",
    "ErasureRow",
    "IdentityRow",
    "InboxRecord",
    "LaunchRow",
    "LegalHoldRow",
    "LmsIdentityRow",
    "LmsResultRow",
    "MediaProbeRow",
    "PackageExportRow",
    "PackageTokenRow",
    "PullRow",
    "RejectRow",
    "RestrictionRow",
    "RubricRow",
    "SessionDayRow",
    "SourcePersonRow",
    "SyncBudgetRow",
    "SyncCallRow",
    "SyncErasureRow",
    "SyncIntentRow",
    "SyncRecordRow",
    "SyncRejectRow",
    "SyncRunRow",
    "SyncTargetRow",
    "UtcTime",
    "WithheldRow",
]
