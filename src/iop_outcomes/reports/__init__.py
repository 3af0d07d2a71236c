"""Which estimates, in which order, with which words; no numbers of their own."""
