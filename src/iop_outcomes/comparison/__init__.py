"""Comparisons: with published figures, between levels of care, and in cost. Uses measures; no writer uses it."""
