"""Speed of features, read and written online and joined offline."""
