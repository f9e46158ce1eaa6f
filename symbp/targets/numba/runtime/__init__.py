"""The parts of a generated module that are the same in every module, pasted in verbatim."""
