"""Reading topics to their ends: views, tails, and evidence."""
