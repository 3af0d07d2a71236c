"""Measures know the field: from a cohort to Estimates, each by a definition in the library."""
