"""Loop programs: what a compiled function does, between the equations and a target's text."""
