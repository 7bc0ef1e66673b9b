"""Ralph's LRS on a folder, with the two faults of its `fs` backend repaired: it runs in Ralph's own environment.

    .venv/bin/python serve.py PORT

The default write mode refuses the second POST, and filters by verb or activity compare objects with texts.
"""

import sys

import uvicorn
from ralph.backends.data.base import BaseOperationType
from ralph.backends.lrs.fs import FSLRSBackend


def by_text(original):
    """The filter, called with the text of an IRI."""

    def filtered(filters, iri, *more):
        return original(filters, getattr(iri, "root", iri), *more)

    return staticmethod(filtered)


FSLRSBackend.default_operation_type = BaseOperationType.APPEND
for name in ("_add_filter_by_verb", "_add_filter_by_activity"):
    setattr(FSLRSBackend, name, by_text(getattr(FSLRSBackend, name)))

uvicorn.run("ralph.api:app", host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
