"""Around a generated module: its loading and its cache, and the data sets that it is trained on."""
