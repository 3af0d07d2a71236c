"""The pages of the quarterly report, one module a page: what stands where, with which words, in published numbers."""
