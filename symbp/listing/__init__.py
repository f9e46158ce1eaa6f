"""The code of a gradient beside the equations that it computes: a section of the report."""
