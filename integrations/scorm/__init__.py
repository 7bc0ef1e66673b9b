"""SCORM and cmi5: packages that an LMS takes, the page inside them, and the service that gives it results."""
