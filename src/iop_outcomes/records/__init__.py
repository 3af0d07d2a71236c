"""From files to Records: reading, mapping, validation, the identifier scan, and synthetic records."""
