"""WHEN and WHERE: definitions, jobs, sensors, gateway and command line."""
