"""The one delivery engine behind xAPI, LMS and CRM: plan, write the intent, send, acknowledge or reject.

``base`` what a target must offer; ``planner`` what is due, as a pure function of frames; ``machine`` what an answer
means, without I/O; ``ledger`` what is kept in the state database; ``sender`` the loop that joins them.
"""
