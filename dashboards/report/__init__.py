"""The monthly L&D report: what a month's pages would say, as a PDF to send and to keep."""
