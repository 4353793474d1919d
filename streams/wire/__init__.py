"""What travels, as data: topics, records, headers, codes, event ids. Imports nothing else of streams."""
