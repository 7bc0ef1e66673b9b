"""Runs in the Open edX peer's environment: takes a package and recorded calls a line, tells what it published.

A line in: ``{"zip": path, "calls": [[element, value], ...]}``. A line out: version, page, published grades, status.
"""

import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

import django
from django.conf import settings

MEDIA = tempfile.mkdtemp(prefix="scorm-block-")
settings.configure(
    MEDIA_ROOT=MEDIA,
    INSTALLED_APPS=[],
    USE_TZ=True,
    STORAGES={
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
)
django.setup()

from django.core.files import File  # noqa: E402 - Django has to be set up first
from openedxscorm import ScormXBlock  # noqa: E402
from xblock.field_data import DictFieldData  # noqa: E402


def judged(path: str, calls: list[list[str]]) -> dict[str, object]:
    """The grades that the block publishes for these calls."""
    runtime = mock.Mock()
    runtime.service.return_value = None  # no settings: its own defaults
    block = ScormXBlock(runtime, DictFieldData({"has_score": True, "weight": 1}), mock.MagicMock())
    block.location = mock.Mock(block_id="b1", org="o", course="c", block_type="scorm")
    with Path(path).open("rb") as file:
        package = File(file, name=Path(path).name)
        block.update_package_meta(package)
        block.extract_package(package)
        block.update_package_fields()
    with mock.patch.object(ScormXBlock, "track_set_value"), mock.patch.object(ScormXBlock, "emit_completion"):
        for name, value in calls:
            block.set_value({"name": name, "value": value})
    grades = [call.args[2]["value"] for call in runtime.publish.call_args_list if call.args[1] == "grade"]
    return {
        "version": block.scorm_version, "page": block.index_page_path, "grades": grades,
        "success": block.success_status, "lesson": block.lesson_status, "data": block.scorm_data,
        "sha1": block.package_meta["sha1"],
    }  # fmt: skip


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(judged(asked["zip"], asked["calls"])), flush=True)  # noqa: T201 - the answer
