"""Publication: from estimates through the gate to pages. It knows tables of numbers and never a record."""
