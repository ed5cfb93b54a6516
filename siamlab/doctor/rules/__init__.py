"""The rules: one file for each family of faults, one function for each fault."""
