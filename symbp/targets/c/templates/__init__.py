"""The texts that what is generated is put into."""
