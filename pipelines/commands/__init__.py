"""The commands of ``rolecall``, one a module; heavy imports stay inside the functions."""
